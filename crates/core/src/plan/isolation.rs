//! Who can read whose logs, once a plan is done or now: the policies of an estate, handed to the proof of
//! [`policy::isolation`](crate::policy::isolation). What it refutes is a violation of the plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::diff::key_arn;
use super::effective;
pub(super) use super::proved::{ProofOutcome, check, live, placed, proved};
use super::surroundings::judged_principals;
use crate::estate::key::key_reference;
use crate::estate::place::Reading;
use crate::estate::{
    ACCOUNT_TAG, Address, Desired, EarlierPlace, Estate, KeyPolicy, Kind, ReadingTerms, Resource, Sighting,
};
use crate::ids::{AccountId, Arn, Region};
use crate::log_path::LogRoot;
use crate::organization::Organization;
use crate::policy::evaluate::{Named, covers_action};
use crate::policy::isolation::{
    self, Archive, Facts, Invariant, Key, Lake, Reader, Shared, SharedKind, Unproven, prove,
};
use crate::policy::{Aliases, Effect, PolicyDocument};

mod blame;
mod known;

use known::{Beside, beside, own_principals, paths, unknown_lake};

/// The policies that decide who reads which logs, put together from an estate.
pub struct ArchivePolicies<'a> {
    /// It is a place of earlier logs.
    is_past: bool,
    /// Readers that need not read here: those of accounts that left, and of another log account.
    optional: BTreeSet<String>,
    pub(super) bucket: &'a Address,
    bucket_arn: Arn,
    desired: &'a Desired,
    accounts: BTreeSet<AccountId>,
    bucket_policy: Option<Cow<'a, Resource>>,
    key: Option<KeyPolicies<'a>>,
    /// The policies of the topics that tell of new logs, of log groups and of the queue.
    beside: Vec<Beside<'a>>,
    /// The account that manages the organization.
    management: AccountId,
    /// Principals of the log account that nobody outside becomes, or that the configuration names, as patterns of ARNs.
    judged_principals: Vec<String>,
    /// Where the accounts are in the organization.
    paths: BTreeMap<AccountId, String>,
    unique_ids: Aliases,
    /// What the account folders that members read stand in.
    pub roots: Vec<LogRoot>,
    /// The readers, by the addresses of their roles or member policies.
    pub readers: Vec<ReaderPolicies<'a>>,
    /// What the proof would need and is not known.
    pub gaps: Vec<Unproven>,
}

struct KeyPolicies<'a> {
    /// Of the key's policy.
    address: Address,
    arn: String,
    policy: Cow<'a, Resource>,
}

/// One reader.
pub struct ReaderPolicies<'a> {
    /// Whose logs it is for.
    pub account: AccountId,
    /// The role, or with dynamic statements the member's own role that the member policy is attached to.
    pub role: Arn,
    /// Where the reader role or the member policy is.
    pub address: Address,
    resource: Cow<'a, Resource>,
    unknown: Vec<String>,
}

/// Finds what is, or will be, at an address.
type Find<'f, 'a> = &'f dyn Fn(&Address) -> Option<Cow<'a, Resource>>;

impl<'a> ArchivePolicies<'a> {
    /// Puts together what there will be once the changes are made. None where no bucket is wanted.
    pub fn planned(
        desired: &'a Desired,
        observed: &'a Estate,
        organization: &'a Organization,
        changes: &'a [Change],
    ) -> Option<Self> {
        let by_address: BTreeMap<&Address, &Change> = changes.iter().map(|change| (&change.address, change)).collect();
        let find = |address: &Address| match by_address.get(address) {
            Some(change) => change.desired().map(Cow::Borrowed),
            // What does not change stays as it is; what could not be seen counts as wanted, and is a gap.
            None => observed.resource(address).map(Cow::Borrowed).or_else(|| {
                let wanted = desired.wanted.get(address)?;
                Some(Cow::Owned(effective(desired, observed, address, wanted)))
            }),
        };
        let mut policies = Self::new(desired, observed, organization, &find)?;
        policies.gaps.extend(unreadable(desired, observed));
        policies.gaps.extend(unknown_lake(desired, observed));
        Some(policies)
    }

    /// Puts together what there is. None where the bucket does not exist.
    pub fn live(desired: &'a Desired, observed: &'a Estate, organization: &'a Organization) -> Option<Self> {
        let find = |address: &Address| observed.resource(address).map(Cow::Borrowed);
        let mut policies = Self::new(desired, observed, organization, &find)?;
        if matches!(observed.sightings.get(policies.bucket), Some(Sighting::Absent)) {
            return None;
        }
        policies.gaps.extend(unreadable(desired, observed));
        policies.gaps.extend(unknown_lake(desired, observed));
        Some(policies)
    }

    fn new(
        desired: &'a Desired,
        observed: &'a Estate,
        organization: &'a Organization,
        find: Find<'_, 'a>,
    ) -> Option<Self> {
        let bucket = desired.log_bucket()?;
        let (key, gaps) = key(desired, observed, bucket, find);
        let readers = readers(desired, observed, find);
        let unwanted = readers.iter().filter(|reader| !desired.wanted.contains_key(&reader.address));
        Some(Self {
            is_past: false,
            optional: unwanted.map(|reader| reader.role.to_string()).collect(),
            bucket_arn: bucket.arn(desired.partition)?,
            bucket_policy: find(&bucket.with_kind(Kind::BucketPolicy)),
            key,
            beside: beside(desired, observed, find),
            management: organization.management_account.clone(),
            judged_principals: judged_principals(desired, observed, organization),
            paths: paths(organization),
            unique_ids: observed.aliases(desired.partition),
            roots: desired.reading.roots.iter().cloned().collect(),
            accounts: organization.accounts.keys().cloned().chain([desired.log_account.clone()]).collect(),
            readers,
            gaps,
            bucket,
            desired,
        })
    }

    /// Puts together what there is at a place of earlier logs, with the readers as they will be once the changes are
    /// made. None where the bucket is not there.
    pub fn of_place(
        desired: &'a Desired,
        observed: &'a Estate,
        organization: &'a Organization,
        changes: &'a [Change],
        place: &'a EarlierPlace,
    ) -> Option<Self> {
        let bucket = &place.bucket;
        if matches!(observed.sightings.get(bucket), Some(Sighting::Absent)) {
            return None;
        }
        let by_address: BTreeMap<&Address, &Change> = changes.iter().map(|change| (&change.address, change)).collect();
        let find = |address: &Address| match by_address.get(address) {
            Some(change) => change.desired().map(Cow::Borrowed),
            None => observed.resource(address).map(Cow::Borrowed),
        };
        let (key, mut gaps) = past_key(desired, observed, place, &find);
        let policy = bucket.with_kind(Kind::BucketPolicy);
        gaps.extend(gap(observed, &policy, Invariant::NobodyOutside));
        let mut readers = readers(desired, observed, &find);
        readers.retain(|reader| !reader.is_assumed() || reader.address.account == bucket.account);
        // Which of them were given this place is the plan's to say; a reader that was not has no earlier logs here.
        let optional =
            readers.iter().filter(|reader| !reader.names(&bucket.name)).map(|r| r.role.to_string()).collect();
        Some(Self {
            is_past: true,
            optional,
            bucket_arn: bucket.arn(desired.partition)?,
            bucket_policy: find(&policy),
            key,
            beside: Vec::new(),
            management: organization.management_account.clone(),
            judged_principals: judged_principals(desired, observed, organization),
            paths: paths(organization),
            unique_ids: observed.aliases(desired.partition),
            roots: place.roots.iter().cloned().collect(),
            accounts: organization.accounts.keys().cloned().chain([bucket.account.clone()]).collect(),
            readers,
            gaps,
            bucket,
            desired,
        })
    }

    /// Returns the accounts whose logs are in the archive.
    pub fn accounts(&self) -> &BTreeSet<AccountId> {
        &self.accounts
    }

    /// Returns what the configuration asks for.
    pub(super) fn desired(&self) -> &Desired {
        self.desired
    }

    /// Returns the bucket's name.
    pub fn bucket_name(&self) -> &str {
        &self.bucket.name
    }

    /// Returns what readers are held to.
    pub fn terms(&self) -> &ReadingTerms {
        &self.desired.reading
    }

    /// Returns the ARN of the policy that lets the people of an account in.
    pub fn member_policy(&self, account: &AccountId) -> Option<Arn> {
        let mut addresses = self.desired.wanted.keys();
        let address = addresses.find(|address| address.kind == Kind::Policy && address.account == *account)?;
        address.arn(self.desired.partition)
    }

    /// Proves isolation; what the proof lacks is unproven.
    pub fn prove(&self) -> isolation::Isolation {
        let mut result = self.with_archive(prove);
        // What only a document refuses or allows that could not be read is not refuted by its absence.
        let bucket_policy = self.bucket.with_kind(Kind::BucketPolicy).to_string();
        if self.gaps.iter().any(|gap| gap.principal == bucket_policy) {
            let by_absence = [Invariant::PlainHttpRefused, Invariant::ReadsOwn];
            result.violations.retain(|violation| !by_absence.contains(&violation.invariant));
        }
        let is_optional =
            |invariant, principal: &str| invariant == Invariant::ReadsOwn && self.optional.contains(principal);
        result.violations.retain(|violation| !is_optional(violation.invariant, &violation.principal));
        result.unproven.retain(|open| !is_optional(open.invariant, &open.principal));
        result.unproven.extend(self.gaps.iter().cloned());
        result.unproven.sort();
        result.unproven.dedup();
        result
    }

    /// Returns the accounts whose files a reader reads, each with the answer of a full evaluation; none where it cannot
    /// be told.
    pub fn accounts_read(&self, reader: &ReaderPolicies<'_>) -> BTreeMap<AccountId, Option<bool>> {
        let policies = reader.named();
        let one = reader.reader(&policies, &self.desired.reading);
        self.with_archive(|archive| isolation::accounts_read(archive, &one))
    }

    /// Returns, for each trusted reader, the accounts whose files it can read.
    pub fn trusted_reads(&self) -> BTreeMap<String, BTreeMap<AccountId, Option<bool>>> {
        self.with_archive(isolation::trusted_reads)
    }

    /// Returns, for each role that may read the lake by the configuration and for each principal that its bucket's
    /// policy names, whether it does; none where that cannot be told. `None`: there is no lake, or its bucket is not
    /// there.
    pub fn lake_reads(&self) -> Option<BTreeMap<String, Option<bool>>> {
        self.with_archive(isolation::lake_reads)
    }

    fn with_archive<R>(&self, run: impl FnOnce(&Archive) -> R) -> R {
        let policies: Vec<Vec<Named>> = self.readers.iter().map(ReaderPolicies::named).collect();
        let terms = &self.desired.reading;
        let own = own_principals(self.desired);
        let pairs = self.readers.iter().zip(&policies);
        let readers: Vec<Reader> = pairs.map(|(reader, policies)| reader.reader(policies, terms)).collect();
        let trusted: Vec<String> = terms.trusted.iter().map(ToString::to_string).collect();
        let key = self.key.as_ref().and_then(|key| Some(Key { arn: &key.arn, policy: key.policy.shared_policy()? }));
        let more = self.beside.iter().map(|Beside { address, kind, arn, name, policy }| {
            let written = self.written(address);
            Shared { kind: *kind, name, arn, policy, written }
        });
        let more: Vec<Shared> = more.collect();
        let lake = self.desired.lake.as_ref().and_then(|terms| {
            let Shared { arn, policy, .. } = more.iter().find(|shared| shared.kind == SharedKind::Lake)?;
            let whole_bucket = self.desired.managed_lake().is_some();
            Some(Lake { arn, folder: &terms.folder, whole_bucket, policy: Some(policy) })
        });
        run(&Archive {
            bucket_arn: &self.bucket_arn,
            region: self.bucket.region.as_ref().map_or("", |region| region.as_str()),
            account: if self.is_past { &self.bucket.account } else { &self.desired.log_account },
            organization_id: &self.desired.organization,
            bucket_policy: self.bucket_policy.as_deref().and_then(Resource::shared_policy),
            key,
            roots: &self.roots,
            accounts: &self.accounts,
            trusted: &trusted,
            readers: &readers,
            facts: Facts {
                management: Some(&self.management),
                paths: Some(&self.paths),
                unique_ids: Some(&self.unique_ids),
                own_principals: &own,
                known_principals: &self.judged_principals,
                written_bucket: self.written(&self.bucket.with_kind(Kind::BucketPolicy)),
                written_key: self.key.as_ref().and_then(|key| self.written(&key.address)),
                more: &more,
                lake,
                lake_readers: self.desired.lake.as_ref().map_or(&[], |lake| &lake.readers),
            },
        })
    }

    /// Returns a document as the templates wrote it.
    fn written(&self, address: &Address) -> Option<&PolicyDocument> {
        self.desired.wanted.get(address)?.resource.own_policy()
    }
}

impl ReaderPolicies<'_> {
    /// Tells whether it is a role of the log account, which members assume, and not a role of their own.
    pub fn is_assumed(&self) -> bool {
        self.address.kind == Kind::Role
    }

    /// Tells whether its policies name a bucket.
    fn names(&self, bucket: &str) -> bool {
        let documents = self.named();
        let reading = Reading::of(documents.iter().map(|named| named.document), self.account.as_str());
        reading.folders.iter().any(|(name, _)| name == bucket)
    }

    fn named(&self) -> Vec<Named<'_>> {
        match self.resource.as_ref() {
            Resource::Role(role) => role.inline.iter().map(|(name, document)| Named { name, document }).collect(),
            Resource::Policy(policy) => vec![Named { name: "member policy", document: &policy.document }],
            _ => Vec::new(),
        }
    }

    fn reader<'r>(&'r self, policies: &'r [Named<'r>], terms: &'r ReadingTerms) -> Reader<'r> {
        let trust: Option<&PolicyDocument> = match self.resource.as_ref() {
            Resource::Role(role) => Some(&role.trust),
            _ => None,
        };
        Reader {
            account: &self.account,
            role: &self.role,
            trust,
            policies,
            unknown_policies: &self.unknown,
            require_mfa: terms.require_mfa && trust.is_some(),
            external_id: terms.external_id.as_deref().filter(|_| trust.is_some()),
        }
    }
}

/// Returns the key that encrypts the logs, or what is not known of it where it is not this deployment's.
fn key<'a>(
    desired: &Desired,
    observed: &Estate,
    bucket: &Address,
    find: Find<'_, 'a>,
) -> (Option<KeyPolicies<'a>>, Vec<Unproven>) {
    if let Some(key) = desired.wanted.keys().find(|address| address.kind == Kind::Key) {
        let arn = key_arn(observed, key).unwrap_or_else(|| key_reference(key));
        let address = key.with_kind(Kind::KeyPolicy);
        return (find(&address).map(|policy| KeyPolicies { address, arn, policy }), Vec::new());
    }
    let foreign = desired.wanted.get(bucket).and_then(|wanted| match &wanted.resource {
        Resource::Bucket(bucket) => bucket.key().cloned(),
        _ => None,
    });
    let Some(arn) = foreign else { return (None, Vec::new()) };
    if let Some(policies) = seen_key(observed, &arn) {
        return (Some(policies), Vec::new());
    }
    (None, vec![unknown_key(&arn)])
}

/// Returns the policy of a key of others, where it was read.
fn seen_key<'a>(observed: &Estate, arn: &str) -> Option<KeyPolicies<'a>> {
    let policy = observed.keys.get(arn)?.policy.clone()?;
    let parsed: Arn = arn.parse().ok()?;
    let (account, region): (AccountId, Region) = (parsed.account().parse().ok()?, parsed.region().parse().ok()?);
    let address = Address::regional(&account, &region, Kind::KeyPolicy, parsed.resource());
    let policy = Resource::KeyPolicy(KeyPolicy { policy, key: Some(arn.to_owned()) });
    Some(KeyPolicies { address, arn: arn.to_owned(), policy: Cow::Owned(policy) })
}

/// Returns the key of a place of earlier logs, or what is not known of it.
fn past_key<'a>(
    desired: &Desired,
    observed: &Estate,
    place: &EarlierPlace,
    find: Find<'_, 'a>,
) -> (Option<KeyPolicies<'a>>, Vec<Unproven>) {
    let Some(arn) = place.key.clone() else { return (None, Vec::new()) };
    let mut keys = observed
        .resources()
        .filter(|(_, resource)| matches!(resource, Resource::Key(key) if key.arn.as_ref() == Some(&arn)));
    let policy = keys.next().and_then(|(key, _)| {
        let address = key.with_kind(Kind::KeyPolicy);
        find(&address).map(|policy| KeyPolicies { address, arn: arn.clone(), policy })
    });
    if let Some(policy) = policy.or_else(|| seen_key(observed, &arn)) {
        return (Some(policy), Vec::new());
    }
    if desired.past.key_of_today.as_ref() == Some(&arn) && !desired.wanted.keys().any(|a| a.kind == Kind::Key) {
        return (None, vec![unknown_key(&arn)]);
    }
    let why =
        format!("the policy of the key {arn}, which encrypted the earlier logs in {}, is not known", place.bucket.name);
    (None, vec![Unproven { invariant: Invariant::ReadsOwn, principal: "every reader".into(), why, lake: None }])
}

/// What is not known where the key of the configuration is somebody else's and its policy was not read.
fn unknown_key(arn: &str) -> Unproven {
    let why = format!("the policy of the key {arn}, which is not orgtrail's, is not known");
    Unproven { invariant: Invariant::ReadsOwn, principal: "every reader".into(), why, lake: None }
}

/// Returns why the document at an address is not known.
fn gap(observed: &Estate, address: &Address, invariant: Invariant) -> Option<Unproven> {
    let why = match observed.sightings.get(address) {
        Some(Sighting::Unreadable(problem)) => format!("it could not be read: {}", problem.message),
        None => "it was not looked at when the estate was recorded".to_owned(),
        Some(Sighting::Present(_) | Sighting::Absent) => return None,
    };
    Some(Unproven { invariant, principal: address.to_string(), why, lake: None })
}

/// Returns the reader roles and the member policies that read by themselves: the wanted ones, and those of this
/// deployment that stay although they are no longer configured.
fn readers<'a>(desired: &'a Desired, observed: &'a Estate, find: Find<'_, 'a>) -> Vec<ReaderPolicies<'a>> {
    let ours = |resource: &Resource| resource.deployment() == Some(desired.deployment.as_str());
    let left =
        observed.resources().filter(|(address, resource)| !desired.wanted.contains_key(*address) && ours(resource));
    let addresses = desired.wanted.keys().chain(left.map(|(address, _)| address));
    let may_read = |address: &&Address| matches!(address.kind, Kind::Role | Kind::Policy);
    addresses.filter(may_read).filter_map(|address| reader(desired, address, find(address)?)).collect()
}

fn reader<'a>(desired: &Desired, address: &Address, resource: Cow<'a, Resource>) -> Option<ReaderPolicies<'a>> {
    let (account, role, unknown) = match resource.as_ref() {
        Resource::Role(role) => {
            // Somebody may have taken the tag away: then the role is still for whom it is wanted.
            let wanted = desired.wanted.get(address).and_then(|wanted| match &wanted.resource {
                Resource::Role(wish) => wish.tags.get(ACCOUNT_TAG),
                _ => None,
            });
            let account = role.tags.get(ACCOUNT_TAG).or(wanted)?.parse().ok()?;
            (account, address.arn(desired.partition)?, role.attached.iter().cloned().collect())
        }
        Resource::Policy(policy) if reads(&policy.document) => {
            let name = policy.roles.first().map_or("any", String::as_str);
            let account = &address.account;
            let role = Arn::new(desired.partition, "iam", "", account.as_str(), &format!("role/{name}"));
            (account.clone(), role, Vec::new())
        }
        _ => return None,
    };
    Some(ReaderPolicies { account, role, address: address.clone(), resource, unknown })
}

/// Tells whether a member policy reads by itself, instead of assuming a role that does.
fn reads(document: &PolicyDocument) -> bool {
    document.statements.iter().any(|s| s.effect == Effect::Allow && covers_action(s, "s3:GetObject"))
}

/// Returns what could not be looked at, of all that the proof is about.
fn unreadable(desired: &Desired, observed: &Estate) -> Vec<Unproven> {
    let wanted = desired.wanted.keys().filter_map(|address| {
        let invariant = match address.kind {
            Kind::BucketPolicy => Invariant::NobodyOutside,
            Kind::KeyPolicy => Invariant::DecryptsOnlyLogs,
            Kind::Topic | Kind::Queue => Invariant::WritesNothing,
            Kind::Role | Kind::Policy => Invariant::ReadsOnlyOwn,
            _ => return None,
        };
        let why = match observed.sightings.get(address) {
            Some(Sighting::Unreadable(problem)) => format!("it could not be read: {}", problem.message),
            None => "it was not looked at when the estate was recorded".to_owned(),
            Some(Sighting::Present(_) | Sighting::Absent) => return None,
        };
        Some(Unproven { invariant, principal: address.to_string(), why, lake: None })
    });
    wanted.collect()
}
