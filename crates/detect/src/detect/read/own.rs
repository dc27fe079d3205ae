//! The two kinds of rules that are not Sigma's: thresholds and first occurrences.

use super::fields::FieldReader;
use crate::detect::field::Field;
use crate::detect::rule::{FirstLogic, Logic, Need, Rule, Step, WindowLogic};

/// The longest window, in days: its events are kept in memory.
const WITHIN_DAYS_MAX: i64 = 7;
/// The longest time of a first occurrence, in days.
const FIRST_DAYS_MAX: i64 = 400;
/// The largest number that a threshold may have.
pub(super) const AT_LEAST_MAX: usize = 10_000;
/// Findings of a first occurrence are folded by the day, in microseconds.
const DAY_US: i64 = 86_400_000_000;

const META: [&str; 14] = [
    "title",
    "id",
    "level",
    "author",
    "description",
    "references",
    "tags",
    "falsepositives",
    "next_step",
    "status",
    "date",
    "modified",
    "license",
    "sigma-version",
];
const THRESHOLD: [&str; 8] =
    ["when", "group_by", "count", "distinct", "within", "at_least", "missing_group", "once_in"];
const FIRST: [&str; 5] = ["when", "first", "in", "known_for", "once_in"];

fn known(own: &[&'static str]) -> Vec<&'static str> {
    META.iter().chain(own).copied().collect()
}

/// Reads a threshold.
pub(super) fn threshold(fields: &mut FieldReader<'_>) -> Option<Rule> {
    fields.only(&known(&THRESHOLD));
    let condition = fields.condition();
    let group_by = fields.fields("group_by");
    let within_us = there(fields, "within", FieldReader::within_us);
    let at_least = there(fields, "at_least", |fields| fields.count("at_least", AT_LEAST_MAX));
    let distinct = fields.fields("distinct");
    if fields.get("count").is_some() && (fields.get("distinct").is_some() || fields.text("count")? != "events") {
        fields.problem("/count", "`count` is `events`, which is what is counted without `distinct`");
    }
    let groups_missing = match fields.text("missing_group").as_deref() {
        None | Some("count") => false,
        Some("group") => true,
        Some(_) => {
            let meant = "`group`: the records without a field of `group_by` are a group; or `count`, the default";
            fields.problem("/missing_group", &format!("`missing_group` is {meant}: they are only counted"));
            false
        }
    };
    let step = Step { condition: condition?, group_by };
    let need = match distinct.is_empty() {
        true => Need::Events(at_least?),
        false => Need::Distinct { fields: distinct, at_least: at_least? },
    };
    let within_us = within_us?;
    let logic = Logic::Window(WindowLogic { steps: vec![step], within_us, need, groups_missing });
    rule(fields, logic, within_us)
}

/// Reads a first occurrence.
pub(super) fn first_seen(fields: &mut FieldReader<'_>) -> Option<Rule> {
    fields.only(&known(&FIRST));
    let condition = fields.condition();
    let first: Vec<Field> = fields.fields("first");
    if first.is_empty() {
        fields.problem("/first", "`first` names no field");
    }
    let in_us = there(fields, "in", |fields| fields.duration("in", FIRST_DAYS_MAX));
    let known_us = fields.duration("known_for", FIRST_DAYS_MAX);
    let (in_us, step) = (in_us?, Step { condition: condition?, group_by: first });
    let known_us = known_us.unwrap_or(in_us).min(in_us);
    rule(fields, Logic::First(FirstLogic { step, in_us, known_us }), DAY_US)
}

fn rule(fields: &mut FieldReader<'_>, logic: Logic, fold_us: i64) -> Option<Rule> {
    let meta = fields.meta();
    fields.level_is_there(&meta);
    let fold_us = fields.duration("once_in", WITHIN_DAYS_MAX).unwrap_or(fold_us);
    let (document, fingerprint) = (fields.document(), fields.fingerprint());
    let (file, line) = (document.file.clone(), document.line("/title"));
    let rule = Rule { meta: meta.rest, file, line, logic, fold_us, fingerprint, exclusions: Vec::new() };
    fields.is_fine().then_some(rule)
}

/// Reads a field that has to be there.
fn there<'d, T>(
    fields: &mut FieldReader<'d>,
    name: &str,
    read: impl Fn(&mut FieldReader<'d>) -> Option<T>,
) -> Option<T> {
    if fields.get(name).is_none() {
        fields.problem("", &format!("`{name}` is missing"));
    }
    read(fields)
}

impl FieldReader<'_> {
    fn within_us(&mut self) -> Option<i64> {
        self.duration("within", WITHIN_DAYS_MAX)
    }
}
