//! What the names of log files look like.

use crate::log_path::{FILE_ENDING, Folder};
use crate::policy::shape::{Class, ShapePart, many, one, range, text};

fn id(account: Option<&str>) -> Vec<ShapePart> {
    match account {
        Some(id) => text(id).collect(),
        None => vec![range("09"); 12],
    }
}

/// Returns what everything below an account's path looks like, and more: whatever follows no name at all follows this.
pub(super) fn loosely(start: &str, account: Option<&str>) -> Vec<ShapePart> {
    let below = text(start).chain(text("/")).chain(id(account)).chain(text("/"));
    below.chain([many(Class::Any)]).collect()
}

/// Returns what the log files of an account look like, or of any: one shape for each folder and each form of a date.
pub(super) fn shapes<'a>(
    folders: &'a [Folder],
    start: &'a str,
    account: Option<&'a str>,
) -> impl Iterator<Item = Vec<ShapePart>> + 'a {
    const MONTHS: [[&str; 2]; 2] = [["00", "19"], ["11", "02"]];
    const DAYS: [[&str; 2]; 3] = [["00", "19"], ["12", "09"], ["33", "01"]];
    let dates = || MONTHS.iter().flat_map(|month| DAYS.iter().map(move |day| (month, day)));
    let of =
        move |folder: &'a Folder| dates().map(move |(month, day)| shape(start, account, folder.name(), month, day));
    folders.iter().flat_map(of)
}

fn shape(start: &str, account: Option<&str>, folder: &str, month: &[&str; 2], day: &[&str; 2]) -> Vec<ShapePart> {
    let mut parts: Vec<ShapePart> = text(start).chain(text("/")).chain(id(account)).collect();
    parts.extend(text(&format!("/{folder}/")));
    // `eu-central-1`, `us-gov-west-1`
    parts.extend([range("az"), range("az"), one(Class::Only('-')), range("az"), many(Class::Region)]);
    parts.extend([one(Class::Only('-')), range("19")]);
    parts.extend(text("/20").chain([range("09"), range("09")]));
    for digits in [month, day] {
        parts.extend(text("/").chain(digits.iter().map(|ends| range(ends))));
    }
    parts.extend(text("/").chain(id(account)).chain(text(&format!("_{folder}_"))));
    parts.push(many(Class::Word));
    parts.extend(text(FILE_ENDING));
    parts
}
