//! The lake in every organization: the central team reads it, and no member's reader does.

use orgtrail::estate::{ACCOUNT_TAG, Address, Bucket, BucketPolicy, Estate, Kind, Problem, Resource, Sighting, Stage};
use orgtrail::ids::Arn;
use orgtrail::plan::{PlanOptions, plan};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::{AccessDecision, Caller, Context, Layers, Named, Request, evaluate, full_access};
use orgtrail::survey::Survey;
use proptest::prelude::*;

use super::damage::organization;
use super::{applied, apply, first_plan, settings, wait};
use crate::worlds::{Case, LAKE, cases, plain_bucket};

/// Asks for something in the lake's bucket, with the policies of the caller and of the bucket.
fn asked(survey: &Survey, caller: &Arn, own: &[Named], action: &str, key: &str) -> AccessDecision {
    let partition = survey.organization.partition;
    let at = survey.desired.lake.as_ref().unwrap().bucket.with_kind(Kind::BucketPolicy);
    let policy = survey.observed.resource(&at).and_then(Resource::shared_policy).unwrap();
    let context = Context::default()
        .with("aws:SecureTransport", "true")
        .with("aws:PrincipalOrgID", survey.organization.id.as_str());
    let request = Request {
        caller: Caller::from_arn(caller).unwrap(),
        action: action.into(),
        resource: format!("arn:{partition}:s3:::{LAKE}{key}"),
        context,
    };
    let resource = Some(Named { name: "lake", document: policy });
    let resource_account = Some(survey.desired.log_account.clone());
    evaluate(&request, &Layers { identity: own, resource, resource_account, ..Layers::default() })
}

const ASKED: [(&str, &str); 3] = [
    ("s3:GetObject", "/events/lake.json"),
    ("s3:GetObject", "/events/day=2026-01-31/s00.parquet"),
    ("s3:ListBucket", ""),
];

fn readers(observed: &Estate) -> impl Iterator<Item = (String, Vec<&PolicyDocument>)> {
    observed.resources().filter_map(|(address, resource)| match resource {
        Resource::Role(role) if role.tags.contains_key(ACCOUNT_TAG) => {
            Some((address.name.clone(), role.inline.values().collect()))
        }
        _ => None,
    })
}

fn is_closed_to_readers(survey: &Survey) -> Result<(), TestCaseError> {
    let (partition, log) = (survey.organization.partition, &survey.desired.log_account);
    let open = full_access();
    for (name, documents) in readers(&survey.observed) {
        let role: Arn = format!("arn:{partition}:iam::{log}:role/{name}").parse().unwrap();
        let own: Vec<Named> = documents.into_iter().map(|document| Named { name: "own", document }).collect();
        // Even one whose own policy somebody has opened.
        for own in [own, vec![Named { name: "open", document: &open }]] {
            for (action, key) in ASKED {
                let answer = asked(survey, &role, &own, action, key);
                prop_assert!(answer.is_denied(), "{} of {} by {}: {:?}", action, key, role, answer);
            }
        }
    }
    for reader in &survey.desired.lake.as_ref().unwrap().readers {
        let role: Arn = reader.parse().unwrap();
        for (action, key) in ASKED {
            let own = [Named { name: "open", document: &open }];
            let answer = asked(survey, &role, &own, action, key);
            prop_assert!(answer.is_allowed(), "{} of {} by {}: {:?}", action, key, role, answer);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(settings())]

    /// A plan with a lake converges, and leaves a lake that no member's reader reads or lists.
    #[test]
    fn no_reader_of_a_member_reads_or_lists_the_lake(case in cases(8)) {
        wait(async {
            if case.config.lake.is_none() {
                return Err(TestCaseError::reject("no lake"));
            }
            let (_, survey) = applied(&case).await?;
            is_closed_to_readers(&survey)
        })?;
    }
}

const EXISTING: &str = r#"
version: 1
deployment: acme
accounts: {log: "222222222222"}
home_region: eu-central-1
bucket: {name: acme-org-cloudtrail}
trails: [{name: acme-org-trail}]
lake: {place: "s3://acme-lake/events", bucket: existing}
"#;

/// A bucket that others keep, and its policy: it refuses plain HTTP, and has one more statement.
fn bucket_of_others(more: &str) -> (Bucket, BucketPolicy) {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::acme-lake","arn:aws:s3:::acme-lake/*"],
        "Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}{more}]}}"#
    );
    (plain_bucket(), BucketPolicy { policy: PolicyDocument::parse(&policy).unwrap() })
}

#[test]
fn a_bucket_of_others_is_looked_at_and_what_is_not_known_of_it_is_open() {
    let config = orgtrail::config::parse(EXISTING, "orgtrail.yaml").map_err(|error| error.render(false)).unwrap();
    let case = Case { organization: organization(), config, room_for_roles: None };
    wait(async {
        // Not in sync: the bucket of others is not there yet.
        let cloud = case.cloud();
        apply(&first_plan(&case, &cloud).await?.plan, &cloud).await?;
        let survey = case.survey(&cloud, false).await.unwrap();
        let bucket: Address = format!("222222222222/eu-central-1/bucket/{LAKE}").parse().unwrap();
        let policy = bucket.with_kind(Kind::BucketPolicy);
        let with = |kept: Sighting, its_policy: Sighting| {
            let mut observed = survey.observed.clone();
            observed.sightings.extend([(bucket.clone(), kept), (policy.clone(), its_policy)]);
            plan(&survey.desired, &observed, &survey.organization, PlanOptions::default())
        };
        let (kept, closed) = bucket_of_others("");
        let fine = with(Sighting::present(kept.clone()), Sighting::present(closed.clone()));
        prop_assert!(fine.in_sync() && !fine.is_partial(), "{:?} {:?}", fine.violations, fine.unproven);

        let open = r#",{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444444444444:root"},
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lake/events/*"}"#;
        let (_, opened) = bucket_of_others(open);
        let told = with(Sighting::present(kept.clone()), Sighting::present(opened));
        let found: Vec<_> = told.violations.iter().map(|one| (&one.address, one.principal.as_str())).collect();
        prop_assert_eq!(found, vec![(&policy, "arn:aws:iam::444444444444:root")]);
        prop_assert!(told.changes.is_empty(), "{:?}", told.changes);

        let unblocked = Bucket { block_public_access: false, ..kept.clone() };
        let told = with(Sighting::present(unblocked), Sighting::present(closed));
        prop_assert!(told.has_findings() && told.findings.iter().any(|one| one.code == "lake-bucket-unblocked"));

        let problem = Problem {
            account: bucket.account.clone(),
            address: Some(policy.clone()),
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "it may not be read".into(),
            help: String::new(),
        };
        let unread = with(Sighting::present(kept), Sighting::Unreadable(problem));
        prop_assert!(unread.unproven.iter().any(|one| one.address == policy), "{:?}", unread.unproven);
        prop_assert_eq!(&unread.violations, &vec![]);

        let gone = with(Sighting::Absent, Sighting::Absent);
        prop_assert!(gone.findings.iter().any(|one| one.code == "lake-bucket-absent"), "{:?}", gone.findings);
        prop_assert!(gone.has_findings(), "a lake that is missing is not fine");
        prop_assert!(gone.violations.is_empty() && gone.changes.is_empty());
        Ok(())
    })
    .unwrap();
}
