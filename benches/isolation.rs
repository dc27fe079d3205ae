//! Proving the isolation of readers: linear in their number, 1,000 readers of 1,000 accounts in under 2 s on one core.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orgtrail::ids::{AccountId, Arn};
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::evaluate::Named;
use orgtrail::policy::isolation::{Archive, Facts, Isolation, Key, Reader, prove};
use orgtrail::policy::template::Templates;
use serde_json::json;

const LOG: &str = "222222222222";
const ORGANIZATION: &str = "o-exampleorgid";
const BUCKET: &str = "arn:aws:s3:::acme-org-cloudtrail";
const ROOT: &str = "AWSLogs/o-exampleorgid";
const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";

struct OwnedReader {
    account: AccountId,
    role: Arn,
    trust: PolicyDocument,
    policy: PolicyDocument,
}

/// The documents that the templates render for an organization of `count` accounts.
struct World {
    bucket: PolicyDocument,
    key: PolicyDocument,
    accounts: BTreeSet<AccountId>,
    readers: Vec<OwnedReader>,
}

fn world(count: usize) -> World {
    let templates = Templates::new(&[]).expect("the compiled templates are sound");
    let render = |file: &str, values: serde_json::Value| templates.render(file, &values).expect("a policy");
    let account = |n: usize| format!("{:012}", 300_000_000_000 + n).parse().expect("twelve digits");
    let log = LOG.parse().expect("an account");
    let accounts: BTreeSet<AccountId> = (1..count).map(account).chain([log]).collect();
    let reader = |account: &AccountId| OwnedReader {
        account: account.clone(),
        role: format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{account}").parse().expect("an ARN"),
        trust: render(
            "reader-trust.json.hbs",
            json!({"partition": "aws", "account": {"id": account}, "condition": null}),
        ),
        policy: render(
            "reader.json.hbs",
            json!({
                "bucket": {"arn": BUCKET}, "key_arn": KEY,
                "object_arns": [format!("{BUCKET}/{ROOT}/{account}/*")], "prefixes": [format!("{ROOT}/{account}/*")],
            }),
        ),
    };
    let readers = accounts.iter().map(reader).collect();
    World {
        bucket: render(
            "bucket.json.hbs",
            json!({
                "bucket": {"arn": BUCKET}, "trail_arns": [TRAIL], "write_resources": [format!("{BUCKET}/{ROOT}/*")],
                "dynamic_readers": false, "organization": {"id": ORGANIZATION},
            }),
        ),
        key: render(
            "key.json.hbs",
            json!({
                "partition": "aws", "log_account": LOG, "trail_arns": [TRAIL], "dynamic_readers": false,
                "encryption_contexts": ["arn:aws:cloudtrail:*:111111111111:trail/*"],
                "organization": {"id": ORGANIZATION}, "s3_service": "s3.eu-central-1.amazonaws.com",
            }),
        ),
        accounts,
        readers,
    }
}

fn prove_world(world: &World) -> Isolation {
    let policies: Vec<[Named; 1]> =
        world.readers.iter().map(|reader| [Named { name: "ReadOwnLogs", document: &reader.policy }]).collect();
    let owned = world.readers.iter().zip(&policies);
    let readers: Vec<Reader> = owned
        .map(|(reader, policies)| Reader {
            account: &reader.account,
            role: &reader.role,
            trust: Some(&reader.trust),
            policies,
            unknown_policies: &[],
            require_mfa: false,
            external_id: None,
        })
        .collect();
    prove(&Archive {
        bucket_arn: &BUCKET.parse().expect("an ARN"),
        region: "eu-central-1",
        account: &LOG.parse().expect("an account"),
        organization_id: &ORGANIZATION.parse().expect("an organization"),
        bucket_policy: Some(&world.bucket),
        key: Some(Key { arn: KEY, policy: &world.key }),
        roots: &[ROOT.parse().unwrap()],
        accounts: &world.accounts,
        trusted: &[],
        readers: &readers,
        facts: Facts { written_bucket: Some(&world.bucket), written_key: Some(&world.key), ..Facts::default() },
    })
}

fn isolation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("isolation");
    group.sample_size(10);
    for count in [100, 1_000] {
        let world = world(count);
        assert_eq!(prove_world(&world), Isolation::default(), "the generated world is sound");
        group.bench_with_input(BenchmarkId::new("readers x accounts", count), &world, |bencher, world| {
            bencher.iter(|| black_box(prove_world(world)));
        });
    }
    group.finish();
}

criterion_group!(benches, isolation);
criterion_main!(benches);
