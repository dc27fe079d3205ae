//! Rules that need more than one field, or more than a form. Each file holds the rules of one part of the
//! configuration; each rule answers with remarks that point at the fields it looked at.

use super::diagnostic::Diagnostic;
use super::schema::Config;

mod accounts;
mod advice;
mod aws_config;
mod bucket;
mod data_events;
mod earlier;
mod lake;
mod names;
mod readers;
mod reconcile;
mod regions;
mod tags;
mod trails;

pub(super) use advice::advise;

/// Returns everything that the rules have to say.
pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let parts = [
        accounts::check(config),
        regions::check(config),
        bucket::check(config),
        earlier::check(config),
        trails::check(config),
        data_events::check(config),
        readers::check(config),
        reconcile::check(config),
        lake::check(config),
        aws_config::check(config),
        tags::check(config),
    ];
    parts.into_iter().flatten().collect()
}
