//! AWS KMS: the customer managed key behind its alias, and the key's policy.

use std::collections::BTreeSet;

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState, Tag};
use jiff::Timestamp;

use super::change_context::{ChangeContext, writable};
use super::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, CloudFaultKind, Done};
use crate::estate::surroundings::KeyGrant;
use crate::estate::{Address, Key, KeyPolicy, OWNER_TAG, Resource, SeenKey, Sighting, Tags};
use crate::operations::kms as op;
use crate::policy::PolicyDocument;

/// How many keys are asked for their tags to find further ones of a deployment.
const ASKED_MAX: usize = 20;

/// What the aliases of the keys begin with that AWS makes for its services.
const ALIAS_OF_AWS: &str = "alias/aws/";

const WHAT_FOR: &str = "Encrypts the organization's CloudTrail logs";

/// Looks at a key by its alias. Without the alias, a key of this deployment that has none is reported, if there is one.
pub(super) async fn look(session: &Session, address: &Address, deployment: &str) -> Result<Sighting, CloudFault> {
    if let Some(metadata) = describe(session, &address.name).await? {
        let tags = tags(session, metadata.key_id()).await?;
        return Ok(Sighting::present(key(session, &metadata, true, tags).await?));
    }
    match find_without_alias(session, deployment).await?.into_iter().next() {
        Some((metadata, tags)) => Ok(Sighting::present(key(session, &metadata, false, tags).await?)),
        None => Ok(Sighting::Absent),
    }
}

/// Looks at the policy of the key that an alias points to.
pub(super) async fn look_policy(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    match describe(session, &address.name).await? {
        Some(metadata) => policy(session, metadata).await.map(Sighting::present),
        None => Ok(Sighting::Absent),
    }
}

async fn policy(session: &Session, metadata: KeyMetadata) -> Result<KeyPolicy, CloudFault> {
    let request = session.kms().get_key_policy().key_id(metadata.key_id()).policy_name("default");
    let answer = session.read(op::GET_KEY_POLICY, request.send()).await?;
    let policy = PolicyDocument::parse(answer.policy().unwrap_or_default()).map_err(|why| {
        session.unexpected_response(
            op::GET_KEY_POLICY,
            format!("the policy of {} is not a policy: {why}", metadata.key_id()),
        )
    })?;
    Ok(KeyPolicy { policy, key: metadata.arn })
}

/// A key of this deployment and its policy, as they count for what is encrypted with it.
pub(super) struct InUse {
    pub(super) key: Key,
    pub(super) policy: KeyPolicy,
}

/// Looks at the key that is really used, where the alias points to another one. None where it is not this deployment's.
pub(super) async fn in_use(session: &Session, arn: &str, deployment: &str) -> Result<Option<InUse>, CloudFault> {
    let Some(metadata) = describe(session, arn).await? else { return Ok(None) };
    let tags = tags(session, metadata.key_id()).await?;
    if tags.get(OWNER_TAG).map(String::as_str) != Some(deployment) {
        return Ok(None);
    }
    let key = key(session, &metadata, false, tags).await?;
    Ok(Some(InUse { key, policy: policy(session, metadata).await? }))
}

/// Looks at a key that is not configured: one of others, or a second one of this deployment.
pub(super) async fn look_at_other(session: &Session, name: &str) -> Result<SeenKey, CloudFault> {
    let Some(metadata) = describe(session, name).await? else { return Ok(SeenKey::default()) };
    let managed_by_aws = metadata.key_manager() == Some(&KeyManagerType::Aws);
    let tags = if managed_by_aws { Tags::new() } else { tags(session, metadata.key_id()).await? };
    let (arn, enabled) = (metadata.arn.clone(), metadata.enabled());
    let KeyPolicy { policy, key: _ } = policy(session, metadata).await?;
    let deployment = tags.get(OWNER_TAG).cloned();
    Ok(SeenKey { arn, enabled, managed_by_aws, deployment, policy: Some(policy), problem: None })
}

/// What was found of the keys of a deployment beside the one that is in use.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Their ARNs.
    pub(super) keys: Vec<String>,
    /// How many keys were not asked for their tags, because there are too many.
    pub(super) not_asked: usize,
}

/// Looks for further keys of this deployment: two listings, and one call for each key of the account and region that is
/// not AWS's own, up to [`ASKED_MAX`] of them.
pub(super) async fn beside(session: &Session, in_use: &str, deployment: &str) -> Result<Beside, CloudFault> {
    let of_aws = aliased(session, |alias| alias.starts_with(ALIAS_OF_AWS)).await?;
    let all = keys(session).await?;
    let others: Vec<&String> = all.difference(&of_aws).filter(|id| !in_use.ends_with(&format!("key/{id}"))).collect();
    let mut found = Beside { keys: Vec::new(), not_asked: others.len().saturating_sub(ASKED_MAX) };
    for id in others.into_iter().take(ASKED_MAX) {
        let tags = match tags(session, id).await {
            Ok(tags) => tags,
            // A key of others that keeps its tags to itself is not one of them.
            Err(fault) if matches!(fault.kind, CloudFaultKind::Denied | CloudFaultKind::Absent) => continue,
            Err(fault) => return Err(fault),
        };
        if tags.get(OWNER_TAG).map(String::as_str) == Some(deployment) {
            found.keys.extend(describe(session, id).await?.and_then(|metadata| metadata.arn));
        }
    }
    Ok(found)
}

/// Returns the grants of a key, by its ARN.
pub(super) async fn grants(session: &Session, arn: &str) -> Result<Vec<KeyGrant>, CloudFault> {
    let client = session.kms();
    let mut grants = Vec::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_GRANTS);
    loop {
        let request = client.list_grants().key_id(arn).set_marker(marker.take());
        let page = session.read(op::LIST_GRANTS, request.send()).await?;
        for grant in session.needed(op::LIST_GRANTS, page.grants.as_ref(), "list of grants")? {
            let operations = session.needed(op::LIST_GRANTS, grant.operations.as_ref(), "operations of a grant")?;
            grants.push(KeyGrant {
                id: session.needed(op::LIST_GRANTS, grant.grant_id(), "id of a grant")?.to_owned(),
                grantee: session.needed(op::LIST_GRANTS, grant.grantee_principal(), "grantee of a grant")?.to_owned(),
                operations: operations.iter().map(|operation| operation.as_str().to_owned()).collect(),
            });
        }
        marker = pages.after(page.truncated, page.next_marker)?;
        if marker.is_none() {
            grants.sort();
            return Ok(grants);
        }
    }
}

async fn describe(session: &Session, id_or_alias: &str) -> Result<Option<KeyMetadata>, CloudFault> {
    let request = session.kms().describe_key().key_id(id_or_alias);
    let Some(answer) = none_if_absent(session.read(op::DESCRIBE_KEY, request.send()).await)? else { return Ok(None) };
    let metadata = session.needed(op::DESCRIBE_KEY, answer.key_metadata, "key")?;
    session.needed(op::DESCRIBE_KEY, metadata.arn(), "ARN of the key")?;
    session.needed(op::DESCRIBE_KEY, metadata.key_state(), "state of the key")?;
    Ok(Some(metadata))
}

async fn key(session: &Session, metadata: &KeyMetadata, has_alias: bool, tags: Tags) -> Result<Key, CloudFault> {
    let pending_deletion = is_pending_deletion(metadata);
    let rotation = !pending_deletion && rotation(session, metadata.key_id()).await?;
    let deletion_date = deletion_date(metadata);
    let (arn, enabled) = (metadata.arn.clone(), metadata.enabled());
    Ok(Key { arn, has_alias, enabled, pending_deletion, deletion_date, rotation, tags })
}

/// Returns when a key will be deleted, where it waits for that.
fn deletion_date(metadata: &KeyMetadata) -> Option<String> {
    let date = metadata.deletion_date().filter(|_| is_pending_deletion(metadata))?;
    Some(Timestamp::from_second(date.secs()).ok()?.to_string())
}

fn is_pending_deletion(metadata: &KeyMetadata) -> bool {
    matches!(metadata.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

async fn rotation(session: &Session, id: &str) -> Result<bool, CloudFault> {
    let request = session.kms().get_key_rotation_status().key_id(id);
    match session.read(op::GET_ROTATION, request.send()).await {
        Ok(answer) => Ok(answer.key_rotation_enabled()),
        // Asymmetric and imported keys have no rotation.
        Err(fault) if fault.code == "UnsupportedOperationException" => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Returns the tags of a key, by its id or ARN.
pub(super) async fn tags(session: &Session, id: &str) -> Result<Tags, CloudFault> {
    let client = session.kms();
    let mut tags = Tags::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_TAGS);
    loop {
        let request = client.list_resource_tags().key_id(id).set_marker(marker);
        let page = session.read(op::LIST_TAGS, request.send()).await?;
        let listed = session.needed(op::LIST_TAGS, page.tags.as_ref(), "list of tags")?;
        tags.extend(listed.iter().map(|tag| (tag.tag_key().to_owned(), tag.tag_value().to_owned())));
        marker = pages.after(page.truncated, page.next_marker)?;
        if marker.is_none() {
            return Ok(tags);
        }
    }
}

/// Finds the keys of this deployment that a run made which was stopped before it could give the key its alias, the
/// oldest first: that is the one that something may be encrypted with.
async fn find_without_alias(session: &Session, deployment: &str) -> Result<Vec<(KeyMetadata, Tags)>, CloudFault> {
    let mut found = Vec::new();
    let named = aliased(session, |_| true).await?;
    for id in keys(session).await?.difference(&named) {
        let tags = match tags(session, id).await {
            Ok(tags) => tags,
            // Somebody else's key that keeps its tags to itself is not the one.
            Err(fault) if matches!(fault.kind, CloudFaultKind::Denied | CloudFaultKind::Absent) => continue,
            Err(fault) => return Err(fault),
        };
        if tags.get(OWNER_TAG).map(String::as_str) != Some(deployment) {
            continue;
        }
        match describe(session, id).await? {
            Some(metadata) if !is_pending_deletion(&metadata) => found.push((metadata, tags)),
            _ => {}
        }
    }
    found.sort_by_key(|(metadata, _)| metadata.creation_date().map(|date| date.secs()));
    Ok(found)
}

/// Returns the ids of the keys that have an alias which `is_meant` chooses.
async fn aliased(session: &Session, is_meant: impl Fn(&str) -> bool) -> Result<BTreeSet<String>, CloudFault> {
    let client = session.kms();
    let mut ids = BTreeSet::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ALIASES);
    loop {
        let page = session.read(op::LIST_ALIASES, client.list_aliases().set_marker(marker).send()).await?;
        // AWS's own aliases of services that nobody has used yet point nowhere.
        let listed = session.needed(op::LIST_ALIASES, page.aliases.as_ref(), "list of aliases")?;
        let meant = listed.iter().filter(|alias| is_meant(alias.alias_name().unwrap_or_default()));
        ids.extend(meant.filter_map(|alias| alias.target_key_id().map(str::to_owned)));
        marker = pages.after(page.truncated, page.next_marker)?;
        if marker.is_none() {
            return Ok(ids);
        }
    }
}

async fn keys(session: &Session) -> Result<BTreeSet<String>, CloudFault> {
    let client = session.kms();
    let mut ids = BTreeSet::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_KEYS);
    loop {
        let page = session.read(op::LIST_KEYS, client.list_keys().set_marker(marker).send()).await?;
        for key in session.needed(op::LIST_KEYS, page.keys.as_ref(), "list of keys")? {
            ids.insert(session.needed(op::LIST_KEYS, key.key_id(), "id of a key")?.to_owned());
        }
        marker = pages.after(page.truncated, page.next_marker)?;
        if marker.is_none() {
            return Ok(ids);
        }
    }
}

/// Makes the key and its alias, or brings them to what is wanted. Returns the key with its ARN.
pub(super) async fn put(job: &ChangeContext<'_>, desired: &Key, observed: Option<&Key>) -> Result<Done, CloudFault> {
    let session = &job.session;
    let live = live_key(job, desired, observed).await?;
    let client = session.kms();
    if live.pending_deletion {
        let request = client.cancel_key_deletion().key_id(&live.arn);
        session.write(op::CANCEL_DELETION, || request.clone().send()).await?;
    }
    // Cancelling a deletion leaves the key disabled (KMS API, `CancelKeyDeletion`).
    if desired.enabled && !live.enabled {
        let request = client.enable_key().key_id(live.id());
        session.write(op::ENABLE_KEY, || request.clone().send()).await?;
    }
    if !live.has_alias {
        // Only a key that was seen in use takes the alias back from another one.
        let in_use = observed.is_some_and(|key| key.arn.as_deref() == Some(&live.arn));
        create_alias(job, &live.arn, in_use).await?;
    }
    if desired.rotation && job.sets("rotation") {
        let request = client.enable_key_rotation().key_id(&live.arn);
        session.write(op::ENABLE_ROTATION, || request.clone().send()).await?;
    }
    if job.change.touches("tags") && !job.is_creation() {
        let request = client.tag_resource().key_id(&live.arn).set_tags(Some(wire_tags(job, &desired.tags)?));
        session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    let made =
        Key { arn: Some(live.arn), has_alias: true, pending_deletion: false, deletion_date: None, ..desired.clone() };
    Ok(Done { resource: Some(made.into()) })
}

/// The key that a change is about.
struct Live {
    arn: String,
    has_alias: bool,
    enabled: bool,
    pending_deletion: bool,
}

impl Live {
    fn of(key: &Key) -> Option<Self> {
        let Key { arn, has_alias, enabled, pending_deletion, deletion_date: _, rotation: _, tags: _ } = key;
        let (has_alias, enabled, pending_deletion) = (*has_alias, *enabled, *pending_deletion);
        Some(Self { arn: arn.clone()?, has_alias, enabled, pending_deletion })
    }

    /// The key's id: the ARN's last part, which every operation takes.
    fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }
}

async fn live_key(job: &ChangeContext<'_>, desired: &Key, observed: Option<&Key>) -> Result<Live, CloudFault> {
    if let Some(live) = observed.and_then(Live::of) {
        return Ok(live);
    }
    let deployment = desired.tags.get(OWNER_TAG).map(String::as_str).unwrap_or_default();
    match look(&job.session, job.address(), deployment).await? {
        Sighting::Present(resource) => {
            job.must_be_ours(resource.tags().unwrap_or(&Tags::new()))?;
            let live = match resource.as_ref() {
                Resource::Key(key) => Live::of(key),
                _ => None,
            };
            live.ok_or_else(|| job.session.unexpected_response(op::DESCRIBE_KEY, "the key has no ARN"))
        }
        Sighting::Absent | Sighting::Unreadable(_) => create(job, desired).await,
    }
}

/// Makes a key. A request is never repeated blindly, because each makes another key: if its answer is lost, the key is
/// looked for instead.
async fn create(job: &ChangeContext<'_>, desired: &Key) -> Result<Live, CloudFault> {
    let tags = wire_tags(job, &desired.tags)?;
    let request = job.session.kms().create_key().description(WHAT_FOR).set_tags(Some(tags));
    let once = || {
        let never_again = aws_sdk_kms::config::Builder::new().retry_config(RetryConfig::disabled());
        request.clone().customize().config_override(never_again).send()
    };
    let made = job.session.write(op::CREATE_KEY, once).await;
    let metadata = match made {
        Ok(answer) => answer.key_metadata,
        Err(fault) if fault.kind == CloudFaultKind::Unreachable => {
            let deployment = desired.tags.get(OWNER_TAG).map(String::as_str).unwrap_or_default();
            let lost = find_without_alias(&job.session, deployment).await?.into_iter().next();
            Some(lost.ok_or(fault)?.0)
        }
        Err(fault) => return Err(fault),
    };
    let arn = metadata.and_then(|metadata| metadata.arn);
    let arn = arn.ok_or_else(|| job.session.unexpected_response(op::CREATE_KEY, "the answer has no ARN"))?;
    Ok(Live { arn, has_alias: false, enabled: true, pending_deletion: false })
}

async fn create_alias(job: &ChangeContext<'_>, arn: &str, in_use: bool) -> Result<(), CloudFault> {
    let request = job.session.kms().create_alias().alias_name(job.name()).target_key_id(arn);
    match job.session.write(op::CREATE_ALIAS, || request.clone().send()).await {
        Ok(_) => await_alias(job, arn).await,
        // The request was repeated because its first answer was lost, or somebody has moved the alias.
        Err(fault) if fault.code == "AlreadyExistsException" => match described(job).await? {
            Some(metadata) if metadata.arn() == Some(arn) => Ok(()),
            Some(_) if in_use => {
                let request = job.session.kms().update_alias().alias_name(job.name()).target_key_id(arn);
                job.session.write(op::UPDATE_ALIAS, || request.clone().send()).await?;
                await_alias(job, arn).await
            }
            _ => Err(job.session.stale_plan(job.address(), format!("{} points to another key now", job.name()))),
        },
        Err(fault) => Err(fault),
    }
}

/// Waits until KMS answers by the new alias: what comes next names the key by it (KMS developer guide, "KMS eventual
/// consistency").
async fn await_alias(job: &ChangeContext<'_>, arn: &str) -> Result<(), CloudFault> {
    let session = &job.session;
    let points_there = || async {
        let metadata = describe(session, job.name()).await?;
        Ok(metadata.filter(|metadata| metadata.arn() == Some(arn)).map(drop))
    };
    // Where it takes longer, the next step says so.
    session.until(points_there).await.map(drop)
}

/// Describes the key behind the alias, which may have been made a moment ago.
async fn described(job: &ChangeContext<'_>) -> Result<Option<KeyMetadata>, CloudFault> {
    job.session.until(|| describe(&job.session, job.name())).await
}

/// Writes the key's policy. KMS's check that somebody can still change the policy is never bypassed.
pub(super) async fn put_policy(job: &ChangeContext<'_>, desired: &KeyPolicy) -> Result<Done, CloudFault> {
    let Some(metadata) = described(job).await? else {
        return Err(job.session.stale_plan(job.address(), format!("{} points to no key", job.name())));
    };
    let policy = desired.policy.to_minified();
    let request = job.session.kms().put_key_policy().key_id(metadata.key_id()).policy_name("default").policy(policy);
    job.session.write(op::PUT_KEY_POLICY, || request.clone().send()).await?;
    Ok(Done::default())
}

fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}
