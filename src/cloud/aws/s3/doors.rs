//! What leads out of a bucket beside its policy: grants of its access control list, website, replication, inventories and
//! notifications. One call each.

use std::collections::BTreeSet;

use aws_sdk_s3::types::ReplicationRuleStatus;
use futures::join;

use super::op;
use crate::cloud::Fault;
use crate::cloud::aws::session::{Session, found};
use crate::cloud::aws::surroundings::part;
use crate::estate::Address;
use crate::estate::surroundings::{AclGrant, BucketDoors, Part, Target};

/// Reads all of it. What cannot be read is that part's problem.
pub(crate) async fn look(session: &Session, address: &Address) -> BucketDoors {
    let name = address.name.as_str();
    let (acl, website, replication, inventories, notifications) = join!(
        acl(session, name),
        website(session, name),
        replication(session, name),
        inventories(session, name),
        notifications(session, name),
    );
    let mut doors = BucketDoors {
        acl: part(acl, address),
        website: part(website, address),
        replication: part(replication, address),
        inventories: part(inventories, address),
        notifications: part(notifications, address),
    };
    name_owners(session, &mut doors).await;
    doors
}

/// A bucket's name does not tell whose it is. Where a rule does not say it either, the account's own list does.
async fn name_owners(session: &Session, doors: &mut BucketDoors) {
    let mut unknown: Vec<&mut Target> = Vec::new();
    for part in [&mut doors.replication, &mut doors.inventories] {
        if let Part::Read(targets) = part {
            unknown.extend(targets.iter_mut().filter(|target| target.account.is_none()));
        }
    }
    if unknown.is_empty() {
        return;
    }
    // Where the list cannot be had, the owner stays unknown, and that is said.
    let Ok(own) = own_buckets(session).await else { return };
    for target in unknown.into_iter().filter(|target| own.contains(&target.bucket)) {
        target.account = Some(session.account.to_string());
    }
}

async fn own_buckets(session: &Session) -> Result<BTreeSet<String>, Fault> {
    let client = session.s3();
    let mut names = BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_BUCKETS);
    loop {
        let request = client.list_buckets().set_continuation_token(token.take());
        let page = session.read(op::LIST_BUCKETS, request.send()).await?;
        names.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
        token = pages.next(page.continuation_token)?;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn acl(session: &Session, name: &str) -> Result<Vec<AclGrant>, Fault> {
    let request = session.s3().get_bucket_acl().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_ACL, request.send()).await?;
    let owner = answer.owner().and_then(|owner| owner.id()).map(str::to_owned);
    let grants = answer.grants().iter().filter_map(|grant| {
        let grantee = grant.grantee()?;
        let who = grantee.id().or(grantee.uri()).or(grantee.email_address())?;
        let permission = grant.permission()?.as_str().to_owned();
        (Some(who) != owner.as_deref()).then(|| AclGrant { grantee: who.to_owned(), permission })
    });
    Ok(sorted(grants))
}

async fn website(session: &Session, name: &str) -> Result<bool, Fault> {
    let request = session.s3().get_bucket_website().bucket(name).expected_bucket_owner(session.account.as_str());
    Ok(found(session.read(op::GET_WEBSITE, request.send()).await)?.is_some())
}

async fn replication(session: &Session, name: &str) -> Result<Vec<Target>, Fault> {
    let request = session.s3().get_bucket_replication().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = found(session.read(op::GET_REPLICATION, request.send()).await)?;
    let rules = answer.and_then(|answer| answer.replication_configuration).map(|found| found.rules).unwrap_or_default();
    let enabled = rules.into_iter().filter(|rule| rule.status == ReplicationRuleStatus::Enabled);
    Ok(sorted(
        enabled
            .filter_map(|rule| rule.destination)
            .map(|to| Target { bucket: bucket_name(&to.bucket), account: to.account }),
    ))
}

async fn inventories(session: &Session, name: &str) -> Result<Vec<Target>, Fault> {
    let client = session.s3();
    let mut targets = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_INVENTORIES);
    loop {
        let request = client.list_bucket_inventory_configurations().bucket(name).set_continuation_token(token.take());
        let request = request.expected_bucket_owner(session.account.as_str());
        let page = session.read(op::LIST_INVENTORIES, request.send()).await?;
        let enabled = page.inventory_configuration_list().iter().filter(|inventory| inventory.is_enabled);
        let to = enabled.filter_map(|inventory| inventory.destination()?.s3_bucket_destination());
        targets.extend(
            to.map(|to| Target { bucket: bucket_name(to.bucket()), account: to.account_id().map(str::to_owned) }),
        );
        token = pages.after(page.is_truncated == Some(true), page.next_continuation_token)?;
        if token.is_none() {
            return Ok(sorted(targets.into_iter()));
        }
    }
}

async fn notifications(session: &Session, name: &str) -> Result<Vec<String>, Fault> {
    let request = session.s3().get_bucket_notification_configuration().bucket(name);
    let request = request.expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_NOTIFICATION, request.send()).await?;
    let topics = answer.topic_configurations().iter().map(|one| one.topic_arn().to_owned());
    let queues = answer.queue_configurations().iter().map(|one| one.queue_arn().to_owned());
    let functions = answer.lambda_function_configurations().iter().map(|one| one.lambda_function_arn().to_owned());
    Ok(sorted(topics.chain(queues).chain(functions)))
}

/// Destinations are ARNs; what is not one is taken as a name.
fn bucket_name(arn: &str) -> String {
    arn.rsplit(":::").next().unwrap_or(arn).to_owned()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items.dedup();
    items
}
