//! What `query --engine athena` needs.

use super::{FULL, actions, allows, ask, config, known};
use crate::ids::Arn;
use crate::permissions::{AccountKind, AthenaPlace, LakePlace, Permissions, PermissionsRequest, Purpose, permissions};
use crate::policy::evaluate::Context;

const KEY: &str = "arn:aws:kms:eu-west-1:444444444444:key/9";

/// What it needs, with the places of the lake and of the results, or without.
pub(super) fn needed(place: AccountKind, with_places: bool) -> Permissions {
    let (bucket, results, key) =
        ("acme-lake".parse().unwrap(), "acme-results".parse().unwrap(), KEY.parse::<Arn>().unwrap());
    let lake = LakePlace { bucket: &bucket, prefix: "cloudtrail/", key: Some(&key) };
    let results = with_places.then_some((&results, "audit/"));
    let results_key = with_places.then_some(&key);
    let athena = AthenaPlace { workgroup: "audit", database: "trail", results, results_key };
    let (config, known) = (config(FULL), known());
    permissions(&PermissionsRequest {
        config: &config,
        purpose: Purpose::Query,
        place,
        known: &known,
        destroy: &[],
        sign: None,
        lake: with_places.then_some(lake),
        athena: Some(athena),
        recorders: false,
    })
}

#[test]
fn athena_is_asked_in_one_workgroup_and_writes_results_only() {
    let given = needed(AccountKind::Log, true);
    let may = |action: &str, resource: &str| {
        let context = Context::default().with("kms:ViaService", "s3.eu-west-1.amazonaws.com");
        allows(&given, "222222222222", action, resource, context)
    };
    let home = config(FULL).home_region.to_string();
    let here = |service: &str, resource: &str| format!("arn:aws:{service}:{home}:222222222222:{resource}");
    for action in ["GetWorkGroup", "StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults"]
    {
        assert!(may(&format!("athena:{action}"), &here("athena", "workgroup/audit")), "{action}");
        assert!(!may(&format!("athena:{action}"), &here("athena", "workgroup/other")), "{action}");
    }
    assert!(may("athena:GetTableMetadata", &here("athena", "datacatalog/AwsDataCatalog")));
    assert!(may("glue:GetTable", &here("glue", "table/trail/cloudtrail_events")));
    assert!(!may("glue:GetTable", &here("glue", "table/other/x")));
    assert!(may("glue:GetDatabase", &here("glue", "database/default")));
    assert!(may("s3:PutObject", "arn:aws:s3:::acme-results/audit/1.csv") && may("kms:GenerateDataKey", KEY));
    assert!(may("s3:GetObject", "arn:aws:s3:::acme-lake/cloudtrail/events/day=2026-11-20/s00.parquet"));
    for resource in ["acme-lake/cloudtrail/events/day=2026-11-20/s00.parquet", "acme-org-cloudtrail/audit/AWSLogs/x"] {
        assert!(!may("s3:PutObject", &format!("arn:aws:s3:::{resource}")), "{resource}");
    }
    let all = actions(&given);
    assert!(
        all.iter().all(|action| !["Delete", "Create", "Update"].iter().any(|word| action.contains(word))),
        "{all:?}"
    );
}

#[test]
fn without_a_workgroup_nothing_of_athena_is_granted_and_missing_places_are_said() {
    let logs = actions(&ask(FULL, Purpose::Query, AccountKind::Log));
    assert!(logs.iter().all(|action| !action.starts_with("athena:")), "{logs:?}");
    let unnamed = needed(AccountKind::Log, false);
    let notes = unnamed.notes.join("\n");
    assert!(notes.contains("--lake") && notes.contains("--results"), "{notes}");
    assert!(!actions(&unnamed).contains("s3:PutObject"));
    assert!(actions(&needed(AccountKind::Member, true)).iter().all(|action| !action.starts_with("athena:")));
}
