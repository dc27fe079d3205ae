//! Rules about statements that do not do what they look like.

use std::collections::BTreeSet;

use super::{Add, Kind, LintSubject, Rule};
use crate::log_path::{Folder, TOP, split_at_root};
use crate::policy::document::{Effect, PolicyDocument, ResourceElement, Statement};

fn resources(statement: &Statement) -> &[String] {
    match &statement.resource {
        Some(ResourceElement::Is(list) | ResourceElement::IsNot(list)) => list,
        None => &[],
    }
}

fn values(statement: &Statement) -> impl Iterator<Item = (&String, &String, &String)> {
    let keys = statement.condition.iter().flat_map(|(operator, keys)| keys.iter().map(move |line| (operator, line)));
    keys.flat_map(|(operator, (key, values))| values.iter().map(move |value| (operator, key, value)))
}

pub(super) fn paths(statement: &Statement, add: Add) {
    let prefixes = values(statement).filter(|(_, key, _)| key.eq_ignore_ascii_case("s3:prefix"));
    for path in resources(statement).iter().chain(prefixes.map(|(_, _, value)| value)) {
        if path.contains(TOP) && path.contains("//") {
            add(Rule::DoubleSlash, format!("{path} has an empty part"));
        }
        if ends_inside_an_id(path) && statement.effect == Effect::Allow {
            add(Rule::PathWithoutSlash, format!("{path} also matches every longer name"));
        }
        if let Some(folder) = path.split('/').find(|part| misspells_a_folder(part)) {
            add(Rule::MisspeltFolder, format!("{path}: CloudTrail has no folder {folder}, so that this never matches"));
        }
    }
}

/// Tells whether a folder is one of CloudTrail's with another mark between its words, with an ending of many, or the
/// first one in another case. In small letters it may be anybody's prefix.
fn misspells_a_folder(part: &str) -> bool {
    let is_meant = |folder: Folder| {
        let name = folder.name();
        let plural = part.strip_suffix('s').filter(|_| name.contains('-'));
        part.contains('_') && part.replace('_', "-") == name || plural == Some(name)
    };
    part == "Cloudtrail" || Folder::ALL.into_iter().any(is_meant)
}

/// Tells whether a path ends in `AWSLogs/…<id>*`: the part before the star is an account or organization without its
/// slash.
fn ends_inside_an_id(path: &str) -> bool {
    let Some((_, below)) = split_at_root(path) else { return false };
    let Some(id) = below.strip_suffix('*').and_then(|below| below.rsplit('/').next()) else { return false };
    let is_account = id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    is_account || id.starts_with("o-") || id.ends_with("${aws:PrincipalAccount}")
}

pub(super) fn literal_wildcards(statement: &Statement, add: Add) {
    for (operator, key, value) in values(statement) {
        let base = operator.split(':').next_back().unwrap_or(operator);
        let exact = base.starts_with("StringEquals") || base.starts_with("StringNotEquals");
        if exact && value.replace("${*}", "").contains('*') {
            add(Rule::LiteralWildcard, format!("{operator} {key} compares with `{value}` as it stands"));
        }
    }
}

pub(super) fn variables(statement: &Statement, document: &PolicyDocument, add: Add) {
    if document.version.as_deref() == Some("2012-10-17") {
        return;
    }
    let texts = resources(statement).iter().chain(values(statement).map(|(_, _, value)| value));
    if let Some(text) = texts.into_iter().find(|text| text.contains("${")) {
        add(Rule::VariableWithoutVersion, format!("`{text}` is plain text without Version 2012-10-17"));
    }
}

/// Denials by encryption headers: joined ones hardly ever deny, and those on digests deny what CloudTrail writes today.
pub(super) fn encryption_denials(statement: &Statement, add: Add) {
    if statement.effect == Effect::Allow {
        return;
    }
    const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
    let is_about = |key: &str| key.to_ascii_lowercase().starts_with(ALGORITHM);
    let negated = |operator: &str| operator.contains("Not");
    let lines: BTreeSet<&String> =
        values(statement).filter(|(op, key, _)| negated(op) && is_about(key)).map(|(_, key, _)| key).collect();
    if lines.len() > 1 {
        add(
            Rule::JoinedDenials,
            "it denies only objects for which every one of its conditions is wrong at once".into(),
        );
    }
    let on_digests = resources(statement).iter().any(|path| path.contains("Digest/"));
    let accepts_keys =
        values(statement).any(|(_, key, value)| key.eq_ignore_ascii_case(ALGORITHM) && value.starts_with("aws:kms"));
    if on_digests && !lines.is_empty() && !accepts_keys {
        add(
            Rule::OutdatedDigestEncryption,
            "digests are encrypted with the trail's key today and would be denied".into(),
        );
    }
}

/// Old versions of the CloudTrail console let every principal of the account make aliases through EC2.
pub(super) fn leftover_grant(statement: &Statement, subject: &LintSubject, add: Add) {
    if subject.kind != Kind::Key || statement.effect == Effect::Deny {
        return;
    }
    let through_ec2 = values(statement)
        .any(|(_, key, value)| key.eq_ignore_ascii_case("kms:ViaService") && value.starts_with("ec2."));
    if through_ec2 && super::outside::actions_of(statement).contains("kms:CreateAlias") {
        add(
            Rule::LeftoverConsoleGrant,
            "every principal of the account may make aliases of the key through EC2".into(),
        );
    }
}
