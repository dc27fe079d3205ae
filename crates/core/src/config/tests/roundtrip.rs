//! A configuration that is written out and read again is the same, whatever it holds.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use saphyr::{LoadableYamlNode, Yaml, YamlEmitter};

use crate::config::schema::{
    Accounts, AdvancedSelector, AllowedRisk, ArchiveClass, AttachTo, AwsConfig, BucketConfig, CloudwatchLogs,
    EarlierLogs, Encryption, ExcludedSource, FieldSelector, Guard, InsightType, LakeBucket, LakeConfig, LakeGrain,
    Lifecycle, LockMode, ManagementEvents, Notify, NotifyConfig, ObjectLock, OldVersions, OrganizationConfig, Owner,
    RETENTION_DAYS, ReaderMode, Readers, Reconcile, Regions, SelectorField, TrailConfig, TrailScope, Webhook,
};
use crate::config::{Config, parse};

fn text<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    pattern: &str,
) -> impl Strategy<Value = T> + use<T> {
    proptest::string::string_regex(pattern).unwrap().prop_map(|text| text.parse().unwrap())
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    // Values that YAML would take for something else unless they are quoted.
    let value = prop_oneof![
        text("[a-zäß0-9 _.:/=+@-]{0,20}"),
        select(vec!["yes", "null", "true", "1e3", "0x1f", "- a", ""]).prop_map(String::from)
    ];
    btree_map(
        "[a-zA-Z][a-zA-Z0-9 _.:/=+@-]{0,20}"
            .prop_filter("kept by AWS or orgtrail", |key| !key.to_lowercase().starts_with("aws:")),
        value,
        0..4,
    )
}

fn organization() -> impl Strategy<Value = OrganizationConfig> {
    let administrators = subsequence(vec!["333333333333".to_owned(), "security".to_owned()], 0..=2);
    (option::of(text("o-[a-z0-9]{10,32}")), "[A-Za-z0-9_+=,.@-]{1,64}", administrators).prop_map(
        |(id, member_role, delegated_administrators)| OrganizationConfig {
            id,
            member_role,
            delegated_administrators,
            own_roles: Vec::new(),
            known_buckets: Vec::new(),
        },
    )
}

fn accounts() -> impl Strategy<Value = Accounts> {
    let include = vec(
        text("(ou:/([A-Z][a-z]{0,5}/){0,3}\\*\\*|tag:[a-z]{1,5}=[a-z]{0,5}|id:[0-9]{12}|name:[a-z ]{1,8}\\*)"),
        1..4,
    );
    let exclude = vec(text("name:tmp-[a-z0-9]{1,8}"), 0..3);
    ("([0-9]{12}|[a-z][a-z ]{0,10})", include, exclude).prop_map(|(log, mut include, mut exclude)| {
        include.sort();
        include.dedup();
        exclude.sort();
        exclude.dedup();
        Accounts { log, include, exclude }
    })
}

fn bucket() -> impl Strategy<Value = BucketConfig> {
    let classes = select(vec![ArchiveClass::GlacierIr, ArchiveClass::DeepArchive, ArchiveClass::StandardIa]);
    let lifecycle =
        (option::of(30u32..500), classes, 500u32..5000).prop_map(|(archive_after_days, archive_class, expire)| {
            Lifecycle {
                archive_after_days,
                archive_class,
                expire_after_days: Some(expire),
                expire_old_versions_after_days: archive_after_days.map(|days| match days % 2 {
                    0 => OldVersions::Never,
                    _ => OldVersions::Days(days),
                }),
            }
        });
    // Shorter than the shortest lifecycle: a longer one is refused.
    let lock = (select(vec![LockMode::Governance, LockMode::Compliance]), 1u32..500)
        .prop_map(|(mode, days)| ObjectLock { mode, days });
    let key = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd";
    let encryption = select(vec![Encryption::Kms, Encryption::S3, Encryption::KeyArn(key.parse().unwrap())]);
    let name = select(vec!["acme-logs", "{{deployment}}-logs", "logs-{{account.id}}-{{region}}"]);
    (
        name,
        "([a-z]{1,5}(/[a-z]{1,5}){0,2})?",
        encryption,
        option::of(lock),
        option::of(lifecycle),
        vec(text("[0-9]{12}"), 0..3),
        tags(),
    )
        .prop_map(|(name, prefix, encryption, object_lock, lifecycle, trusted_readers, tags)| BucketConfig {
            name: name.into(),
            prefix,
            versioning: true,
            encryption,
            key_alias: "alias/{{deployment}}".into(),
            object_lock,
            lifecycle,
            access_logs: None,
            trusted_readers,
            break_glass_roles: Vec::new(),
            administrators: vec!["SecurityAudit".into(), "arn:aws:iam::222222222222:role/forensics/*".into()],
            tags,
        })
}

fn selector() -> impl Strategy<Value = AdvancedSelector> {
    let condition = |field| FieldSelector {
        field,
        equals: Vec::new(),
        not_equals: Vec::new(),
        starts_with: Vec::new(),
        not_starts_with: Vec::new(),
        ends_with: Vec::new(),
        not_ends_with: Vec::new(),
    };
    // All that is printed but the wildcards, which CloudTrail takes literally.
    let values = || vec("[ -)+->@-~]{1,20}", 1..4);
    (option::of("[ -~]{1,30}"), values(), values(), values()).prop_map(
        move |(name, starts_with, not_equals, ends_with)| {
            let category = FieldSelector { equals: vec!["Data".into()], ..condition(SelectorField::EventCategory) };
            let kind =
                FieldSelector { equals: vec!["AWS::S3::Object".into()], ..condition(SelectorField::ResourcesType) };
            let arn = FieldSelector { starts_with, ends_with, ..condition(SelectorField::ResourcesArn) };
            let event = FieldSelector { not_equals, ..condition(SelectorField::EventName) };
            AdvancedSelector { name, field_selectors: vec![category, kind, arn, event] }
        },
    )
}

fn trail(name: &'static str) -> impl Strategy<Value = TrailConfig> {
    let regions = subsequence(vec!["eu-central-1", "eu-west-1", "us-east-1"], 1..=3)
        .prop_map(|names| Regions::Only(names.iter().map(|name| name.parse().unwrap()).collect()));
    let regions = prop_oneof![Just(Regions::All), regions];
    let owner = prop_oneof![Just(Owner::Management), text("[0-9]{12}").prop_map(Owner::Account)];
    let scope = prop_oneof![Just(TrailScope::Organization), Just(TrailScope::Accounts)];
    let exclude = subsequence(vec![ExcludedSource::Kms, ExcludedSource::RdsData], 0..=2);
    let insights = subsequence(vec![InsightType::ApiCallRateInsight, InsightType::ApiErrorRateInsight], 0..=2);
    let logs = ("/[a-z/]{1,20}", select(RETENTION_DAYS.to_vec())).prop_map(move |(group, retention_days)| {
        CloudwatchLogs { group, retention_days, role: format!("logs-of-{name}") }
    });
    let options = (any::<bool>(), any::<bool>(), option::of("[a-z_-]{1,20}"), option::of(logs), tags());
    (regions, owner, scope, exclude, insights, vec(selector(), 0..3), options).prop_map(
        move |(
            regions,
            owner,
            scope,
            exclude,
            insights,
            data_events,
            (validation, read, topic, cloudwatch_logs, tags),
        )| TrailConfig {
            name: name.into(),
            owner: if scope == TrailScope::Accounts { Owner::Management } else { owner },
            scope,
            global_events: regions == Regions::All || validation,
            regions,
            validation,
            management_events: ManagementEvents { read, write: true, exclude },
            data_events,
            insights,
            notify: topic.map(|sns| Notify { sns }),
            cloudwatch_logs,
            tags,
        },
    )
}

fn readers() -> impl Strategy<Value = Readers> {
    let mode = select(vec![ReaderMode::Roles, ReaderMode::Dynamic, ReaderMode::Auto]);
    let role = select(vec!["Read-{{account.id}}", "{{account.name}}-{{deployment}}"]);
    let external_id = option::of("[A-Za-z0-9_+=,.@:/-]{2,40}");
    let attach_to =
        (subsequence(vec!["Ops".to_owned(), "Audit".to_owned()], 0..=2), subsequence(vec!["Reader".to_owned()], 0..=1))
            .prop_map(|(groups, roles)| AttachTo { groups, roles });
    (mode, role, attach_to, any::<bool>(), external_id, 1u32..=12).prop_map(
        |(mode, role, attach_to, require_mfa, external_id, session_hours)| Readers {
            mode,
            role: role.into(),
            member_policy: "Read-{{region}}".into(),
            attach_to,
            require_mfa,
            external_id,
            session_hours,
            earlier_logs: require_mfa,
            keep_days: session_hours * 30,
        },
    )
}

fn reconcile() -> impl Strategy<Value = Reconcile> {
    let risks = vec![
        AllowedRisk::Safe,
        AllowedRisk::Weakens,
        AllowedRisk::Interrupts,
        AllowedRisk::Destroys,
        AllowedRisk::Costs,
    ];
    let every = (60u32..302_400).prop_map(|seconds| format!("{seconds}s").parse().unwrap());
    let full_pass_every = (302_400u32..604_800).prop_map(|seconds| format!("{seconds}s").parse().unwrap());
    let window = option::of(text("(mon|sun)-(tue|sat) (0[0-9]|1[0-9]):[0-5][0-9]-2[0-3]:[0-5][0-9]"));
    let lease = option::of(text("s3://[a-z]{3,9}/[a-z]{1,9}/lease.json"));
    let history = option::of(text("s3://[a-z]{3,9}/[a-z]{1,9}"));
    let more = (full_pass_every, window, lease, history);
    (every, subsequence(risks, 0..=5), text("([1-9][0-9]?|100)%"), option::of("[A-Za-z0-9_-]{1,80}"), more).prop_map(
        |(every, allow, max_change, wake_queue, (full_pass_every, window, lease, history))| Reconcile {
            every,
            full_pass_every,
            allow,
            max_change,
            window,
            wake_queue,
            lease,
            history,
        },
    )
}

fn lake() -> impl Strategy<Value = Option<LakeConfig>> {
    let every = (60u32..302_400).prop_map(|seconds| format!("{seconds}s").parse().unwrap());
    let grain = select(vec![LakeGrain::Day, LakeGrain::Hour]);
    let bucket = select(vec![LakeBucket::Managed, LakeBucket::Existing]);
    let readers = vec("arn:aws:iam::[0-9]{12}:role/[a-z]{1,9}", 0..3);
    let one = (text("s3://lake-[a-z]{3,9}/of-[a-z]{1,9}"), bucket, readers, grain, 1u16..=1_000, every);
    option::of(one.prop_map(|(place, bucket, readers, grain, slots, every)| LakeConfig {
        place,
        bucket,
        readers,
        grain,
        slots,
        every,
    }))
}

fn aws_config() -> impl Strategy<Value = Option<AwsConfig>> {
    let regions = select(vec![Regions::All, Regions::Only(vec!["eu-west-1".parse().unwrap()])]);
    let administrator = option::of(select(vec!["444444444444".to_owned(), "security".to_owned()]));
    let one = (administrator, "[A-Za-z0-9_-]{1,20}", "[A-Za-z0-9_+=,.@-]{1,20}", regions);
    option::of(one.prop_map(|(administrator, aggregator, role, regions)| AwsConfig {
        administrator,
        aggregator,
        role,
        regions,
    }))
}

fn notices() -> impl Strategy<Value = NotifyConfig> {
    let topic = option::of(text("arn:aws:sns:eu-(central|west)-1:[0-9]{12}:[A-Za-z0-9_-]{1,20}"));
    let webhook = option::of("[A-Z_][A-Z0-9_]{0,20}").prop_map(|name| name.map(|url_env| Webhook { url_env }));
    let link = option::of(text("https://[a-z.]{1,20}/[a-z0-9?&=%#-]{0,20}"));
    (topic, webhook, link).prop_map(|(topic, webhook, link)| NotifyConfig { topic, webhook, link })
}

fn earlier() -> impl Strategy<Value = Vec<EarlierLogs>> {
    let account = option::of(select(vec!["222222222222".to_owned(), "log-archive".to_owned()]));
    let key = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd";
    let place =
        (account, "([a-z]{1,5})?", option::of(Just("eu-west-1".parse().unwrap())), option::of(Just(key.to_owned())));
    let place = place.prop_map(|(log_account, prefix, region, key)| EarlierLogs {
        log_account,
        bucket: "logs-of-before".parse().unwrap(),
        prefix,
        region,
        key,
    });
    vec(place, 0..2)
}

fn config() -> impl Strategy<Value = Config> {
    let trails = prop_oneof![
        trail("first").prop_map(|one| vec![one]),
        (trail("first"), trail("second-{{deployment}}")).prop_map(|(one, two)| vec![one, two]),
    ];
    let deployment = "[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?".prop_map(|name| name.to_lowercase());
    let deployment = deployment.prop_filter("two dashes in a trail's name", |name| !name.contains("--"));
    let ends = (
        any::<bool>(),
        (reconcile(), lake(), aws_config()),
        notices(),
        tags(),
        vec(text("eu-east-[1-9]"), 0..2),
        earlier(),
    );
    (deployment, organization(), accounts(), bucket(), trails, readers(), ends).prop_map(
        |(
            deployment,
            organization,
            accounts,
            bucket,
            trails,
            readers,
            (guard, (reconcile, lake, aws_config), notify, tags, new_regions, earlier),
        )| Config {
            version: 1,
            deployment,
            organization,
            accounts,
            home_region: "eu-central-1".parse().unwrap(),
            bucket,
            earlier,
            trails,
            readers,
            guard: Guard { service_control_policy: Some(guard) },
            reconcile,
            lake,
            aws_config,
            notify,
            tags,
            new_regions,
        },
    )
}

/// Writes JSON as the YAML that people write, with lines and indentation.
fn as_yaml(json: &str) -> String {
    let documents = Yaml::load_from_str(json).unwrap();
    let mut yaml = String::new();
    YamlEmitter::new(&mut yaml).dump(&documents[0]).unwrap();
    yaml
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(200)))]

    #[test]
    fn what_is_written_is_read_again(config in config()) {
        let json = serde_json::to_string_pretty(&config).unwrap();
        let yaml = as_yaml(&json);
        for text in [json, yaml] {
            match parse(&text, "orgtrail.yaml") {
                Ok(again) => prop_assert_eq!(&again, &config, "{}", text),
                Err(errors) => prop_assert!(false, "{}\n{}", text, errors.render(false)),
            }
        }
    }
}
