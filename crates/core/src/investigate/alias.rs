//! From an alias to the keys that it stood for, as records tell it: whoever asks about an alias means the key behind it
//! too.
//!
//! Sources: KMS API, `CreateAlias` and `UpdateAlias` (`TargetKeyId` is the id or the ARN of a key); KMS developer
//! guide, "Logging AWS KMS API calls with AWS CloudTrail" (calls by an alias list the ARN of the key in `resources`).

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Outcome, Record};
use crate::resource_types::{MatchedBy, ResourceCandidate, ResourceTypes};

/// The type of aliases.
const ALIAS: &str = "AWS::KMS::Alias";
/// The most keys of one alias that are named.
const KEYS_MAX: usize = 5;
const KMS: &str = "kms.amazonaws.com";
/// The calls that say which key an alias stands for.
const TARGETING: [&str; 2] = ["CreateAlias", "UpdateAlias"];

/// Returns the ARNs of the keys that the aliases among some candidates stood for, the aliases by their names.
pub fn keys(
    types: &ResourceTypes,
    candidates: &[ResourceCandidate],
    records: &[Record<'_>],
) -> BTreeMap<String, BTreeSet<String>> {
    let aliases: Vec<ResourceCandidate> =
        candidates.iter().filter(|own| own.resource_type.as_deref() == Some(ALIAS)).cloned().collect();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if aliases.is_empty() {
        return all;
    }
    let of_kms = records.iter().filter(|record| record.event_source.as_deref() == Some(KMS));
    for record in of_kms.filter(|record| Outcome::of(record).may_be_done()) {
        for mention in types.mentions(record, &aliases).iter().filter(|own| own.matched_by > MatchedBy::Prefix) {
            let Some(name) = aliases.get(mention.candidate).and_then(|own| own.identity.name.as_ref()) else {
                continue;
            };
            for key in keys_of(record) {
                let known = all.entry(format!("alias/{name}")).or_default();
                if known.len() < KEYS_MAX {
                    known.insert(key);
                }
            }
        }
    }
    all
}

/// Returns the ARNs of the keys that a record about one alias names.
fn keys_of(record: &Record<'_>) -> Vec<String> {
    let listed: BTreeSet<&str> =
        record.resources.iter().filter_map(|entry| entry.arn.as_deref()).filter(|arn| is_key(arn)).collect();
    let is_targeting = record.event_name.as_deref().is_some_and(|call| TARGETING.contains(&call));
    let target = record.request_parameters.and_then(|asked| asked.at("targetKeyId")?.text()).filter(|_| is_targeting);
    match (target, listed.len()) {
        (Some(target), _) if is_key(&target) => vec![target.into_owned()],
        // The resources of such a call may have the key of before.
        (Some(target), _) => arn(record, &target).into_iter().collect(),
        (None, 1) => listed.into_iter().map(str::to_owned).collect(),
        // Of several nothing says which is the one of the alias.
        (None, _) => Vec::new(),
    }
}

fn is_key(arn: &str) -> bool {
    arn.starts_with("arn:") && arn.contains(":kms:") && arn.contains(":key/")
}

/// Returns the ARN of a key of the account and region of a record. `None`: they are not recorded.
fn arn(record: &Record<'_>, id: &str) -> Option<String> {
    let (region, account) = (record.aws_region.as_deref()?, record.recipient_account_id.as_deref()?);
    let partition = match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    Some(format!("arn:{partition}:kms:{region}:{account}:key/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "arn:aws:kms:eu-central-1:111111111111:key/12345678-1234-1234-1234-123456789012";
    const TWO: &str = "arn:aws:kms:eu-central-1:111111111111:key/22345678-1234-1234-1234-123456789012";

    fn event(call: &str, asked: &str, listed: &str, more: &str) -> String {
        format!(
            r#"{{"eventTime":"2026-11-20T10:00:00Z","eventSource":"kms.amazonaws.com","eventName":"{call}","eventID":"{call}",
            "awsRegion":"eu-central-1","recipientAccountId":"111111111111","requestParameters":{asked},"resources":[{listed}]{more}}}"#
        )
    }

    fn told(subject: &str, events: &[String]) -> BTreeMap<String, BTreeSet<String>> {
        let types = ResourceTypes::built_in().unwrap();
        let records: Vec<Record<'_>> = events.iter().map(|event| Record::read(event).unwrap()).collect();
        keys(&types, &types.candidates(subject).unwrap(), &records)
    }

    #[test]
    fn an_alias_leads_to_every_key_that_records_say_it_stood_for() {
        let listed = |arn: &str| format!(r#"{{"ARN":"{arn}","type":"AWS::KMS::Key"}}"#);
        let bare = ONE.rsplit('/').next().unwrap();
        let made = event("CreateAlias", &format!(r#"{{"aliasName":"alias/app","targetKeyId":"{bare}"}}"#), "", "");
        let moved =
            event("UpdateAlias", &format!(r#"{{"aliasName":"alias/app","targetKeyId":"{TWO}"}}"#), &listed(ONE), "");
        let other = event("CreateAlias", &format!(r#"{{"aliasName":"alias/other","targetKeyId":"{TWO}"}}"#), "", "");
        let all = |keys: &[&str]| {
            BTreeMap::from([("alias/app".to_owned(), keys.iter().map(|own| (*own).to_owned()).collect())])
        };
        assert_eq!(told("alias/app", &[made.clone(), other.clone()]), all(&[ONE]));
        assert_eq!(told("kms alias app", &[made.clone(), moved]), all(&[ONE, TWO]));
        let used = event("Decrypt", r#"{"keyId":"alias/app"}"#, &listed(TWO), "");
        assert_eq!(told("alias/app", &[used]), all(&[TWO]));
        // What was refused made it stand for nothing, and another name is another alias.
        let refused = event(
            "CreateAlias",
            &format!(r#"{{"aliasName":"alias/app","targetKeyId":"{bare}"}}"#),
            "",
            r#","errorCode":"AccessDenied""#,
        );
        assert_eq!(told("alias/app", &[refused, other]), BTreeMap::new());
        assert_eq!(told("bucket app", &[made]), BTreeMap::new());
    }
}
