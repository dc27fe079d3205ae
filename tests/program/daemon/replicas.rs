//! Two replicas with one lease, of which one is frozen in the middle of a wave and resumed when the other has taken
//! over.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::Value;

use super::hand::{Edit, Hand};
use super::{Daemon, until};
use crate::run::Desk;
use crate::support::{Call, Emulator, Proxy, Trouble, World};

const RULES: &str = "reconcile: {lease: \"s3://acme-operations/orgtrail/acme.json\", max_change: 100%, \
                     allow: [safe, weakens, interrupts, destroys, costs]}\n";

/// The lease in its bucket.
pub(super) struct Lease(aws_sdk_s3::Client);

impl Lease {
    const BUCKET: &str = "acme-operations";
    const KEY: &str = "orgtrail/acme.json";

    pub(super) async fn make(world: &World) -> Self {
        let s3 = aws_sdk_s3::Client::new(&world.management());
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1);
        s3.create_bucket().bucket(Self::BUCKET).create_bucket_configuration(place.build()).send().await.unwrap();
        Self(s3)
    }

    pub(super) async fn read(&self) -> Value {
        let kept = self.0.get_object().bucket(Self::BUCKET).key(Self::KEY).send().await.unwrap();
        serde_json::from_slice(&kept.body.collect().await.unwrap().into_bytes()).unwrap()
    }

    /// Has the lease run out, as it would if its holder stayed frozen for more than a minute.
    async fn run_out(&self) {
        let mut lease = self.read().await;
        lease["expires"] = "2026-01-01T00:00:00Z".into();
        let body = ByteStream::from(lease.to_string().into_bytes());
        self.0.put_object().bucket(Self::BUCKET).key(Self::KEY).body(body).send().await.unwrap();
    }
}

fn writes(proxy: &Proxy) -> Vec<Call> {
    proxy.calls().into_iter().filter(Call::is_write).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_writes_nothing_after_the_other_took_over() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let lease = Lease::make(&world).await;
    let desk = Desk::at(&emulator, &world, RULES);
    desk.run("apply --yes").expect_code(0);
    let hand = Hand::new(&world).await;
    for edit in [Edit::StopRotation, Edit::SuspendVersioning, Edit::StopLogging, Edit::DropMemberPolicy] {
        hand.make(edit).await;
    }

    // The first begins to repair and is frozen in its first write, which AWS does.
    let proxy = emulator.proxy();
    proxy.clear();
    proxy.trouble_if(Call::is_write, 1, Trouble::HoldAnswer);
    let first = Daemon::start(&desk, "--concurrency 1");
    until(async || proxy.held() > 0).await;
    assert_eq!(lease.read().await["fencing"], 1);
    first.signal("STOP");
    lease.run_out().await;

    // The second takes over and repairs the rest. Its calls go another way, so that each one's are known.
    let other_way = emulator.another_proxy();
    let second = Daemon::start(&desk.through(&other_way), "--concurrency 1");
    until(async || second.shows("orgtrail_rounds_total{result=\"repaired\"} 1")).await;
    assert_eq!(lease.read().await["fencing"], 2);
    assert!(writes(&other_way).len() >= 3, "{:?}", writes(&other_way));

    // Somebody breaks it again: what the first would go on with is now something that is to be done.
    hand.make(Edit::StopLogging).await;
    let before = writes(proxy);
    proxy.let_go();
    first.signal("CONT");
    until(async || first.shows("orgtrail_rounds_total{result=\"partial\"} 1")).await;
    until(async || first.shows("orgtrail_acting 0")).await;
    assert_eq!(writes(proxy), before, "the first has written although the second acts");
    assert!(second.shows("orgtrail_acting 1"));
    let kept = lease.read().await;
    assert_eq!(kept["fencing"], 2);

    // It stands by, and is there when the second goes.
    assert_eq!(second.stop(), Some(0));
    until(async || first.shows("orgtrail_acting 1")).await;
    assert_ne!(lease.read().await["owner"], kept["owner"]);
    assert_eq!(first.stop(), Some(0));
}
