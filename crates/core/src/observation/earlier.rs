//! Where earlier logs may be, beside what is asked for: the buckets and keys that trails and readers name, the reader
//! roles of earlier log accounts that member policies name, and the lakes that log buckets remember. And where AWS
//! Config was administered before: the accounts that still may, and the roles that aggregators of this deployment name.

use std::collections::{BTreeMap, BTreeSet};

use super::ObservationScope;
use crate::estate::place::{Reading, assumed_roles};
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::estate::{ACCOUNT_TAG, Address, ConfigAggregator, Kind, LakeNote, OWNER_TAG, Resource, Role, Tags};
use crate::ids::{AccountId, Arn, Region};

/// Returns what has to be looked at for it and is not in scope, each with the account whose credentials look at it.
/// What these show may tell of more.
pub fn earlier_addresses<'a>(
    scope: &ObservationScope,
    seen: impl Iterator<Item = (&'a Address, &'a Resource)>,
) -> BTreeMap<Address, AccountId> {
    let mut finder = Finder { scope, found: BTreeSet::new() };
    for (address, resource) in seen {
        match resource {
            Resource::Trail(trail) if is_ours(scope, resource) || scope.addresses.contains_key(address) => {
                finder.archive([&trail.bucket], trail.key.iter(), &scope.log_account, address.region.as_ref());
            }
            Resource::Bucket(bucket) if is_ours(scope, resource) || scope.addresses.contains_key(address) => {
                finder.lakes(&bucket.tags);
            }
            Resource::Role(role) => finder.reader(address, role),
            Resource::Policy(policy) if scope.addresses.contains_key(address) => {
                let readers = assumed_roles(&policy.document).filter(|role| role.account != scope.log_account);
                finder.found.extend(readers);
                let reading = Reading::of([&policy.document], address.account.as_str());
                let buckets = reading.folders.iter().map(|(bucket, _)| bucket);
                finder.archive(buckets, reading.keys.iter(), &scope.log_account, None);
            }
            Resource::DelegatedAdministrator(_) if address.service_principal() == Some(CONFIG_PRINCIPAL) => {
                finder.config_administrator(address);
            }
            Resource::ConfigAggregator(aggregator) if is_ours(scope, resource) => finder.role_of(aggregator),
            _ => {}
        }
    }
    let inside =
        |address: &Address| scope.accounts.contains(&address.account) && !scope.addresses.contains_key(address);
    finder.found.into_iter().filter(inside).map(|address| (address.clone(), address.account)).collect()
}

fn is_ours(scope: &ObservationScope, resource: &Resource) -> bool {
    resource.deployment() == Some(scope.deployment.as_str())
}

struct Finder<'a> {
    scope: &'a ObservationScope,
    found: BTreeSet<Address>,
}

impl Finder<'_> {
    /// Log buckets remember the buckets of lakes.
    fn lakes(&mut self, tags: &Tags) {
        let noted = LakeNote::all(tags).filter_map(|note| match note {
            LakeNote::At(bucket) => Some([bucket.with_kind(Kind::BucketPolicy), bucket]),
            LakeNote::GivenUp(_) => None,
        });
        self.found.extend(noted.flatten());
    }

    fn reader(&mut self, address: &Address, role: &Role) {
        let is_ours = role.tags.get(OWNER_TAG) == Some(&self.scope.deployment);
        let Some(account) = role.tags.get(ACCOUNT_TAG).filter(|_| is_ours) else { return };
        let reading = Reading::of(role.inline.values(), account);
        self.archive(reading.folders.iter().map(|(bucket, _)| bucket), reading.keys.iter(), &address.account, None);
    }

    /// Whoever administers AWS Config beside the wanted account may have done so for this deployment before: its
    /// aggregator would be where the wanted one is, under any name, which one look shows.
    fn config_administrator(&mut self, address: &Address) {
        let Some(account) = address.administrator().and_then(|id| id.parse::<AccountId>().ok()) else { return };
        let wanted = self.scope.addresses.keys().filter(|address| address.kind == Kind::ConfigAggregator);
        self.found.extend(wanted.map(|wanted| Address { account: account.clone(), ..wanted.clone() }));
    }

    /// The role of an aggregator that is left, and the one that a renamed role takes over from.
    fn role_of(&mut self, aggregator: &ConfigAggregator) {
        self.found.extend(aggregator.role_address());
    }

    /// A bucket is in the region of the key that encrypts its logs; without one, it is taken to be where its trail is,
    /// or at home.
    fn archive<'n>(
        &mut self,
        buckets: impl IntoIterator<Item = &'n String>,
        keys: impl Iterator<Item = &'n String>,
        account: &AccountId,
        region: Option<&Region>,
    ) {
        let keys: BTreeSet<(AccountId, Region)> = keys
            .filter_map(|key| key.parse::<Arn>().ok())
            .filter_map(|arn| Some((arn.account().parse().ok()?, arn.region().parse().ok()?)))
            .collect();
        let elsewhere = (account.clone(), region.unwrap_or(&self.scope.home_region).clone());
        let mut places: BTreeSet<&(AccountId, Region)> = keys.iter().collect();
        if places.is_empty() {
            places.insert(&elsewhere);
        }
        let both = |address: Address, policy: Kind| [address.with_kind(policy), address];
        let aliases = || self.scope.addresses.keys().filter(|address| address.kind == Kind::Key);
        let mut found = Vec::new();
        for bucket in buckets {
            // What is in scope already is where it is wanted, whatever the key.
            let here =
                |(account, region): &(AccountId, Region)| Address::regional(account, region, Kind::Bucket, bucket);
            found.extend(places.iter().flat_map(|place| both(here(place), Kind::BucketPolicy)));
        }
        for (account, region) in &keys {
            let alias = |key: &Address| Address::regional(account, region, Kind::Key, key.name.as_str());
            found.extend(aliases().flat_map(|key| both(alias(key), Kind::KeyPolicy)));
        }
        self.found.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Bucket;
    use crate::ids::Partition;

    fn scope(addresses: &[&str]) -> ObservationScope {
        let account: AccountId = "222222222222".parse().unwrap();
        let operated = |text: &&str| {
            let address: Address = text.parse().unwrap();
            (address.clone(), address.account)
        };
        ObservationScope {
            deployment: "acme".into(),
            partition: Partition::Aws,
            log_account: account.clone(),
            management_account: "111111111111".parse().unwrap(),
            home_region: "eu-central-1".parse().unwrap(),
            accounts: [account, "333333333333".parse().unwrap()].into(),
            addresses: addresses.iter().map(operated).collect(),
            member_policies: BTreeMap::new(),
            wakes: false,
            control_targets: BTreeSet::new(),
            member_trails: BTreeSet::new(),
            attachments: false,
            keys: BTreeSet::new(),
            further_keys: false,
            arrivals: false,
        }
    }

    #[test]
    fn where_aws_config_was_administered_before_is_looked_for_what_is_left_there() {
        let wanted = "222222222222/eu-central-1/config_aggregator/now";
        let administrator = |id: &str| format!("111111111111/global/delegated_administrator/config.amazonaws.com/{id}");
        let here = administrator("222222222222");
        let scope = scope(&[wanted, &here, "222222222222/global/role/now-config"]);
        let tags = |owner: &str| Tags::from([(OWNER_TAG.to_owned(), owner.to_owned())]);
        let aggregator = |owner: &str, role: &str| {
            let role = Some(format!("arn:aws:iam::{role}"));
            Resource::from(ConfigAggregator { organization: true, role, regions: None, tags: tags(owner) })
        };
        let found = |at: &str, resource: Resource| {
            let found = earlier_addresses(&scope, [(&at.parse().unwrap(), &resource)].into_iter());
            found.into_keys().map(|address| address.to_string()).collect::<Vec<_>>()
        };
        let delegated = || Resource::from(crate::estate::DelegatedAdministrator {});
        assert_eq!(found(&here, delegated()), [""; 0], "what is wanted is in scope");
        assert_eq!(
            found(&administrator("333333333333"), delegated()),
            ["333333333333/eu-central-1/config_aggregator/now"]
        );
        assert_eq!(found(&administrator("999999999999"), delegated()), [""; 0], "it is of no account of ours");
        let of_cloudtrail = "111111111111/global/delegated_administrator/333333333333";
        assert_eq!(found(of_cloudtrail, delegated()), [""; 0]);
        let before = "333333333333/eu-central-1/config_aggregator/before";
        let role = "333333333333:role/team/before-config";
        assert_eq!(found(before, aggregator("acme", role)), ["333333333333/global/role/before-config"]);
        assert_eq!(found(before, aggregator("another", role)), [""; 0]);
        assert_eq!(found(wanted, aggregator("acme", "222222222222:role/now-config")), [""; 0]);
    }

    #[test]
    fn the_lakes_that_our_log_bucket_remembers_are_looked_at_and_nobody_elses() {
        let account: AccountId = "222222222222".parse().unwrap();
        let scope = scope(&[]);
        let bucket = |owner: &str| {
            let tags = [
                (OWNER_TAG, owner),
                ("orgtrail:lake:acme-lake", "222222222222/eu-central-1"),
                ("orgtrail:lake:acme-lake0", "given-up"),
                ("orgtrail:lake:strange-lake", "999999999999/eu-central-1"),
            ];
            Resource::from(Bucket {
                block_public_access: true,
                object_ownership: None,
                versioning: true,
                encryption: None,
                lifecycle: Vec::new(),
                object_lock: None,
                access_logs: None,
                requester_pays: false,
                tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                untouched: false,
                mfa_delete: None,
            })
        };
        let logs: Address = "222222222222/eu-central-1/bucket/acme-org-cloudtrail".parse().unwrap();
        let found = |owner: &str| {
            let resource = bucket(owner);
            let found = earlier_addresses(&scope, [(&logs, &resource)].into_iter());
            found.into_iter().map(|(address, operator)| (address.to_string(), operator)).collect::<Vec<_>>()
        };
        let both = ["bucket", "bucket_policy"].map(|kind| format!("222222222222/eu-central-1/{kind}/acme-lake"));
        assert_eq!(found("acme"), both.map(|address| (address, account.clone())));
        assert_eq!(found("another"), []);
    }
}
