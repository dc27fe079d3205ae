//! Rules for `earlier`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::render_name;
use crate::config::schema::{Config, EarlierLogs};
use crate::ids::{AccountId, Arn};

use super::bucket::prefix;
use super::names::context;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let places = config.earlier.iter().enumerate();
    let remarks = places.flat_map(|(n, place)| {
        let at = |field: &str| format!("/earlier/{n}/{field}");
        let rules = [prefix(&at("prefix"), &place.prefix), key(&at("key"), place), today(&at("bucket"), place, config)];
        let twice = config.earlier.iter().take(n).position(|other| other == place).map(|first| {
            let remark = Diagnostic::new(Code::Conflict, at("bucket"), "the same place is written twice");
            remark.because(format!("/earlier/{first}/bucket"), "here too").help("leave one of them out")
        });
        rules.into_iter().flatten().chain(twice).collect::<Vec<_>>()
    });
    remarks.collect()
}

fn key(at: &str, place: &EarlierLogs) -> Option<Diagnostic> {
    let text = place.key.as_ref()?;
    let is_key = |arn: &Arn| arn.is_kms_key() && arn.account().parse::<AccountId>().is_ok();
    if text.parse::<Arn>().as_ref().is_ok_and(is_key) {
        return None;
    }
    let remark = Diagnostic::new(Code::WrongValue, at, format!("{text:?} is not the ARN of a key"));
    Some(remark.help("write it like `arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab`"))
}

/// With another key it is an earlier place all the same: what was written then is encrypted with it.
fn today(at: &str, place: &EarlierLogs, config: &Config) -> Option<Diagnostic> {
    let name = render_name(&config.bucket.name, &context(config)).ok()?;
    if place.bucket.as_str() != name || place.prefix != config.bucket.prefix || place.key.is_some() {
        return None;
    }
    let remark = Diagnostic::new(Code::Conflict, at, "logs are written here today");
    Some(remark.because("/bucket/name", "the same bucket and prefix").help("leave this place out"))
}
