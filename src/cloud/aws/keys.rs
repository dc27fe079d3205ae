//! The keys that count: the one that the bucket and the trails are really encrypted with, wherever the alias points;
//! those of others that the configuration or a topic names; and a second one of ours.

use std::collections::BTreeSet;

use super::kms;
use super::session::{Session, Sessions};
use crate::cloud::{CloudFault, CloudFaultKind};
use crate::estate::topic::is_managed_by_sns;
use crate::estate::{Address, Estate, Key, Kind, Problem, Resource, SeenKey, Sighting, Stage};
use crate::ids::{AccountId, Arn};
use crate::observation::ObservationScope;
use crate::operations::kms as op;

/// Looks at them, after everything else has been seen.
pub(super) async fn look(sessions: &Sessions, scope: &ObservationScope, estate: &mut Estate) {
    let wanted = scope.addresses.keys().find(|address| address.kind == Kind::Key).cloned();
    if let Some(address) = &wanted {
        look_at_our_own(sessions, scope, address, estate).await;
    }
    for (name, account) in of_others(scope, estate) {
        let seen = look_at_other(sessions, scope, &name, &account).await;
        estate.keys.insert(name, seen.unwrap_or_else(|fault| unreadable(&fault)));
    }
}

/// Puts the key that is in use in the place of the one that the alias points to, if it is ours.
async fn look_at_our_own(sessions: &Sessions, scope: &ObservationScope, address: &Address, estate: &mut Estate) {
    let seen = match estate.sightings.get(address) {
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::Key(key) => key.clone(),
            _ => return,
        },
        // Without the alias, a key of ours that lacks it was looked for already.
        Some(Sighting::Absent | Sighting::Unreadable(_)) | None => return,
    };
    let Ok(session) = sessions.of(&address.account).await.map(|session| session.at(address)) else { return };
    let mut used = seen.clone();
    for arn in in_use(scope, address, estate) {
        if seen.arn.as_deref() == Some(&*arn) {
            break;
        }
        match kms::in_use(&session, &arn, &scope.deployment).await {
            Ok(Some(found)) => {
                used = found.key.clone();
                estate.sightings.insert(address.with_kind(Kind::KeyPolicy), Sighting::present(found.policy));
                estate.sightings.insert(address.clone(), Sighting::present(found.key));
                break;
            }
            Ok(None) => {}
            Err(fault) => {
                // Which key encrypts is not known then: nothing may be planned on the one that the alias points to.
                let unreadable = |address: &Address| Sighting::Unreadable(fault.problem(Stage::Observe, Some(address)));
                for address in [address.clone(), address.with_kind(Kind::KeyPolicy)] {
                    let sighting = unreadable(&address);
                    estate.sightings.insert(address, sighting);
                }
                return;
            }
        }
    }
    // What the alias leads to is not the key that is in use: it is looked at, whoever made it.
    if let Some(other) = seen.arn.as_ref().filter(|_| used.arn != seen.arn) {
        note(&session, other, estate).await;
    }
    if scope.further_keys {
        look_beside(&session, scope, &used, estate).await;
    }
}

/// Looks for further keys of this deployment, and notes where that could not be done or not to the end.
async fn look_beside(session: &Session, scope: &ObservationScope, used: &Key, estate: &mut Estate) {
    let Some(arn) = &used.arn else { return };
    let not_looked_at = match kms::beside(session, arn, &scope.deployment).await {
        Ok(found) => {
            for other in found.keys {
                if !estate.keys.contains_key(&other) {
                    note(session, &other, estate).await;
                }
            }
            if found.not_asked == 0 {
                return;
            }
            let message = format!("{} keys of the account were not asked for their tags", found.not_asked);
            session.unexpected_response(op::LIST_TAGS, message)
        }
        Err(fault) => fault,
    };
    let problem = Problem { code: SeenKey::NOT_LOOKED_AT.into(), ..not_looked_at.problem(Stage::Observe, None) };
    let name = format!("further keys of account {}", session.account);
    estate.keys.insert(name, SeenKey { problem: Some(problem), ..SeenKey::default() });
}

async fn note(session: &Session, arn: &str, estate: &mut Estate) {
    let seen = kms::look_at_other(session, arn).await.unwrap_or_else(|fault| unreadable(&fault));
    estate.keys.insert(arn.to_owned(), seen);
}

/// Returns the ARNs of the keys with which the wanted trails and the wanted bucket encrypt, those of the trails first,
/// as far as they are in the account and region of the wanted key.
fn in_use(scope: &ObservationScope, key: &Address, estate: &Estate) -> Vec<String> {
    let of = |wanted: Kind| estate.resources().filter(move |(address, _)| address.kind == wanted);
    let wanted = |address: &Address| scope.addresses.contains_key(address);
    let trails = of(Kind::Trail).filter(|(address, _)| wanted(address)).filter_map(|(_, resource)| match resource {
        Resource::Trail(trail) => trail.key.clone(),
        _ => None,
    });
    let buckets = of(Kind::Bucket).filter(|(address, _)| wanted(address)).filter_map(|(_, resource)| match resource {
        Resource::Bucket(bucket) => bucket.key().cloned(),
        _ => None,
    });
    let here = |text: &String| {
        text.parse::<Arn>().is_ok_and(|arn| {
            arn.resource().starts_with("key/")
                && arn.account() == key.account.as_str()
                && key.region.as_ref().is_some_and(|region| region.as_str() == arn.region())
        })
    };
    let mut seen = BTreeSet::new();
    trails.chain(buckets).filter(here).filter(|arn| seen.insert(arn.clone())).collect()
}

/// Returns the names of the keys of others, each with the account whose credentials look.
fn of_others(scope: &ObservationScope, estate: &Estate) -> Vec<(String, AccountId)> {
    let account = |name: &str| name.parse::<Arn>().ok().and_then(|arn| arn.account().parse().ok());
    let own = scope.keys.iter().map(|name| (name.clone(), account(name).unwrap_or_else(|| scope.log_account.clone())));
    let topics = estate.resources().filter_map(|(address, resource)| match resource {
        Resource::Topic(topic) => {
            let name = topic.key.as_deref().filter(|key| !is_managed_by_sns(key))?;
            Some((name.to_owned(), account(name).unwrap_or_else(|| address.account.clone())))
        }
        _ => None,
    });
    // What is ours was seen already.
    let seen: BTreeSet<&str> = estate
        .resources()
        .filter_map(|(_, resource)| match resource {
            Resource::Key(key) => key.arn.as_deref(),
            _ => None,
        })
        .collect();
    let others: BTreeSet<(String, AccountId)> =
        own.chain(topics).filter(|(name, _)| !seen.contains(name.as_str())).collect();
    others.into_iter().collect()
}

async fn look_at_other(
    sessions: &Sessions,
    scope: &ObservationScope,
    name: &str,
    account: &AccountId,
) -> Result<SeenKey, CloudFault> {
    if !scope.accounts.contains(account) {
        return Err(CloudFault {
            kind: CloudFaultKind::Denied,
            account: account.clone(),
            operation: "kms:DescribeKey".into(),
            code: "OutsideOrganization".into(),
            message: format!("the key {name} is of an account outside the organization, which is not entered"),
            help: "ask its owner whether its policy lets CloudTrail use it, and who else".into(),
        });
    }
    let region = name.parse::<Arn>().ok().and_then(|arn| arn.region().parse().ok());
    let region = region.unwrap_or_else(|| scope.home_region.clone());
    let session = sessions.of(account).await?.in_region(&region);
    kms::look_at_other(&session, name).await
}

fn unreadable(fault: &CloudFault) -> SeenKey {
    SeenKey { problem: Some(fault.problem(Stage::Observe, None)), ..SeenKey::default() }
}
