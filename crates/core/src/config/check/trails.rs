//! Rules for `trails`, except their data events.

use std::collections::HashMap;

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::{check_log_group_name, check_role_name, check_topic_name, render_name};
use crate::config::schema::{Config, InsightType, Owner, Regions, TrailConfig, TrailScope};
use crate::ids::TrailName;

use super::names::{check_name, context};

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    for (n, trail) in config.trails.iter().enumerate() {
        let at = format!("/trails/{n}");
        remarks.extend(names(&at, trail, config));
        remarks
            .extend([owner(&at, trail), global_events(&at, trail), records_nothing(&at, trail)].into_iter().flatten());
        remarks.extend(exclude_without_events(&at, trail));
        remarks.extend(insights(&at, trail));
    }
    remarks.extend(same_names(config));
    remarks.extend(shared_roles(config));
    remarks
}

fn names(at: &str, trail: &TrailConfig, config: &Config) -> Vec<Diagnostic> {
    let name = check_name(&format!("{at}/name"), &trail.name, config, |name| name.parse::<TrailName>().map(drop));
    let mut remarks: Vec<Diagnostic> = name.into_iter().collect();
    if let Some(notify) = &trail.notify {
        remarks.extend(check_name(&format!("{at}/notify/sns"), &notify.sns, config, check_topic_name));
    }
    if let Some(logs) = &trail.cloudwatch_logs {
        let at = format!("{at}/cloudwatch_logs");
        remarks.extend(check_name(&format!("{at}/group"), &logs.group, config, check_log_group_name));
        remarks.extend(check_name(&format!("{at}/role"), &logs.role, config, check_role_name));
    }
    remarks
}

fn owner(at: &str, trail: &TrailConfig) -> Option<Diagnostic> {
    if trail.scope == TrailScope::Organization || trail.owner == Owner::Management {
        return None;
    }
    let message = "with `scope: accounts` every account owns its trail, so the trail has no other owner";
    let remark = Diagnostic::new(Code::Conflict, format!("{at}/owner"), message);
    Some(remark.because(format!("{at}/scope"), "one trail in each account").help("leave `owner` out"))
}

/// CloudTrail refuses the pair with InvalidParameterCombinationException.
fn global_events(at: &str, trail: &TrailConfig) -> Option<Diagnostic> {
    if trail.global_events || trail.regions != Regions::All {
        return None;
    }
    let message = "a trail of all regions always records global events; CloudTrail refuses to leave them out";
    let remark = Diagnostic::new(Code::Conflict, format!("{at}/global_events"), message);
    Some(remark.because(format!("{at}/regions"), "all regions").help("write `global_events: true`, or list regions"))
}

fn records_nothing(at: &str, trail: &TrailConfig) -> Option<Diagnostic> {
    let events = &trail.management_events;
    if events.read || events.write || !trail.data_events.is_empty() {
        return None;
    }
    let message = "the trail records nothing: neither management events nor data events";
    let remark = Diagnostic::new(Code::Conflict, format!("{at}/management_events"), message).on_name();
    Some(remark.help("switch `read` or `write` on, or add `data_events`"))
}

fn exclude_without_events(at: &str, trail: &TrailConfig) -> Option<Diagnostic> {
    let events = &trail.management_events;
    if events.read || events.write || events.exclude.is_empty() {
        return None;
    }
    let message = "`exclude` leaves services out of management events, but none are recorded";
    let remark = Diagnostic::new(Code::Conflict, format!("{at}/management_events/exclude"), message);
    Some(remark.help("leave `exclude` out, or switch `read` or `write` on"))
}

/// CloudTrail looks for unusual activity in events that it records (CloudTrail user guide, "Logging Insights events").
fn insights(at: &str, trail: &TrailConfig) -> impl Iterator<Item = Diagnostic> {
    let events = &trail.management_events;
    trail.insights.iter().enumerate().filter_map(move |(n, insight)| {
        let (missing, switch) = match insight {
            InsightType::ApiCallRateInsight if !events.write => ("management events that write", "`write`"),
            InsightType::ApiErrorRateInsight if !events.write && !events.read => {
                ("management events", "`read` or `write`")
            }
            InsightType::ApiCallRateInsight | InsightType::ApiErrorRateInsight => return None,
        };
        let message = format!("{} needs {missing}, which the trail does not record", insight.as_str());
        let remark = Diagnostic::new(Code::Conflict, format!("{at}/insights/{n}"), message);
        let remark = remark.because(format!("{at}/management_events/write"), "not recorded");
        Some(remark.help(format!("switch {switch} on in `management_events`, or leave the insight out")))
    })
}

/// Returns a name as far as it is known: filled in, or the template.
fn known_name(template: &str, config: &Config) -> String {
    render_name(template, &context(config)).unwrap_or_else(|_| template.to_owned())
}

fn same_names(config: &Config) -> Vec<Diagnostic> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut remarks = Vec::new();
    for (n, trail) in config.trails.iter().enumerate() {
        let name = known_name(&trail.name, config);
        match seen.get(&name) {
            Some(first) => {
                let message = format!("two trails are called `{name}`");
                let remark = Diagnostic::new(Code::Conflict, format!("/trails/{n}/name"), message);
                let remark = remark.because(format!("/trails/{first}/name"), "first here");
                remarks.push(remark.help("give every trail a name of its own"));
            }
            None => {
                seen.insert(name, n);
            }
        }
    }
    remarks
}

/// A role's policy names one log group, so two groups of one account need two roles.
fn shared_roles(config: &Config) -> Vec<Diagnostic> {
    let mut seen: HashMap<(String, String), (usize, String)> = HashMap::new();
    let mut remarks = Vec::new();
    for (n, trail) in config.trails.iter().enumerate() {
        let Some(logs) = &trail.cloudwatch_logs else { continue };
        let place = match trail.scope {
            TrailScope::Organization => trail.owner.to_string(),
            TrailScope::Accounts => "accounts".into(),
        };
        let group = known_name(&logs.group, config);
        let (first, first_group) =
            seen.entry((place, known_name(&logs.role, config))).or_insert_with(|| (n, group.clone()));
        if *first_group != group {
            let message = "two trails write to two log groups with one role";
            let remark = Diagnostic::new(Code::Conflict, format!("/trails/{n}/cloudwatch_logs/role"), message);
            let remark = remark.because(format!("/trails/{first}/cloudwatch_logs/role"), "the same role");
            remarks.push(remark.help("give each of them a `role` of its own, or the same `group`"));
        }
    }
    remarks
}
