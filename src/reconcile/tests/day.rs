//! A day of an organization: accounts join, are suspended and leave.

use super::*;

#[test]
fn a_day_with_accounts_that_come_and_go() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(20, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            for hour in 0..24_usize {
                let change = |organization: &mut Organization, _: &mut Estate| {
                    let accounts = &mut organization.accounts;
                    accounts.insert(member(100 + hour), account(&format!("joined-{hour}")));
                    if let Some(account) = accounts.get_mut(&member(hour)).filter(|_| hour % 3 == 0) {
                        account.state = AccountState::Suspended;
                    }
                    if hour % 3 == 1 {
                        accounts.remove(&member(hour - 1));
                    }
                };
                world.edit(change).await.unwrap();
                clock.minutes(60).await;
                let now = plan(world, &rules).await;
                assert!(now.in_sync(), "hour {hour}: {:?} {:?}", now.changes, board.read().findings);
            }
            let status = board.read();
            assert!(status.rounds.len() >= 24 * 4);
            assert!(status.rounds.iter().all(|round| round.result != RoundResult::Failed), "{:?}", status.rounds);
            assert_eq!(status.accounts.len(), world.snapshot().organization.accounts.len());
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn outside_its_window_it_waits_and_inside_it_works() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{window: \"mon-sun 02:00-04:00\"}");
        let world = leak(world(1, &rules).await);
        let source = Given::new("{window: \"mon-sun 02:00-04:00\"}", move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            // The clock begins at midnight.
            clock.minutes(30).await;
            let policy = Address::global(&member(0), Kind::Policy, "CloudTrailReadLogs");
            let gone = |_: &mut Organization, estate: &mut Estate| {
                assert!(estate.sightings.insert(policy, Sighting::Absent).is_some());
            };
            world.edit(gone).await.unwrap();
            stop_logging(world).await;
            clock.minutes(75).await;
            assert!(is_logging(world), "a log that was stopped waits for no hour");
            assert_eq!(board.read().rounds.last().unwrap().result, RoundResult::Waiting);
            assert!(!in_sync(world, &rules).await, "at a quarter to two");
            clock.minutes(30).await;
            assert!(in_sync(world, &rules).await, "at a quarter past two: {:?}", board.read().findings);
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn an_account_that_keeps_failing_is_left_alone_and_does_not_hold_up_the_others() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(6, &rules).await);
        let tried = std::sync::Arc::new(AtomicU64::new(0));
        let counted = tried.clone();
        let source = Given::new("{}", move || {
            let counted = counted.clone();
            let before = move |change: &Change| {
                if change.operator != member(2) {
                    return Ok(());
                }
                counted.fetch_add(1, Ordering::Relaxed);
                Err(fault(CloudFaultKind::Denied, change))
            };
            Box::new(Shared { before: Box::new(before), ..Shared::new(world) })
        });
        let gone = |_: &mut Organization, estate: &mut Estate| {
            for n in [2, 3] {
                let policy = Address::global(&member(n), Kind::Policy, "CloudTrailReadLogs");
                assert!(estate.sightings.insert(policy, Sighting::Absent).is_some());
            }
        };
        world.edit(gone).await.unwrap();
        let story = async |board: StatusBoard| {
            clock.minutes(60).await;
            let since: Vec<_> = board.read().findings.iter().map(|finding| finding.since).collect();
            assert_eq!(since.len(), 1);
            clock.minutes(23 * 60).await;
            let still: Vec<_> = board.read().findings.iter().map(|finding| finding.since).collect();
            assert_eq!(still, since, "it is open since then, whether the account is tried or left alone");
            let left = plan(world, &rules).await.changes;
            assert_eq!(left.len(), 1, "only the failing account is left: {left:?}");
            let tries = tried.load(Ordering::Relaxed);
            assert!((4..20).contains(&tries), "{tries} tries in 96 rounds");
            assert!(board.read().rounds.len() > 90);
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn what_is_kept_does_not_grow_although_everybody_is_replaced_again_and_again() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{max_change: 100%}");
        let world = leak(world(10, &rules).await);
        let denied = |change: &Change| match change.operator.as_str() {
            // Every third account that joins cannot be changed.
            operator if operator.as_bytes()[11].is_multiple_of(3) => Err(fault(CloudFaultKind::Denied, change)),
            _ => Ok(()),
        };
        let source = Given::new("{max_change: 100%}", move || {
            Box::new(Shared { before: Box::new(denied), ..Shared::new(world) })
        });
        let story = async |board: StatusBoard| {
            let mut kept = Vec::new();
            for day in 0..30_usize {
                // The eldest leaves, and a person removes what it had; somebody joins.
                let change = |organization: &mut Organization, estate: &mut Estate| {
                    let gone = if day < 10 { member(day) } else { member(990 + day) };
                    organization.accounts.remove(&gone);
                    estate
                        .sightings
                        .retain(|address, _| address.account != gone && !address.name.contains(gone.as_str()));
                    organization.accounts.insert(member(1000 + day), account(&format!("new-{day}")));
                };
                world.edit(change).await.unwrap();
                clock.minutes(120).await;
                let status = board.read();
                kept.push([status.remembered, status.accounts.len(), status.failing_lately, status.findings.len()]);
            }
            kept
        };
        let (kept, _) = beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        let most = |days: std::ops::Range<usize>| -> [usize; 4] {
            std::array::from_fn(|what| kept[days.clone()].iter().map(|kept| kept[what]).max().unwrap())
        };
        let (early, late) = (most(12..20), most(22..30));
        assert!(early.iter().all(|number| *number > 0), "some accounts fail and wait: {kept:?}");
        assert_eq!(late, early, "{kept:?}");
    });
}
