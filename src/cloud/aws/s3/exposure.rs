//! What leads out of a bucket beside its policy: grants of its access control list, website, replication, inventories
//! and notifications. One call each.

use std::collections::BTreeSet;

use aws_sdk_s3::types::ReplicationRuleStatus;
use futures::join;

use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::part::part;
use crate::cloud::aws::session::{Session, none_if_absent};
use crate::estate::Address;
use crate::estate::surroundings::{AclGrant, BucketExposure, Readable, Target};
use crate::operations::Operation;

/// Reads all of it. What cannot be read is that part's problem.
pub(crate) async fn look(session: &Session, address: &Address) -> BucketExposure {
    let name = address.name.as_str();
    let (acl, website, replication, inventories, notifications) = join!(
        acl(session, name),
        website(session, name),
        replication(session, name),
        inventories(session, name),
        notifications(session, name),
    );
    let mut exposure = BucketExposure {
        acl: part(acl, address),
        website: part(website, address),
        replication: part(replication, address),
        inventories: part(inventories, address),
        notifications: part(notifications, address),
    };
    name_owners(session, &mut exposure).await;
    exposure
}

/// A bucket's name does not tell whose it is. Where a rule does not say it either, the account's own list does.
async fn name_owners(session: &Session, exposure: &mut BucketExposure) {
    let mut unknown: Vec<&mut Target> = Vec::new();
    for part in [&mut exposure.replication, &mut exposure.inventories] {
        if let Readable::Read(targets) = part {
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

async fn own_buckets(session: &Session) -> Result<BTreeSet<String>, CloudFault> {
    let client = session.s3();
    let mut names = BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_BUCKETS);
    loop {
        let request = client.list_buckets().set_continuation_token(token.take());
        let page = session.read(op::LIST_BUCKETS, request.send()).await?;
        for bucket in session.needed(op::LIST_BUCKETS, page.buckets.as_ref(), "list of buckets")? {
            names.insert(session.needed(op::LIST_BUCKETS, bucket.name(), "name of a bucket")?.to_owned());
        }
        token = pages.next(page.continuation_token)?;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn acl(session: &Session, name: &str) -> Result<Vec<AclGrant>, CloudFault> {
    let request = session.s3().get_bucket_acl().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_ACL, request.send()).await?;
    let owner = session.needed(op::GET_ACL, answer.owner().and_then(|owner| owner.id()), "owner")?;
    let mut grants = Vec::new();
    for grant in session.needed(op::GET_ACL, answer.grants.as_ref(), "list of grants")? {
        let grantee = grant.grantee();
        let who = grantee.and_then(|one| one.id().or(one.uri()).or(one.email_address()));
        let grantee = session.needed(op::GET_ACL, who, "grantee of a grant")?.to_owned();
        let permission = session.needed(op::GET_ACL, grant.permission(), "permission of a grant")?.as_str().to_owned();
        if grantee != owner {
            grants.push(AclGrant { grantee, permission });
        }
    }
    Ok(sorted(grants.into_iter()))
}

async fn website(session: &Session, name: &str) -> Result<bool, CloudFault> {
    let request = session.s3().get_bucket_website().bucket(name).expected_bucket_owner(session.account.as_str());
    Ok(none_if_absent(session.read(op::GET_WEBSITE, request.send()).await)?.is_some())
}

async fn replication(session: &Session, name: &str) -> Result<Vec<Target>, CloudFault> {
    let request = session.s3().get_bucket_replication().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_REPLICATION, request.send()).await)? else {
        return Ok(Vec::new());
    };
    let configured = session.needed(op::GET_REPLICATION, answer.replication_configuration, "configuration")?;
    let mut targets = Vec::new();
    // A rule that does not say that it is switched off copies.
    for rule in configured.rules.into_iter().filter(|rule| rule.status != ReplicationRuleStatus::Disabled) {
        let to = session.needed(op::GET_REPLICATION, rule.destination, "destination of a rule")?;
        // A rule names whose the copies shall be, and not whose the bucket is: that it is ours is looked up.
        let account = to.account.filter(|account| account != session.account.as_str());
        targets.push(Target { bucket: named(session, op::GET_REPLICATION, &to.bucket)?, account });
    }
    Ok(sorted(targets.into_iter()))
}

async fn inventories(session: &Session, name: &str) -> Result<Vec<Target>, CloudFault> {
    let client = session.s3();
    let mut targets = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_INVENTORIES);
    loop {
        let request = client.list_bucket_inventory_configurations().bucket(name).set_continuation_token(token.take());
        let request = request.expected_bucket_owner(session.account.as_str());
        let page = session.read(op::LIST_INVENTORIES, request.send()).await?;
        for inventory in page.inventory_configuration_list().iter().filter(|inventory| inventory.is_enabled) {
            let to = inventory.destination().and_then(|to| to.s3_bucket_destination());
            let to = session.needed(op::LIST_INVENTORIES, to, "destination of an inventory")?;
            let bucket = named(session, op::LIST_INVENTORIES, to.bucket())?;
            targets.push(Target { bucket, account: to.account_id().map(str::to_owned) });
        }
        let is_truncated = session.needed(op::LIST_INVENTORIES, page.is_truncated, "word whether there is more")?;
        token = pages.after(is_truncated, page.next_continuation_token)?;
        if token.is_none() {
            return Ok(sorted(targets.into_iter()));
        }
    }
}

async fn notifications(session: &Session, name: &str) -> Result<Vec<String>, CloudFault> {
    let request = session.s3().get_bucket_notification_configuration().bucket(name);
    let request = request.expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_NOTIFICATION, request.send()).await?;
    let topics = answer.topic_configurations().iter().map(|one| one.topic_arn());
    let queues = answer.queue_configurations().iter().map(|one| one.queue_arn());
    let functions = answer.lambda_function_configurations().iter().map(|one| one.lambda_function_arn());
    let all = topics.chain(queues).chain(functions);
    let all = all.map(|arn| Ok(filled(session, op::GET_NOTIFICATION, arn)?.to_owned()));
    Ok(sorted(all.collect::<Result<Vec<String>, CloudFault>>()?.into_iter()))
}

/// Returns the name of a bucket that something is written to. Destinations are ARNs; what is not one is taken as a
/// name.
fn named(session: &Session, operation: Operation, arn: &str) -> Result<String, CloudFault> {
    let arn = filled(session, operation, arn)?;
    Ok(arn.rsplit(":::").next().unwrap_or(arn).to_owned())
}

/// Of what is missing and required the SDK makes an empty text.
fn filled<'a>(session: &Session, operation: Operation, text: &'a str) -> Result<&'a str, CloudFault> {
    session.needed(operation, Some(text).filter(|text| !text.is_empty()), "destination")
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items.dedup();
    items
}
