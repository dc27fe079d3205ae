//! Questions about metric filters: does somebody hear of these events?
//!
//! A metric filter needs the events in a log group, and is of use with an alarm only. Alarms are not read (Amazon
//! CloudWatch is another service), so the best answer is that the filter is there.

use super::super::pattern::missing;
use super::super::{Filter, Subject};
use super::{Answer, fail, no_trail, not_read, outside, unreadable};
use crate::estate::Estate;
use crate::estate::metric_filter::{MetricFilter, MetricFilters};

/// How many events that a filter lacks are named.
const NAMED_MAX: usize = 3;

/// Answers for one subject: the best answer of the log groups that its trails deliver to.
pub(super) fn answer(filter: Filter, estate: &Estate, filters: &MetricFilters, subject: &Subject) -> Answer {
    let delivering = subject.read(estate).filter(|(_, trail)| trail.logging);
    let groups = delivering.filter_map(|(_, trail)| trail.log_group.as_deref());
    // The best answer is the least of the verdicts.
    match groups.map(|group| of_group(filter, group, filters)).min() {
        Some(answer) => answer,
        None => match subject.unread(estate).next() {
            Some(address) => not_read(estate, address),
            None if subject.trails.is_empty() => no_trail(subject),
            None => fail("no trail delivers to a log group, so that no metric filter can see its events"),
        },
    }
}

fn of_group(filter: Filter, group: &str, filters: &MetricFilters) -> Answer {
    match filters.get(group) {
        None => outside(format!("the metric filters of {group} were not looked at: look there for {}", filter.words())),
        Some(Err(problem)) => unreadable(format!(
            "the metric filters of {group} could not be read: {}: {}",
            problem.code, problem.message
        )),
        Some(Ok(found)) => of_filters(filter, group, found),
    }
}

fn of_filters(filter: Filter, group: &str, found: &[MetricFilter]) -> Answer {
    let lacks = |candidate: &MetricFilter| missing(filter, &candidate.pattern);
    let Some(nearest) = found.iter().min_by_key(|candidate| lacks(candidate).len()) else {
        return fail(format!("{group} has no metric filter"));
    };
    let missing = lacks(nearest);
    if missing.is_empty() {
        let metrics = nearest.metrics.join(", ");
        return outside(format!(
            "the metric filter {} of {group} names them; whether an alarm of {metrics} tells somebody is not read",
            nearest.name
        ));
    }
    let named: Vec<&str> = missing.iter().take(NAMED_MAX).copied().collect();
    let more =
        if missing.len() > NAMED_MAX { format!(" and {} more", missing.len() - NAMED_MAX) } else { String::new() };
    fail(format!(
        "no metric filter of {group} names all of them; the nearest, {}, lacks {}{more}",
        nearest.name,
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Doubt, Verdict};
    use crate::estate::{Problem, Stage};

    const GROUP: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*";

    fn filter(name: &str, pattern: &str) -> MetricFilter {
        MetricFilter { name: name.into(), pattern: pattern.into(), metrics: vec!["cis/keys".into()] }
    }

    fn answered(known: Result<Vec<MetricFilter>, Problem>) -> Answer {
        of_group(Filter::KeyDeletion, GROUP, &MetricFilters::from([(GROUP.to_owned(), known)]))
    }

    #[test]
    fn a_filter_is_missing_lacks_something_or_is_there_and_then_the_alarm_is_not_known() {
        let (verdict, evidence) = answered(Ok(vec![]));
        assert_eq!((verdict, evidence.contains("has no metric filter")), (Verdict::Fail, true), "{evidence}");
        let half = filter("half", "{ $.eventName = DisableKey }");
        let (verdict, evidence) = answered(Ok(vec![filter("other", "{ $.a = b }"), half.clone()]));
        assert_eq!(verdict, Verdict::Fail);
        assert!(evidence.ends_with("the nearest, half, lacks ScheduleKeyDeletion"), "{evidence}");
        let whole = filter("keys", "{ $.eventName = DisableKey || $.eventName = ScheduleKeyDeletion }");
        let (verdict, evidence) = answered(Ok(vec![half, whole]));
        assert_eq!(verdict, Verdict::Unknown(Doubt::Outside));
        assert!(evidence.contains("keys") && evidence.contains("cis/keys"), "{evidence}");
    }

    #[test]
    fn what_was_not_read_is_no_answer() {
        let account = "111111111111".parse().unwrap();
        let denied = Problem {
            account,
            address: None,
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "no".into(),
            help: String::new(),
        };
        assert_eq!(answered(Err(denied)).0, Verdict::Unknown(Doubt::Unreadable));
        assert_eq!(of_group(Filter::RootUse, GROUP, &MetricFilters::new()).0, Verdict::Unknown(Doubt::Outside));
    }
}
