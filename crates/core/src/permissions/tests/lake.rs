//! What `lake update` needs.

use super::{FULL, actions, allows, ask, config, known};
use crate::ids::Arn;
use crate::permissions::{AccountKind, LakePlace, Permissions, PermissionsRequest, Purpose, permissions};
use crate::policy::evaluate::Context;

pub(super) const KEY: &str = "arn:aws:kms:eu-west-1:444444444444:key/9";

/// What `lake update` needs for a lake in a bucket.
pub(super) fn needed(place: AccountKind, key: Option<&str>) -> Permissions {
    let key: Option<Arn> = key.map(|key| key.parse().unwrap());
    let lake = LakePlace { bucket: &"acme-lake".parse().unwrap(), prefix: "cloudtrail/", key: key.as_ref() };
    let (config, known, purpose) = (config(FULL), known(), Purpose::Lake);
    permissions(&PermissionsRequest {
        config: &config,
        purpose,
        place,
        known: &known,
        destroy: &[],
        sign: None,
        lake: Some(lake),
        athena: None,
        recorders: false,
    })
}

#[test]
fn a_lake_is_written_below_its_prefix_and_nothing_is_deleted() {
    for place in [AccountKind::Management, AccountKind::Log] {
        let given = needed(place, Some(KEY));
        let may = |action: &str, resource: &str| {
            let context = Context::default().with("kms:ViaService", "s3.eu-west-1.amazonaws.com");
            allows(&given, "222222222222", action, resource, context)
        };
        for action in ["s3:GetObject", "s3:PutObject"] {
            assert!(may(action, "arn:aws:s3:::acme-lake/cloudtrail/events/day=2026-11-20/s00.parquet"), "{action}");
            assert!(!may(action, "arn:aws:s3:::acme-lake/other"), "{action}");
        }
        assert!(may("s3:ListBucket", "arn:aws:s3:::acme-lake") && may("kms:GenerateDataKey", KEY));
        assert!(!may("s3:PutObject", "arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/x"));
        assert!(actions(&given).iter().all(|action| !action.contains("Delete")), "{:?}", actions(&given));
        assert!(actions(&needed(place, None)).iter().all(|action| action != "kms:GenerateDataKey"));
    }
    let logs = actions(&ask(FULL, Purpose::Query, AccountKind::Log));
    assert!(actions(&needed(AccountKind::Log, None)).is_superset(&logs), "it reads the logs as questions do");
    let unnamed = ask(FULL, Purpose::Lake, AccountKind::Log);
    assert_eq!(actions(&unnamed), logs);
    assert!(unnamed.notes.iter().any(|note| note.contains("--lake")), "{:?}", unnamed.notes);
}

fn with_lake(lake: &str) -> String {
    format!("{FULL}lake: {{place: s3://acme-lake/events{lake}}}\n")
}

const FILE: &str = "arn:aws:s3:::acme-lake/events/events/day=2026-11-20/s00.parquet";
const BUCKET: &str = "arn:aws:s3:::acme-lake";

fn may(given: &Permissions, action: &str, resource: &str) -> bool {
    let context = Context::default()
        .with("kms:ViaService", "s3.eu-central-1.amazonaws.com")
        .with("kms:ResourceAliases", "alias/orgtrail-acme");
    allows(given, "222222222222", action, resource, context)
}

#[test]
fn the_lake_of_the_configuration_needs_no_option_and_is_entered_by_the_member_role() {
    let text = with_lake("");
    let of = |purpose, place| ask(&text, purpose, place);
    let key = "arn:aws:kms:eu-central-1:222222222222:key/9";
    for purpose in [Purpose::Lake, Purpose::Reconcile] {
        let log = of(purpose, AccountKind::Log);
        for (action, resource) in [
            ("s3:GetObject", FILE),
            ("s3:PutObject", FILE),
            ("s3:ListBucket", BUCKET),
            ("kms:GenerateDataKey", key),
            ("kms:Decrypt", key),
            ("s3:GetObject", "arn:aws:s3:::acme-org-cloudtrail/audit/AWSLogs/o-exampleorgid/333333333333/x"),
        ] {
            assert!(may(&log, action, resource), "{purpose:?} {action}");
        }
        assert!(!may(&log, "s3:PutObject", "arn:aws:s3:::acme-lake/other"), "{purpose:?}");
        assert!(!may(&log, "s3:DeleteObject", FILE) && log.notes.iter().all(|note| !note.contains("LakeFiles")));
        for place in [AccountKind::Management, AccountKind::Member] {
            assert!(!may(&of(purpose, place), "s3:PutObject", FILE), "{purpose:?} {place:?}");
        }
    }
    for action in ["s3:GetBucketTagging", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock"] {
        assert!(may(&of(Purpose::Lake, AccountKind::Log), action, BUCKET), "it is looked whom the bucket lets in");
        assert!(!may(&of(Purpose::Query, AccountKind::Log), action, BUCKET), "{action}");
    }
    let query = of(Purpose::Query, AccountKind::Log);
    assert!(may(&query, "s3:GetObject", FILE) && !may(&query, "s3:PutObject", FILE));
    let existing = ask(&with_lake(", bucket: existing"), Purpose::Reconcile, AccountKind::Management);
    assert!(may(&existing, "s3:PutObject", FILE), "with the credentials that the daemon is started with");
}

#[test]
fn the_bucket_of_the_lake_is_made_as_the_log_bucket_is_and_one_of_others_only_looked_at() {
    let kept = ask(&with_lake(""), Purpose::Apply, AccountKind::Log);
    let existing = ask(&with_lake(", bucket: existing"), Purpose::Apply, AccountKind::Log);
    for action in ["s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"] {
        assert!(may(&kept, action, BUCKET) && !may(&existing, action, BUCKET), "{action}");
        assert!(may(&existing, action, "arn:aws:s3:::acme-org-cloudtrail"), "{action}");
    }
    for given in [&kept, &existing, &ask(&with_lake(""), Purpose::Plan, AccountKind::Log)] {
        assert!(may(given, "s3:GetBucketPolicy", BUCKET) && may(given, "s3:GetBucketAcl", BUCKET));
    }
    assert!(!may(&kept, "s3:PutBucketLogging", BUCKET) && !may(&kept, "s3:PutObject", FILE));
    assert!(may(&kept, "s3:PutBucketLogging", "arn:aws:s3:::acme-org-cloudtrail"));
}
