//! The rules that come with the program: the files of `rules/`, compiled in.
//!
//! They are our own, written from AWS's documentation of its calls. Each has a record for which it rings and one for
//! which it does not (`rules/tests/`).

use super::ruleset::RuleSet;

macro_rules! table {
    ($($name:literal),* $(,)?) => {
        &[$((concat!("rules/", $name, ".yaml"), include_str!(concat!("../../../../rules/", $name, ".yaml")))),*]
    };
}

/// The files by name and text. A test holds them to the folder.
pub const FILES: &[(&str, &str)] = table![
    "abuse",
    "compute",
    "detectors",
    "exfiltration",
    "iam-escalation",
    "iam-persistence",
    "logging",
    "network",
    "organization",
    "public-access",
    "ransom",
    "recon",
    "root",
    "secrets",
    "sign-in",
];

/// Returns the rules of the pack.
pub fn rules() -> RuleSet {
    RuleSet::read(FILES.iter().copied())
}
