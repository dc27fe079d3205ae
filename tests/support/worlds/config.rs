//! Random configurations: every option of `orgtrail.yaml`, in combinations that its checks accept.

use std::collections::BTreeMap;

use orgtrail::config::Config;
use orgtrail::config::schema::{
    Accounts, AdvancedSelector, ArchiveClass, AttachTo, AwsConfig, BucketConfig, CloudwatchLogs, Encryption,
    ExcludedSource, FieldSelector, Guard, InsightType, LakeBucket, LakeConfig, LakeGrain, Lifecycle, LockMode,
    ManagementEvents, Notify, NotifyConfig, ObjectLock, OrganizationConfig, Owner, ReaderMode, Readers, Reconcile,
    Regions, SelectorField, TrailConfig, TrailScope,
};
use orgtrail::ids::{AccountId, Partition, Region};
use orgtrail::organization::Organization;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::damage::OUTSIDER;
use super::{ACCESS_LOGS, ANALYSTS, LAKE};

/// The regions of a partition, the possible home regions first.
fn regions_of(partition: Partition) -> &'static [&'static str] {
    match partition {
        Partition::Aws => &["eu-central-1", "us-east-1", "eu-west-1", "us-west-2"],
        Partition::GovCloud => &["us-gov-west-1", "us-gov-east-1"],
        Partition::China => &["cn-north-1", "cn-northwest-1"],
    }
}

/// Configurations that fit an organization.
pub fn configs(organization: &Organization) -> impl Strategy<Value = Config> + use<> {
    let active: Vec<AccountId> = organization
        .accounts
        .iter()
        .filter(|(_, account)| account.state.is_active())
        .map(|(id, _)| id.clone())
        .collect();
    let members: Vec<AccountId> = active.iter().filter(|id| **id != organization.management_account).cloned().collect();
    let partition = organization.partition;
    let management = organization.management_account.clone();
    let home = select(&regions_of(partition)[..2]);
    (select(active), home, any::<prop::sample::Index>()).prop_flat_map(move |(log, home, first)| {
        let home: Region = home.parse().unwrap();
        let some = members.get(first.index(members.len().max(1))).cloned();
        let trails = prop_oneof![
            3 => trail("acme-org-trail", &home, some.clone()).prop_map(|one| vec![one]).boxed(),
            1 => (trail("acme-org-trail", &home, some.clone()), trail("acme.second", &home, some.clone()))
                .prop_map(|(one, two)| vec![one, two]).boxed(),
        ];
        let delegates = prop::bool::weighted(0.2);
        let lake = lake(partition, &log, some.as_ref());
        // The management account cannot administer AWS Config.
        let administrator = [Some(&log), some.as_ref()].into_iter().flatten().find(|id| **id != management).cloned();
        let section = administrator.map(|id| AwsConfig { administrator: Some(id.to_string()), ..AwsConfig::default() });
        let aws_config = prop::bool::weighted(0.3).prop_map(move |collects| section.clone().filter(|_| collects));
        let more = (delegates, guards(), lake, aws_config);
        (accounts(&log, some.clone()), bucket(&log, &home), trails, readers(), tags(), more).prop_map(
            move |(accounts, bucket, trails, readers, tags, (delegates, guard, lake, aws_config))| Config {
                version: 1,
                deployment: "acme".into(),
                organization: OrganizationConfig {
                    delegated_administrators: some.iter().filter(|_| delegates).map(ToString::to_string).collect(),
                    ..OrganizationConfig::default()
                },
                accounts,
                home_region: home.clone(),
                bucket,
                trails,
                readers,
                guard,
                reconcile: Reconcile { wake_queue: Some("acme-wake".into()), ..Reconcile::default() },
                lake,
                aws_config,
                notify: NotifyConfig::default(),
                tags,
                earlier: Vec::new(),
                new_regions: Vec::new(),
            },
        )
    })
}

/// A lake in a bucket of its own, which a role of the central team reads: in the log account, or in another one.
fn lake(
    partition: Partition,
    log: &AccountId,
    other: Option<&AccountId>,
) -> impl Strategy<Value = Option<LakeConfig>> + use<> {
    let accounts: Vec<AccountId> = [Some(log), other].into_iter().flatten().cloned().collect();
    let readers = prop::option::of(select(accounts));
    prop::option::weighted(0.5, readers).prop_map(move |lake| {
        lake.map(|reader| LakeConfig {
            place: format!("s3://{LAKE}/events").parse().unwrap(),
            bucket: LakeBucket::Managed,
            readers: reader.iter().map(|account| format!("arn:{partition}:iam::{account}:role/{ANALYSTS}")).collect(),
            grain: LakeGrain::Day,
            slots: 1,
            every: "15m".parse().unwrap(),
        })
    })
}

fn guards() -> impl Strategy<Value = Guard> {
    prop::option::weighted(0.5, any::<bool>()).prop_map(|service_control_policy| Guard { service_control_policy })
}

fn accounts(log: &AccountId, some: Option<AccountId>) -> impl Strategy<Value = Accounts> + use<> {
    let log = log.to_string();
    let one = some.map_or_else(|| "name:*".to_owned(), |id| format!("id:{id}"));
    let include = prop_oneof![
        4 => Just(vec!["ou:/**".to_owned()]),
        1 => Just(vec!["ou:/Workloads/**".to_owned(), one.clone()]),
        1 => Just(vec!["tag:team=*".to_owned(), "name:[a-z]*".to_owned(), "name:a*".to_owned()]),
    ];
    let exclude = prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec!["ou:/Sandbox/**".to_owned(), "tag:team=red".to_owned()]),
    ];
    (include, exclude).prop_map(move |(include, exclude)| {
        let parse = |texts: Vec<String>| texts.iter().map(|text| text.parse().unwrap()).collect();
        Accounts { log: log.clone(), include: parse(include), exclude: parse(exclude) }
    })
}

fn bucket(log: &AccountId, home: &Region) -> impl Strategy<Value = BucketConfig> + use<> {
    let arn = |account: &str| {
        format!("arn:{}:kms:{home}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab", home.partition())
    };
    let break_glass = format!("arn:{}:iam::222222222222:role/break-glass", home.partition());
    let encryption = prop_oneof![
        4 => Just(Encryption::Kms),
        2 => Just(Encryption::S3),
        1 => Just(Encryption::KeyArn(arn(log.as_str()).parse().unwrap())),
        1 => Just(Encryption::KeyArn(arn(OUTSIDER).parse().unwrap())),
    ];
    let name = select(vec!["acme-org-cloudtrail", "{{deployment}}-logs-{{account.id}}"]);
    let prefix = select(vec!["", "cloudtrail", "logs/cloud-trail"]);
    let lock = prop::option::weighted(0.3, (select(vec![LockMode::Governance, LockMode::Compliance]), 1_u32..400));
    let class = select(vec![ArchiveClass::GlacierIr, ArchiveClass::StandardIa, ArchiveClass::IntelligentTiering]);
    let lifecycle = prop::option::of((prop::option::of(30_u32..90), class, prop::option::of(400_u32..3000)));
    let flags = (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (encryption, name, prefix, lock, lifecycle, flags, tags()).prop_map(
        move |(encryption, name, prefix, lock, lifecycle, (versioning, access_logs, trusts), tags)| BucketConfig {
            name: name.into(),
            prefix: prefix.into(),
            versioning: versioning || lock.is_some(),
            encryption,
            key_alias: "alias/orgtrail-{{deployment}}".into(),
            object_lock: lock.map(|(mode, days)| ObjectLock { mode, days }),
            lifecycle: lifecycle.map(|(archive_after_days, archive_class, expire_after_days)| Lifecycle {
                // A lifecycle that neither moves nor deletes anything is refused by the checks.
                archive_after_days: archive_after_days.or(if expire_after_days.is_none() { Some(60) } else { None }),
                archive_class,
                expire_after_days,
                expire_old_versions_after_days: None,
            }),
            access_logs: access_logs.then(|| ACCESS_LOGS.parse().unwrap()),
            trusted_readers: if trusts { vec![OUTSIDER.parse().unwrap()] } else { Vec::new() },
            break_glass_roles: if trusts { vec![break_glass.clone()] } else { Vec::new() },
            administrators: if trusts { vec!["SecurityAudit".to_owned()] } else { Vec::new() },
            tags,
        },
    )
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z]{1,4}", "[A-Za-z0-9 +=@/-]{0,6}", 0..3)
}

fn trail(name: &'static str, home: &Region, some: Option<AccountId>) -> impl Strategy<Value = TrailConfig> + use<> {
    let events = (any::<(bool, bool)>(), subsequence(vec![ExcludedSource::Kms, ExcludedSource::RdsData], 0..=2));
    let places = (regions(home), any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.25));
    let extras = (any::<bool>(), prop::option::weighted(0.3, select(vec![1_u32, 30, 365, 3653])), any::<bool>());
    (places, events, data_events(home.partition()), insights(), extras, tags()).prop_map(
        move |(
            (regions, global, accounts, delegated),
            ((read, write), exclude),
            data_events,
            insights,
            extras,
            tags,
        )| {
            let (validation, retention_days, notifies) = extras;
            let records = read || write || data_events.is_empty();
            let (read, write) = if records && !read && !write { (true, true) } else { (read, write) };
            let scope = if accounts { TrailScope::Accounts } else { TrailScope::Organization };
            TrailConfig {
                name: name.into(),
                scope,
                owner: match &some {
                    Some(id) if delegated && scope == TrailScope::Organization => Owner::Account(id.clone()),
                    _ => Owner::Management,
                },
                global_events: global || regions == Regions::All,
                regions,
                validation,
                management_events: ManagementEvents {
                    read,
                    write,
                    exclude: if read || write { exclude } else { Vec::new() },
                },
                data_events,
                insights: insights.into_iter().filter(|insight| feeds(*insight, read, write)).collect(),
                notify: notifies.then(|| Notify { sns: "acme-{{region}}".into() }),
                cloudwatch_logs: retention_days.map(|retention_days| CloudwatchLogs {
                    group: format!("/orgtrail/{name}"),
                    retention_days,
                    role: format!("orgtrail-{name}"),
                }),
                tags,
            }
        },
    )
}

fn feeds(insight: InsightType, read: bool, write: bool) -> bool {
    match insight {
        InsightType::ApiCallRateInsight => write,
        InsightType::ApiErrorRateInsight => read || write,
    }
}

fn regions(home: &Region) -> impl Strategy<Value = Regions> + use<> {
    let mut all: Vec<Region> = regions_of(home.partition()).iter().map(|text| text.parse().unwrap()).collect();
    all.sort();
    let count = all.len();
    let some = subsequence(all, 1..=count).prop_shuffle().prop_map(Regions::Only);
    prop_oneof![3 => Just(Regions::All), 2 => some]
}

fn insights() -> impl Strategy<Value = Vec<InsightType>> {
    subsequence(vec![InsightType::ApiCallRateInsight, InsightType::ApiErrorRateInsight], 0..=2)
}

fn data_events(partition: Partition) -> impl Strategy<Value = Vec<AdvancedSelector>> {
    let bucket = "[a-z]{3,6}".prop_map(move |name| format!("arn:{partition}:s3:::{name}/"));
    let selector =
        (prop::collection::btree_set(bucket, 0..3), any::<Option<bool>>()).prop_map(|(buckets, read_only)| {
            let mut fields = vec![
                field(SelectorField::EventCategory, vec!["Data".into()]),
                field(SelectorField::ResourcesType, vec!["AWS::S3::Object".into()]),
            ];
            fields.extend(read_only.map(|yes| field(SelectorField::ReadOnly, vec![yes.to_string()])));
            if !buckets.is_empty() {
                let arns = field(SelectorField::ResourcesArn, Vec::new());
                fields.push(FieldSelector { starts_with: buckets.into_iter().collect(), ..arns });
            }
            AdvancedSelector { name: None, field_selectors: fields }
        });
    prop::collection::vec(selector, 0..3)
}

fn field(field: SelectorField, equals: Vec<String>) -> FieldSelector {
    FieldSelector {
        field,
        equals,
        not_equals: Vec::new(),
        starts_with: Vec::new(),
        not_starts_with: Vec::new(),
        ends_with: Vec::new(),
        not_ends_with: Vec::new(),
    }
}

fn readers() -> impl Strategy<Value = Readers> {
    let mode = select(vec![ReaderMode::Roles, ReaderMode::Dynamic, ReaderMode::Auto]);
    let role = select(vec![
        "CloudTrailReadLogs-{{account.id}}",
        "{{deployment}}.{{account.id}}",
        "/audit/logs/Read-{{account.id}}",
    ]);
    let names = || subsequence(vec!["auditors".to_owned(), "Ops+1".to_owned()], 0..=2);
    let external_id = prop::option::weighted(0.3, "[a-z0-9=,.@:/-]{2,12}");
    (mode, role, names(), names(), any::<bool>(), external_id, 1_u32..=12).prop_map(
        |(mode, role, groups, roles, require_mfa, external_id, session_hours)| Readers {
            mode,
            role: role.into(),
            member_policy: "CloudTrailReadLogs".into(),
            attach_to: AttachTo { groups, roles },
            require_mfa,
            external_id,
            session_hours,
            earlier_logs: session_hours % 3 == 0,
            keep_days: 0,
        },
    )
}
