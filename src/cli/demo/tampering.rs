//! What happens behind the program's back in the demo: three hands change the world, and no plan knows of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Resource, Sighting};
use crate::ids::{AccountId, Arn, BadId};
use crate::organization::{Account, AccountState, Organization};
use crate::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};

/// What the three hands do, in words.
pub const EVENTS: &str = "\
- the logging of the trail acme-org-trail is stopped
- the account data-science (620000000005) joins /Workloads/Dev
- the policy of the bucket acme-org-cloudtrail is opened to 999999999999, an account of others
";

/// The account that joins.
const NEWCOMER: &str = "620000000005";

/// The account in whose unit the new one is put.
const NEIGHBOUR: &str = "data-dev";

/// An account that does not belong to the organization.
const STRANGER: &str = "999999999999";

/// When logging was stopped: a moment of the story, not of the clock, so that every demo gives the same bytes.
const STOPPED: &str = "2026-03-02T09:41:07Z";

/// Returns the account that joins.
///
/// # Errors
/// [`BadId`] never, unless the constant is wrong.
pub fn newcomer() -> Result<AccountId, BadId> {
    NEWCOMER.parse()
}

/// Does all three.
pub fn simulate(newcomer: AccountId, organization: &mut Organization, estate: &mut Estate) {
    for (address, sighting) in &mut estate.sightings {
        let Sighting::Present(resource) = sighting else { continue };
        match resource.as_mut() {
            Resource::Trail(trail) if trail.organization => {
                trail.logging = false;
                let stopped_time = Some(STOPPED.to_owned());
                trail.delivery = Some(DeliveryStatus { stopped_time, ..trail.delivery.clone().unwrap_or_default() });
            }
            Resource::BucketPolicy(bucket) => bucket.policy.statements.push(opening(organization, address)),
            _ => {}
        }
    }
    let path = organization.accounts.values().find(|account| account.name == NEIGHBOUR).map(|a| a.path.clone());
    let account = Account {
        name: "data-science".into(),
        email: "aws+data-science@example.com".into(),
        state: AccountState::Active,
        path: path.unwrap_or_default(),
        tags: Some(BTreeMap::new()),
    };
    organization.accounts.insert(newcomer, account);
}

/// Returns which changes a drift report as JSON does not name.
pub fn missing(report: &Value) -> Vec<&'static str> {
    let changes = report["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let finds = |kind: &str, named: &str, field: &str| {
        changes.iter().any(|change| {
            let fields = change["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            change["kind"] == kind
                && change["name"].as_str().is_some_and(|name| name.contains(named))
                && fields.iter().any(|found| found["path"] == field)
        })
    };
    let changes = [
        ("the stopped trail", finds("trail", "acme-org-trail", "logging")),
        ("the opened bucket policy", finds("bucket_policy", "acme-org-cloudtrail", "policy")),
        ("the new account", finds("role", NEWCOMER, "trust")),
    ];
    changes.into_iter().filter(|(_, found)| !found).map(|(change, _)| change).collect()
}

/// A statement that lets a stranger read every log.
fn opening(organization: &Organization, bucket: &Address) -> Statement {
    let partition = organization.partition;
    let root = Arn::new(partition, "iam", "", STRANGER, "root").to_string();
    let objects = Arn::new(partition, "s3", "", "", &format!("{}/*", bucket.name)).to_string();
    Statement {
        sid: Some("QuickFixForTheAuditor".into()),
        effect: Effect::Allow,
        principal: Some(PrincipalElement::Is(Principals::Listed(BTreeMap::from([("AWS".into(), vec![root])])))),
        action: ActionElement::Is(vec!["s3:GetObject".into()]),
        resource: Some(ResourceElement::Is(vec![objects])),
        condition: BTreeMap::new(),
    }
}
