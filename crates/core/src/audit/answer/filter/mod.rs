//! Questions about metric filters: does somebody hear of these events?
//!
//! What the benchmark asks for is a chain (CIS 4.1 to 4.15, "Audit"): a trail of all regions and management events that
//! delivers to a log group, a metric filter of that group, an alarm of its metric ([`alarm`]) that one event can raise
//! ([`trigger`]), a topic that the alarm publishes to, and a confirmed subscriber. A chain that is broken anywhere
//! tells nobody.

use super::super::pattern::{Reading, event_names, read, source};
use super::super::{AuditSubject, Check, CheckVerdict, Filter, Fix};
use super::recording::withholds;
use super::{Answer, MEND_LOG_DELIVERY, fail, no_trail, not_read, outside, unreadable};
use crate::estate::{Address, Estate, Trail};
use crate::ids::Partition;
use crate::monitoring::metric_filter::{Count, MetricFilter};
use crate::monitoring::{MetricPlace, Monitoring, place};

mod alarm;
mod trigger;

/// How many of several things are named.
const NAMED_MAX: usize = 3;

const LET_TRAIL_RECORD: &str = "let the trail record all management events of every region and source, with trails.regions and \
                                trails.management_events";
const LET_ALL_DELIVER: &str =
    "let the organization trail deliver to a log group, with trails.cloudwatch_logs, and count there";
const MAKE_FILTER: &str =
    "make a metric filter with the benchmark's pattern on that log group, and an alarm of its metric";
const MAKE_ALARM: &str = "make an alarm of that metric (Sum of 300 seconds, at least 1) that publishes to a topic with a confirmed subscriber";
const MEND_ALARM: &str = "change the alarm so that one event raises it and its actions are enabled";
const GIVE_TOPIC: &str = "give the alarm a topic of SNS as its action";
const CHANGE_KEY: &str = "encrypt the topic with a key of your own that lets cloudwatch.amazonaws.com use it";
const LET_IN: &str = "let cloudwatch.amazonaws.com publish to the topic";
const SUBSCRIBE: &str = "subscribe a person or a queue to the topic, and confirm the subscription";

/// An answer, and what helps where it is a fail.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    answer: Answer,
    helps: Option<&'static str>,
}

impl Finding {
    fn fail(fact: impl Into<String>, helps: &'static str) -> Self {
        Self { answer: fail(fact), helps: Some(helps) }
    }

    fn said_after(self, before: &str) -> Self {
        let (verdict, fact) = self.answer;
        Self { answer: (verdict, format!("{before}; {fact}")), ..self }
    }

    /// The best of several: one chain that holds is enough. Where all are broken, each is told.
    fn best(found: Vec<Finding>) -> Option<Finding> {
        let best = found.iter().min_by_key(|finding| finding.answer.0)?;
        if best.answer.0 != CheckVerdict::Fail {
            return Some(best.clone());
        }
        let told: Vec<&str> = found.iter().take(NAMED_MAX).map(|finding| finding.answer.1.as_str()).collect();
        let more = found.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        Some(Finding { answer: fail(told.join("; ") + &more), helps: best.helps })
    }
}

impl From<Answer> for Finding {
    fn from(answer: Answer) -> Self {
        Self { answer, helps: None }
    }
}

/// Answers for one subject: the best answer of the log groups that its trails deliver to.
pub(super) fn check(
    filter: Filter,
    partition: Partition,
    estate: &Estate,
    monitoring: &Monitoring,
    subject: &AuditSubject,
) -> Check {
    let delivering = subject.read(estate).filter(|(_, trail)| trail.logging);
    let question = Asked { filter, partition, monitoring, subject };
    let found = Finding::best(delivering.filter_map(|(address, trail)| of_trail(question, address, trail)).collect());
    let finding = match (found, subject.unread(estate).next()) {
        (Some(found), None) => found,
        (Some(found), Some(_)) if found.answer.0 != CheckVerdict::Fail => found,
        (_, Some(unread)) => not_read(estate, unread).into(),
        (None, None) if subject.trails.is_empty() => no_trail(subject).into(),
        (None, None) => fail("no trail delivers to a log group, so that no metric filter can see its events").into(),
    };
    let Finding { answer: (verdict, fact), helps } = finding;
    let fix = helps.map_or(Fix::None, Fix::Elsewhere);
    Check { account: subject.account.clone(), address: None, verdict, fact, fix }
}

/// What is asked, and what is known beside the trail.
#[derive(Clone, Copy)]
struct Asked<'a> {
    filter: Filter,
    partition: Partition,
    monitoring: &'a Monitoring,
    subject: &'a AuditSubject,
}

fn of_trail(asked: Asked<'_>, address: &Address, trail: &Trail) -> Option<Finding> {
    let Asked { filter, partition, monitoring, subject } = asked;
    let group = trail.log_group.as_deref()?;
    if !subject.is_recorded_by(trail) {
        let why = format!("{group} gets no events of the members: {address} only records its own account");
        return Some(Finding::fail(why, LET_ALL_DELIVER));
    }
    if let Some(why) = withholds(partition, address, trail, source(filter)) {
        return Some(Finding::fail(format!("{group} does not get all events: {why}"), LET_TRAIL_RECORD));
    }
    if let Some(error) = trail.delivery.as_ref().and_then(|delivery| delivery.log_group_error.as_deref()) {
        return Some(Finding::fail(format!("{address} could not deliver to {group}: {error}"), MEND_LOG_DELIVERY));
    }
    Some(of_group(filter, group, monitoring))
}

fn of_group(filter: Filter, group: &str, monitoring: &Monitoring) -> Finding {
    match (monitoring.filters.get(group), place(group)) {
        (Some(Ok(found)), Some(place)) => of_filters(filter, group, &place, found, monitoring),
        (Some(Err(problem)), _) => unreadable(format!(
            "the metric filters of {group} could not be read: {}: {}",
            problem.code, problem.message
        ))
        .into(),
        (None, _) | (_, None) => {
            outside(format!("the metric filters of {group} were not looked at: look there for {}", filter.words()))
                .into()
        }
    }
}

fn of_filters(
    filter: Filter,
    group: &str,
    place: &MetricPlace,
    found: &[MetricFilter],
    monitoring: &Monitoring,
) -> Finding {
    let candidates: Vec<Candidate> = found
        .iter()
        .map(|one| Candidate {
            filter: one,
            reading: read(filter, &one.pattern),
            group,
            place,
            asked: filter,
            monitoring,
        })
        .collect();
    let Some(nearest) = candidates.iter().min_by_key(|candidate| candidate.reading.missing.len()) else {
        return Finding::fail(format!("{group} has no metric filter"), MAKE_FILTER);
    };
    let whole = candidates.iter().filter(|candidate| candidate.reading.missing.is_empty());
    let alone = Finding::best(whole.map(|candidate| candidate.chain(&candidate.reading.unsure)).collect());
    if let Some(found) = alone.as_ref().filter(|found| found.answer.0 == CheckVerdict::Pass) {
        return found.clone();
    }
    let together = together(filter, group, &candidates, nearest);
    match alone {
        Some(alone) if alone.answer.0 <= together.answer.0 => alone,
        _ => together,
    }
}

/// A metric filter, and what its pattern lets through.
struct Candidate<'a> {
    filter: &'a MetricFilter,
    reading: Reading,
    group: &'a str,
    place: &'a MetricPlace,
    asked: Filter,
    monitoring: &'a Monitoring,
}

impl Candidate<'_> {
    fn lets_through(&self, event: &str) -> bool {
        !self.reading.missing.contains(&event)
    }

    /// Follows what it counts to a person; of the events in `unsure` it may leave some out.
    fn chain(&self, unsure: &[&str]) -> Finding {
        let Self { filter: one, group, place, asked, monitoring, .. } = self;
        let heard = |count: &Count| {
            let begun = format!("the metric filter {} of {group} counts them in {}", one.name, count.metric);
            alarm::heard(&alarm::Listening { filter: *asked, place, count, monitoring }).said_after(&begun)
        };
        let chains: Vec<Finding> = one.counts.iter().map(heard).collect();
        let finding = Finding::best(chains).unwrap_or_else(|| {
            Finding::fail(format!("the metric filter {} of {group} counts in no metric", one.name), MAKE_FILTER)
        });
        if finding.answer.0 != CheckVerdict::Pass || (unsure.is_empty() && one.criteria.is_none()) {
            return finding;
        }
        let asked = match &one.criteria {
            Some(criteria) => format!("but it only takes events of {criteria}"),
            None => format!("but its pattern asks for more, and may leave out {}", named(unsure)),
        };
        outside(format!("{}; {asked}", finding.answer.1)).into()
    }

    fn chain_of(&self, event: &'static str) -> Finding {
        let unsure: Vec<&str> = self.reading.unsure.iter().copied().filter(|unsure| *unsure == event).collect();
        self.chain(&unsure)
    }
}

/// Several filters, each for some of the events, do what one for all does: each event needs one whole chain.
fn together(filter: Filter, group: &str, candidates: &[Candidate<'_>], nearest: &Candidate<'_>) -> Finding {
    let names = event_names(filter);
    let uncovered: Vec<&str> =
        names.iter().copied().filter(|event| !candidates.iter().any(|one| one.lets_through(event))).collect();
    if !uncovered.is_empty() {
        let why = match uncovered.len() == nearest.reading.missing.len() {
            true => {
                let name = &nearest.filter.name;
                format!("no metric filter of {group} lets all of them through; the nearest, {name}, lacks ")
            }
            false => format!("all metric filters of {group} together do not let through "),
        };
        return Finding::fail(why + &named(&uncovered), MAKE_FILTER);
    }
    let mut used: Vec<&str> = Vec::new();
    let mut worst: Option<(&str, Finding)> = None;
    for event in names {
        let of_event = candidates.iter().filter(|one| one.lets_through(event));
        let chains: Vec<(&str, Finding)> =
            of_event.map(|one| (one.filter.name.as_str(), one.chain_of(event))).collect();
        let Some((name, _)) = chains.iter().min_by_key(|(_, chain)| chain.answer.0) else {
            continue;
        };
        if !used.contains(name) {
            used.push(name);
        }
        let Some(best) = Finding::best(chains.iter().map(|(_, chain)| chain.clone()).collect()) else {
            continue;
        };
        if worst.as_ref().is_none_or(|(_, worst)| best.answer.0 > worst.answer.0) {
            worst = Some((event, best));
        }
    }
    let filters = used.join(", ");
    match worst {
        Some((_, found)) if found.answer.0 == CheckVerdict::Pass => {
            let fact = format!("the metric filters {filters} of {group} count them together; {}", found.answer.1);
            Finding { answer: (CheckVerdict::Pass, fact), helps: None }
        }
        Some((event, found)) => found.said_after(&format!("of the metric filters {filters}, that of {event}")),
        None => Finding::fail(format!("{group} counts nothing"), MAKE_FILTER),
    }
}

fn named(some: &[&str]) -> String {
    let more = if some.len() > NAMED_MAX { format!(" and {} more", some.len() - NAMED_MAX) } else { String::new() };
    some.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ") + &more
}

#[cfg(test)]
mod tests;
