//! Whether something may be written into the lake's bucket, as far as the bucket alone and the configuration tell. Who
//! reads it by policies of their own is proved by a plan, which looks at all of them.

use std::collections::BTreeSet;

use serde_json::json;

use crate::config::Config;
use crate::config::schema::LakeConfig;
use crate::estate::{LakeBucketSettings, OWNER_TAG};
use crate::ids::{AccountId, Arn};
use crate::policy::PolicyDocument;
use crate::policy::document::{ActionElement, Effect, PrincipalElement, Principals, Statement};
use crate::policy::evaluate::covers_action;
use crate::policy::grants::{Attached, beyond, is_within};
use crate::policy::template::{BadTemplate, Templates};

/// What lets somebody read the lake, change it, or let others in.
const OPENS: [&str; 12] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutReplicationConfiguration",
];

/// Returns why nothing may be written into the lake's bucket, each as a sentence without its end; none where it is as
/// configured.
///
/// # Errors
/// [`BadTemplate`] where the template of its policy cannot be used.
pub fn lake_bucket_faults(
    config: &Config,
    lake: &LakeConfig,
    templates: &Templates,
    log_account: Option<&AccountId>,
    seen: &LakeBucketSettings,
) -> Result<Vec<String>, BadTemplate> {
    let mut faults = Vec::new();
    let deployment = seen.tags.get(OWNER_TAG);
    if deployment != Some(&config.deployment) {
        let whose = deployment.map_or("of no deployment".to_owned(), |other| format!("of the deployment {other:?}"));
        faults.push(format!("it is {whose}, and not taken over by {:?}", config.deployment));
    }
    if !seen.block_public_access {
        faults.push("Block Public Access is not on".to_owned());
    }
    if seen.object_ownership.as_deref() != Some("BucketOwnerEnforced") {
        faults.push("access control lists can open it".to_owned());
    }
    let Some(policy) = &seen.policy else {
        faults.push("it has no bucket policy".to_owned());
        return Ok(faults);
    };
    let wanted = known_policy(config, lake, templates)?;
    faults.extend(opened(config, log_account, policy, &wanted));
    let denies = PolicyDocument {
        statements: policy.statements.iter().filter(|one| one.effect == Effect::Deny).cloned().collect(),
        ..policy.clone()
    };
    if !is_within(&denies, &wanted, Attached::Other) {
        faults.push("its policy does not refuse all that it should, such as plain HTTP".to_owned());
    }
    Ok(faults)
}

/// Returns the policy as far as the configuration alone tells: what it allows, and what it denies everybody.
fn known_policy(config: &Config, lake: &LakeConfig, templates: &Templates) -> Result<PolicyDocument, BadTemplate> {
    let name = lake.place.bucket.to_string();
    let arn = Arn::new(config.home_region.partition(), "s3", "", "", &name).to_string();
    let none: [&str; 0] = [];
    let values = json!({
        "bucket": {"name": name, "arn": arn},
        "lake_prefix": lake.place.key,
        "lake_readers": lake.readers,
        "reader_roles": none,
        "exempt_roles": none,
        "break_glass_roles": none,
        "policy_keepers": none,
    });
    templates.render("lake.json.hbs", &values)
}

/// Returns the statements that let in others than the readers of the lake.
fn opened(
    config: &Config,
    log_account: Option<&AccountId>,
    policy: &PolicyDocument,
    wanted: &PolicyDocument,
) -> Option<String> {
    let trusted: BTreeSet<&AccountId> = config.bucket.trusted_readers.iter().chain(log_account).collect();
    let is_opening = |at: &usize| {
        let Some(statement) = policy.statements.get(*at) else { return false };
        lets_others_in(statement, &trusted) && OPENS.iter().any(|action| covers(statement, action))
    };
    let named = |at: usize| match policy.statements.get(at).and_then(|one| one.sid.as_deref()) {
        Some(sid) => format!("{sid:?}"),
        None => format!("number {}", at + 1),
    };
    let all: Vec<String> = beyond(policy, wanted, Attached::Other).into_iter().filter(is_opening).map(named).collect();
    (!all.is_empty()).then(|| format!("its policy lets in others than `lake.readers`: statement {}", all.join(", ")))
}

/// A pattern of actions, as `s3:Get*`, is about those that it fits.
fn covers(statement: &Statement, action: &str) -> bool {
    // What is left out of all actions does not close the rest.
    matches!(statement.action, ActionElement::IsNot(_)) || covers_action(statement, action)
}

/// Tells whether a statement names anybody but accounts that may read, as a whole or some of their principals.
fn lets_others_in(statement: &Statement, trusted: &BTreeSet<&AccountId>) -> bool {
    let Some(PrincipalElement::Is(Principals::Listed(listed))) = &statement.principal else { return true };
    let is_trusted = |principal: &String| {
        let account = principal.parse::<Arn>().ok().map(|arn| arn.account().to_owned());
        trusted.iter().any(|id| *id.as_str() == **account.as_ref().unwrap_or(principal))
    };
    !listed.iter().all(|(kind, all)| kind == "AWS" && all.iter().all(is_trusted))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config;

    const CONFIG: &str = "
version: 1
home_region: eu-central-1
deployment: acme
organization: {id: o-exampleorgid}
accounts: {log: \"222222222222\"}
bucket: {name: acme-logs, trusted_readers: [\"555555555555\"]}
trails: [{name: org}]
lake:
  place: s3://acme-lake/events
  readers: [\"arn:aws:iam::333333333333:role/analysts\"]
";

    fn as_configured(config: &Config, lake: &LakeConfig) -> LakeBucketSettings {
        LakeBucketSettings {
            tags: BTreeMap::from([(OWNER_TAG.to_owned(), "acme".to_owned())]),
            block_public_access: true,
            object_ownership: Some("BucketOwnerEnforced".to_owned()),
            policy: Some(known_policy(config, lake, &Templates::new(&[]).unwrap()).unwrap()),
        }
    }

    fn with(more: &str) -> impl Fn(&mut LakeBucketSettings) + use<> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{more}]}}"#);
        let more = PolicyDocument::parse(&text).unwrap().statements;
        move |seen| seen.policy.as_mut().unwrap().statements.extend(more.clone())
    }

    #[test]
    fn a_bucket_that_is_open_or_not_ours_is_not_written_into() {
        let config = config::parse(CONFIG, "orgtrail.yaml").unwrap();
        let lake = config.lake.clone().unwrap();
        let log = config.accounts.log.parse().ok();
        let faults = |change: &dyn Fn(&mut LakeBucketSettings)| {
            let mut seen = as_configured(&config, &lake);
            change(&mut seen);
            lake_bucket_faults(&config, &lake, &Templates::new(&[]).unwrap(), log.as_ref(), &seen).unwrap().join("; ")
        };
        let allow = |who: &str, what: &str| {
            with(&format!(
                r#"{{"Sid":"Theirs","Effect":"Allow","Principal":{who},"Action":{what},"Resource":"arn:aws:s3:::acme-lake/*"}}"#
            ))
        };
        assert_eq!(faults(&|_| ()), "");
        assert!(faults(&|seen| seen.tags.clear()).contains("of no deployment, and not taken over by \"acme\""));
        assert!(faults(&|seen| seen.block_public_access = false).contains("Block Public Access"));
        assert!(faults(&|seen| seen.object_ownership = None).contains("access control lists"));
        assert!(faults(&|seen| seen.policy = None).contains("no bucket policy"));
        assert!(
            faults(&|seen| seen.policy.as_mut().unwrap().statements.retain(|one| one.effect == Effect::Allow))
                .contains("plain HTTP")
        );
        for who in [
            r#""*""#,
            r#"{"AWS":"arn:aws:iam::444444444444:root"}"#,
            r#"{"AWS":["arn:aws:iam::222222222222:root","444444444444"]}"#,
            r#"{"Service":"s3.amazonaws.com"}"#,
            r#"{"AWS":"arn:aws:iam::333333333333:role/analysts"}"#,
        ] {
            for what in [r#""s3:Get*""#, r#""s3:*""#, r#"["s3:PutObject"]"#] {
                let told = faults(&allow(who, what));
                assert!(told.contains("statement \"Theirs\""), "{who} {what}: {told}");
            }
        }
        // What the plan lets be: the people of the log account, trusted accounts, and what opens nothing.
        for who in [r#"{"AWS":"arn:aws:iam::222222222222:role/admin"}"#, r#"{"AWS":"555555555555"}"#] {
            assert_eq!(faults(&allow(who, r#""s3:GetObject""#)), "", "{who}");
        }
        assert_eq!(faults(&allow(r#"{"AWS":"arn:aws:iam::444444444444:root"}"#, r#""s3:GetBucketTagging""#)), "");
    }
}
