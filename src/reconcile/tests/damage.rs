//! Several fields of several resources damaged at once, of every kind: the daemon repairs it, or has a finding.

use super::*;

/// The generator of the property tests, which says `orgtrail` for this crate.
#[path = "../../../tests/support/worlds/damage/mod.rs"]
mod fields;

use fields::{Seen, damages};

/// Most of what a configuration can ask for, and every risk of a repair allowed.
const RICH: &str = r#"
version: 1
deployment: acme
accounts: {log: "222222222222"}
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
  lifecycle: {archive_after_days: 100, expire_after_days: 2555}
trails:
  - name: acme-org-trail
    insights: [ApiCallRateInsight]
    notify: {sns: acme-org-trail}
    cloudwatch_logs: {group: /orgtrail/acme, retention_days: 365}
guard: {service_control_policy: true}
reconcile:
  allow: [safe, weakens, interrupts, destroys, costs]
  max_change: 100%
  full_pass_every: 1h
  wake_queue: acme-wake
"#;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Damages up to four resources, each in one field; returns what a plan need not see, or has to.
fn damage(estate: &mut Estate, dice: &mut Dice) -> Vec<(Address, String, Seen)> {
    let all: Vec<Address> = estate.resources().map(|(address, _)| address.clone()).collect();
    let mut done = Vec::new();
    for _ in 0..=dice.below(4) {
        let address = &all[dice.below(all.len())];
        let Some(seen) = estate.resource(address) else { continue };
        let mut damages = damages(seen);
        let damage = damages.swap_remove(dice.below(damages.len()));
        damage.be_done(estate, address);
        done.push((address.clone(), damage.field, damage.seen));
    }
    done
}

#[test]
fn whatever_is_damaged_is_repaired_or_a_finding_and_never_called_in_sync() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config::parse(RICH, "orgtrail.yaml").unwrap();
        let whole = world(2, &rules).await.snapshot();
        for seed in 0..60 {
            let world = leak(SimulatedCloud::in_memory(whole.clone()));
            let source = Given::new("{}", move || Box::new(Shared::new(world)));
            source.write(RICH);
            let story = async |board: StatusBoard| {
                clock.minutes(1).await;
                let mut done = Vec::new();
                let hand = |_: &mut Organization, estate: &mut Estate| done = damage(estate, &mut Dice(seed));
                world.edit(hand).await.unwrap();
                clock.minutes(75).await;
                let plan = plan(world, &rules).await;
                let status = board.read();
                let last = status.rounds.last().unwrap();
                let is_fine = plan.in_sync() && !plan.is_partial();
                let is_told = !status.findings.is_empty();
                assert_ne!(is_fine, is_told, "seed {seed}: {done:?}\n{:?}\n{:?}", plan.changes, status.findings);
                let says_so = matches!(last.result, RoundResult::InSync | RoundResult::Repaired);
                assert_eq!(says_so, is_fine, "seed {seed}: {done:?}: {last:?}");
            };
            beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
        }
    });
}
