//! The daemon is killed at each call of a repair, and another one goes on.

use std::process::Child;

use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Resource, Sighting};

use super::hand::{Edit, Hand};
use super::until;
use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const RULES: &str = "reconcile: {allow: [safe, weakens, interrupts, destroys, costs], max_change: 100%}\n";

/// One thing of each kind.
const EDITS: [Edit; 10] = [
    Edit::StopLogging,
    Edit::ForgetValidation,
    Edit::RecordWritesOnly,
    Edit::SuspendVersioning,
    Edit::OpenBucket,
    Edit::ReplaceBucketPolicy,
    Edit::StopRotation,
    Edit::ReplaceKeyPolicy,
    Edit::DropReader,
    Edit::DropMemberPolicy,
];

/// What is there, without what AWS notes of it: how deliveries went, and the ids of what was made anew.
fn estate(desk: &Desk, file: &str) -> Vec<(Address, Resource)> {
    desk.run(&format!("snapshot --output {file}")).expect_code(0);
    let snapshot = Snapshot::parse(&std::fs::read_to_string(desk.path(file)).unwrap()).unwrap();
    let present = snapshot.estate.sightings.into_iter().filter_map(|(address, sighting)| match sighting {
        Sighting::Present(resource) => Some((address, resource.into_inner())),
        _ => None,
    });
    let stripped = present.map(|(address, mut resource)| {
        match &mut resource {
            Resource::Trail(trail) => trail.delivery = None,
            Resource::Role(role) => role.unique_id = None,
            _ => {}
        }
        (address, resource)
    });
    stripped.collect()
}

/// Runs a round until one of its calls is held, and kills it there; tells whether there was such a call.
async fn killed(emulator: &Emulator, desk: &Desk) -> bool {
    let mut daemon = desk.start("reconcile --once --concurrency 1");
    let mut code = None;
    until(async || {
        code = ended(&mut daemon);
        code.is_some() || emulator.proxy().held() > 0
    })
    .await;
    if let Some(code) = code {
        assert_eq!(code, 0, "a round that nobody disturbs repairs everything");
        return false;
    }
    // SIGKILL on unix: nothing can be tidied up.
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    emulator.proxy().let_go();
    true
}

fn ended(daemon: &mut Child) -> Option<i32> {
    daemon.try_wait().unwrap().map(|status| status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn at_whichever_call_it_is_killed_the_next_one_ends_in_the_same_estate() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, RULES);
    desk.run("apply --yes").expect_code(0);
    let wanted = estate(&desk, "before.json");
    let hand = Hand::new(&world).await;
    for edit in EDITS {
        hand.make(edit).await;
    }
    let broken = estate(&desk, "broken.json");
    assert_ne!(broken, wanted);

    // While it reads: at the first call, the second, and so on until the next one would be a write.
    let mut reads = 0;
    loop {
        emulator.proxy().clear();
        let mut calls = 0;
        let nth = move |_: &_| {
            calls += 1;
            calls > reads
        };
        emulator.proxy().trouble_if(nth, 1, Trouble::HoldAnswer);
        assert!(killed(&emulator, &desk).await);
        emulator.proxy().clear_up();
        if emulator.proxy().calls().last().unwrap().is_write() {
            break;
        }
        reads += 1;
    }
    assert!(reads > 20, "{reads} reads");

    // While it writes: each write once before AWS has it and once when AWS has done it, and every time from where the
    // one before was killed.
    let mut kills = 0;
    for trouble in [Trouble::HoldRequest, Trouble::HoldAnswer].iter().cycle() {
        emulator.proxy().trouble_if(|call| call.is_write(), 1, trouble.clone());
        if !killed(&emulator, &desk).await {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 2 * EDITS.len(), "{kills} kills");
    assert_eq!(estate(&desk, "after.json"), wanted);
    desk.run("plan").expect_code(0);
}
