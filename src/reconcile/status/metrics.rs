//! The status as metrics. Pure: a text is made of a status whenever somebody asks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{AccountHealth, Status};
use crate::daemon::clock::between;
use crate::daemon::lease::Leadership;
use crate::daemon::metrics::Metrics;
use crate::plan::Harm;
use crate::reconcile::history::{RoundRecord, RoundResult};

/// Returns the metrics, or why they could not be written.
///
/// # Errors
/// Those of the formatter; it writes to memory and does not fail.
pub fn text(status: &Status, now: Timestamp) -> Result<String, std::fmt::Error> {
    let mut metrics = Metrics::new(&status.deployment);
    count(&mut metrics, status);
    level(&mut metrics, status, now);
    if let Some(round) = status.rounds.last() {
        last_round(&mut metrics, round);
    }
    metrics.text()
}

fn count(metrics: &mut Metrics, status: &Status) {
    let totals = &status.totals;
    let of = |result: &RoundResult| (result.as_str(), totals.rounds.get(result).copied().unwrap_or_default());
    metrics.counters("rounds", "Rounds by how they ended", "result", RoundResult::ALL.iter().map(of));
    let changes = [("made", totals.made), ("failed", totals.failed)];
    metrics.counters("changes", "Changes by what came of them", "outcome", changes);
    let messages = [("understood", totals.messages), ("rejected", totals.rejected)];
    metrics.counters("wake_messages", "Messages of the wake queue", "outcome", messages);
    let notices = [("told", totals.notified), ("failed", totals.not_notified)];
    metrics.counters("notices", "Notices to topic and webhook by what came of them", "outcome", notices);
    let throttled = totals.throttled.iter().map(|(service, number)| (*service, *number));
    let help = "Attempts of calls that AWS throttled in rounds";
    metrics.counters("throttled_calls", help, "service", throttled);
    metrics.counter("aws_calls", "Calls to AWS in rounds", totals.calls);
}

fn level(metrics: &mut Metrics, status: &Status, now: Timestamp) {
    let mut codes: BTreeMap<&str, i64> = BTreeMap::new();
    status.findings.iter().for_each(|finding| *codes.entry(finding.code.as_str()).or_default() += 1);
    metrics.gauges("findings", "What waits for a person, by its code", "code", codes);
    let mut harms: BTreeMap<&str, i64> = Harm::ALL.map(|harm| (harm.as_str(), 0)).into();
    harms.insert("unknown", 0);
    for finding in &status.findings {
        *harms.entry(finding.harm.map_or("unknown", Harm::as_str)).or_default() += 1;
    }
    metrics.gauges("findings_by_harm", "What waits for a person, by what it does now", "harm", harms);
    let oldest = status.findings.iter().map(|finding| between(finding.since, now).as_secs_f64()).fold(0.0, f64::max);
    metrics.seconds("oldest_finding_age_seconds", "The age of the oldest finding", oldest);
    let in_state = |state: AccountHealth| status.accounts.values().filter(|account| account.state == state).count();
    let states = AccountHealth::ALL.map(|state| (state.as_str(), in_state(state)));
    metrics.gauges("accounts", "Accounts of the organization by their state", "state", states);
    let acts = matches!(status.leadership, None | Some(Leadership::Leader));
    metrics.gauge("acting", "1 while this replica is the one that acts", acts);
    let valid = status.bad_config.is_none();
    metrics.gauge("configuration_valid", "1 while the configuration file is the one in force", valid);
    metrics.gauge("waiting_changes", "Changes that wait", status.waiting.len());
    metrics.gauge("remembered_resources", "Resources that are remembered", status.remembered);
    let in_flight = status.in_flight_max.iter().map(|(service, most)| (*service, *most));
    let help = "Calls that may be in flight to one account, where they are fewest";
    metrics.gauges("calls_in_flight_limit", help, "service", in_flight);
    metrics.gauge("failing_accounts", "Accounts that have failed lately", status.failing_lately);
    if let Some(calls) = status.full_pass_calls {
        metrics.gauge("full_pass_calls", "Calls of the last round that looked at everything", calls);
    }
    if let Some(lake) = &status.lake {
        metrics.gauge("lake_missing", "Log files that the last update of the lake could not put in", lake.last.missing);
        metrics.counter("lake_log_files", "Log files that were put into the lake", lake.added);
        metrics.moment("lake_update_timestamp_seconds", "When the last update of the lake ended", lake.ended);
        if let Some(fresh) = lake.fresh_as_of {
            let help = "When the last update of the lake began after which all that was listed was in";
            metrics.moment("lake_fresh_timestamp_seconds", help, fresh);
        }
    }
    if let Some(next) = status.next {
        metrics.moment("next_round_timestamp_seconds", "When the next round is due", next);
    }
}

fn last_round(metrics: &mut Metrics, round: &RoundRecord) {
    metrics.gauge("last_round_calls", "Calls to AWS of the last round", round.calls);
    metrics.gauge("last_round_drifted", "Resources that the last round found different", round.drifted);
    metrics.gauge("last_round_unreadable", "What the last round could not read", round.problems);
    let took = between(round.started, round.ended).as_secs_f64();
    metrics.seconds("last_round_duration_seconds", "How long the last round took", took);
    metrics.moment("last_round_timestamp_seconds", "When the last round ended", round.ended);
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
