//! The status as Prometheus metrics. Pure: a text is made of a status whenever somebody asks.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::clock::between;
use super::history::{RoundRecord, RoundResult};
use super::lease::Leadership;
use super::status_board::{AccountHealth, Status};
use crate::plan::Harm;

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns the metrics, or why they could not be written.
///
/// # Errors
/// Those of the formatter; it writes to memory and does not fail.
pub fn text(status: &Status, now: Timestamp) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("orgtrail");
    let about = vec![("deployment", word(&status.deployment)), ("version", env!("CARGO_PKG_VERSION").to_owned())];
    registry.register("build", "The deployment and the version", Info::new(about));
    count(&mut registry, status);
    level(&mut registry, status, now);
    if let Some(round) = status.rounds.last() {
        last_round(&mut registry, round);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn count(registry: &mut Registry, status: &Status) {
    let totals = &status.totals;
    let mut family = |name: &str, help: &str, label: &'static str, values: Vec<(&str, u64)>| {
        let family = Family::<Labels, Counter>::default();
        for (value, number) in values {
            family.get_or_create(&vec![(label, word(value))]).inc_by(number);
        }
        registry.register(name, help, family);
    };
    let of = |result: &RoundResult| (result.as_str(), totals.rounds.get(result).copied().unwrap_or_default());
    family("rounds", "Rounds by how they ended", "result", RoundResult::ALL.iter().map(of).collect());
    let changes = vec![("made", totals.made), ("failed", totals.failed)];
    family("changes", "Changes by what came of them", "outcome", changes);
    let messages = vec![("understood", totals.messages), ("rejected", totals.rejected)];
    family("wake_messages", "Messages of the wake queue", "outcome", messages);
    let notices = vec![("told", totals.told), ("failed", totals.untold)];
    family("notices", "Notices to topic and webhook by what came of them", "outcome", notices);
    let throttled = totals.throttled.iter().map(|(service, number)| (*service, *number)).collect();
    family("throttled_calls", "Attempts of calls that AWS throttled in rounds", "service", throttled);
    let calls = Counter::<u64>::default();
    calls.inc_by(totals.calls);
    registry.register("aws_calls", "Calls to AWS in rounds", calls);
}

fn level(registry: &mut Registry, status: &Status, now: Timestamp) {
    let mut codes: BTreeMap<&str, i64> = BTreeMap::new();
    status.findings.iter().for_each(|finding| *codes.entry(finding.code.as_str()).or_default() += 1);
    labelled(registry, "findings", "What waits for a person, by its code", "code", codes);
    let mut harms: BTreeMap<&str, i64> = Harm::ALL.map(|harm| (harm.as_str(), 0)).into();
    harms.insert("unknown", 0);
    for finding in &status.findings {
        *harms.entry(finding.harm.map_or("unknown", Harm::as_str)).or_default() += 1;
    }
    labelled(registry, "findings_by_harm", "What waits for a person, by what it does now", "harm", harms);
    let oldest = status.findings.iter().map(|finding| between(finding.since, now).as_secs_f64()).fold(0.0, f64::max);
    seconds(registry, "oldest_finding_age_seconds", "The age of the oldest finding", oldest);
    let in_state = |state: AccountHealth| status.accounts.values().filter(|account| account.state == state).count();
    let states = AccountHealth::ALL.map(|state| (state.as_str(), whole(in_state(state)))).into_iter().collect();
    labelled(registry, "accounts", "Accounts of the organization by their state", "state", states);
    let acts = matches!(status.standing, None | Some(Leadership::Leader));
    gauge(registry, "acting", "1 while this replica is the one that acts", i64::from(acts));
    let valid = i64::from(status.bad_config.is_none());
    gauge(registry, "configuration_valid", "1 while the configuration file is the one in force", valid);
    gauge(registry, "waiting_changes", "Changes that wait", whole(status.waiting.len()));
    gauge(registry, "remembered_resources", "Resources that are remembered", whole(status.remembered));
    let in_flight = status.in_flight_max.iter().map(|(service, most)| (*service, whole(*most))).collect();
    let help = "Calls that may be in flight to one account, where they are fewest";
    labelled(registry, "calls_in_flight_limit", help, "service", in_flight);
    gauge(registry, "failing_accounts", "Accounts that have failed lately", whole(status.failing_lately));
    if let Some(calls) = status.full_pass_calls {
        gauge(registry, "full_pass_calls", "Calls of the last round that looked at everything", whole(calls));
    }
    if let Some(next) = status.next {
        seconds(registry, "next_round_timestamp_seconds", "When the next round is due", unix(next));
    }
}

fn last_round(registry: &mut Registry, round: &RoundRecord) {
    gauge(registry, "last_round_calls", "Calls to AWS of the last round", whole(round.calls));
    gauge(registry, "last_round_drifted", "Resources that the last round found different", whole(round.drifted));
    gauge(registry, "last_round_unreadable", "What the last round could not read", whole(round.problems));
    let took = between(round.started, round.ended).as_secs_f64();
    seconds(registry, "last_round_duration_seconds", "How long the last round took", took);
    seconds(registry, "last_round_timestamp_seconds", "When the last round ended", unix(round.ended));
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn seconds(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Seconds::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn labelled(registry: &mut Registry, name: &str, help: &str, label: &'static str, values: BTreeMap<&str, i64>) {
    let family = Family::<Labels, Gauge>::default();
    for (value, number) in values {
        family.get_or_create(&vec![(label, word(value))]).set(number);
    }
    registry.register(name, help, family);
}

/// Makes a text a label's value. The library writes values as they are, and codes may come from anywhere.
fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.:".contains(c) { c } else { '_' }).collect()
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn unix(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::findings::Finding;
    use crate::reconcile::history::tests::round;

    #[test]
    fn the_figures_of_a_status_are_there() {
        let now: Timestamp = "2026-01-05T00:01:00Z".parse().unwrap();
        let mut status = Status { deployment: "ac\"me".into(), full_pass_calls: Some(3000), ..Status::default() };
        status.totals.rounds.insert(RoundResult::InSync, 7);
        status.totals.throttled.insert("iam", 3);
        status.in_flight_max.insert("iam", 4);
        status.rounds = vec![RoundRecord { calls: 99, ..round(1) }];
        status.findings = vec![Finding {
            account: "111111111111".parse().unwrap(),
            address: None,
            code: "delivery-fails".into(),
            message: String::new(),
            harm: Some(Harm::LogsLost),
            about: String::new(),
            help: String::new(),
            since: now,
        }];
        let text = text(&status, now).unwrap();
        for line in [
            "orgtrail_build_info{deployment=\"ac_me\",version=",
            "orgtrail_rounds_total{result=\"in_sync\"} 7",
            "orgtrail_last_round_calls 99",
            "orgtrail_throttled_calls_total{service=\"iam\"} 3",
            "orgtrail_calls_in_flight_limit{service=\"iam\"} 4",
            "orgtrail_notices_total{outcome=\"failed\"} 0",
            "orgtrail_full_pass_calls 3000",
            "orgtrail_accounts{state=\"failing\"} 0",
            "orgtrail_acting 1",
            "orgtrail_last_round_timestamp_seconds 1767571200.0",
            "orgtrail_findings_by_harm{harm=\"logs-lost\"} 1",
            "orgtrail_findings_by_harm{harm=\"nothing-recorded\"} 0",
            "orgtrail_findings_by_harm{harm=\"unknown\"} 0",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
