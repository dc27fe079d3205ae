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
