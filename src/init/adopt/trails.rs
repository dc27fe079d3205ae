//! The section `trails` of existing trails.

use std::collections::BTreeSet;

use crate::config::names::{check_log_group_name, check_role_name, check_topic_name};
use crate::config::schema::{
    AdvancedSelector, CloudwatchLogs, ExcludedSource, FieldSelector, InsightType, ManagementEvents, Notify, Owner,
    RETENTION_DAYS, Regions, SelectorField, TrailConfig,
};
use crate::estate::trail::EventSelector;
use crate::estate::{Address, Estate, Kind, Resource, Trail};
use crate::ids::{AccountId, Arn, Region};
use crate::init::{self, Answers};
use crate::organization::Organization;

/// What is known around the trails.
pub(super) struct TrailTarget<'a> {
    pub organization: &'a Organization,
    pub estate: &'a Estate,
    pub answers: &'a Answers,
}

/// Returns the log group and the role that a trail names.
pub(super) fn parts(trail: &Trail) -> Vec<Address> {
    let group = trail.log_group.as_deref().and_then(group_address);
    let role = trail.log_role.as_deref().and_then(role_address);
    group.into_iter().chain(role).collect()
}

fn group_address(arn: &str) -> Option<Address> {
    let arn: Arn = arn.parse().ok()?;
    let name = arn.resource().strip_prefix("log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    Some(Address::regional(&arn.account().parse().ok()?, &arn.region().parse().ok()?, Kind::LogGroup, name))
}

fn role_address(arn: &str) -> Option<Address> {
    let arn: Arn = arn.parse().ok()?;
    let name = arn.resource().strip_prefix("role/")?;
    Some(Address::global(&arn.account().parse().ok()?, Kind::Role, name))
}

/// Returns the items; trails of single regions with one name are one item with a list of regions.
pub(super) fn configs(
    place: &TrailTarget<'_>,
    trails: &[(&Address, &Trail)],
    said: &mut Vec<String>,
) -> Vec<TrailConfig> {
    let mut items: Vec<TrailConfig> = Vec::new();
    for (at, trail) in trails {
        let item = one(place, at, trail, said);
        match items.iter_mut().find(|known| known.name == item.name) {
            None => items.push(item),
            Some(known) => {
                if let Err(item) = join(known, item, &place.answers.home_region) {
                    said.push(format!("{at} differs from the other trails called {}; it is left out", item.name));
                }
            }
        }
    }
    items
}

/// Adds the region of a trail to an item that is otherwise the same.
fn join(known: &mut TrailConfig, item: TrailConfig, home: &Region) -> Result<(), Box<TrailConfig>> {
    let (Regions::Only(regions), Regions::Only(more)) = (&known.regions, &item.regions) else {
        return Err(Box::new(item));
    };
    let same = TrailConfig { regions: known.regions.clone(), global_events: known.global_events, ..item.clone() };
    if same != *known {
        return Err(Box::new(item));
    }
    // Of several regions the home region records global events, or the first one.
    let mut regions: Vec<Region> = regions.iter().chain(more).cloned().collect();
    if item.global_events && !regions.contains(home) {
        regions.rotate_right(more.len());
    }
    known.global_events |= item.global_events;
    known.regions = Regions::Only(regions);
    Ok(())
}

fn one(place: &TrailTarget<'_>, at: &Address, trail: &Trail, said: &mut Vec<String>) -> TrailConfig {
    let Trail {
        bucket: _,
        prefix: _,
        topic,
        global_events,
        multi_region,
        organization: _,
        validation,
        key: _,
        log_group: _,
        log_role: _,
        logging,
        selectors,
        insights,
        tags: _,
        delivery: _,
    } = trail;
    if !logging {
        said.push(format!("{at} is not logging; the plan starts it"));
    }
    let region = at.region.clone().unwrap_or_else(|| place.answers.home_region.clone());
    let (owner, cloudwatch_logs) = logs(place, at, trail, &region, said);
    TrailConfig {
        owner,
        regions: if *multi_region { Regions::All } else { Regions::Only(vec![region.clone()]) },
        global_events: *global_events,
        validation: *validation,
        management_events: management_events(at, selectors, said),
        data_events: data_events(at, selectors, said),
        insights: insights.iter().filter_map(|kind| insight(at, kind, said)).collect(),
        notify: topic.as_deref().and_then(|arn| notify(place, at, arn, &region, said)),
        cloudwatch_logs,
        ..init::trail(at.name.clone())
    }
}

fn management_events(at: &Address, selectors: &BTreeSet<EventSelector>, said: &mut Vec<String>) -> ManagementEvents {
    let mut events = ManagementEvents { read: false, write: false, exclude: Vec::new() };
    for selector in selectors.iter().filter(|selector| selector.is_management()) {
        let known = |field: &String| ["eventCategory", "readOnly", "eventSource"].contains(&field.as_str());
        if !selector.0.keys().all(known) {
            said.push(format!("{at} chooses management events by more than reading, writing and source"));
        }
        let which = |value: &str| {
            !selector.0.contains_key("readOnly") || selector.values("readOnly", "equals").any(|v| v == value)
        };
        events.read |= which("true");
        events.write |= which("false");
        for source in selector.values("eventSource", "not_equals") {
            let known =
                [ExcludedSource::Kms, ExcludedSource::RdsData].into_iter().find(|known| known.as_str() == source);
            match known {
                Some(known) if !events.exclude.contains(&known) => events.exclude.push(known),
                Some(_) => {}
                None => said.push(format!("{at} leaves out the management events of {source}")),
            }
        }
    }
    events
}

fn data_events(at: &Address, selectors: &BTreeSet<EventSelector>, said: &mut Vec<String>) -> Vec<AdvancedSelector> {
    let others = selectors.iter().filter(|selector| !selector.is_management());
    let read = |selector: &EventSelector| {
        if let Some((field, operator, value)) = selector.wildcards().next() {
            said.push(format!(
                "{at} has the event selector `{field} {operator} {value}`, and CloudTrail takes wildcards literally: it is \
                 left out here, write what was meant"
            ));
            return None;
        }
        let fields: Option<Vec<FieldSelector>> =
            selector.0.iter().map(|(field, by_operator)| field_selector(field, by_operator)).collect();
        if fields.is_none() {
            said.push(format!("{at} has an event selector with a field or an operator that orgtrail does not know"));
        }
        fields.map(|field_selectors| AdvancedSelector { name: None, field_selectors })
    };
    others.filter_map(read).collect()
}

type Operators = std::collections::BTreeMap<String, BTreeSet<String>>;

fn field_selector(field: &str, by_operator: &Operators) -> Option<FieldSelector> {
    let field: SelectorField = serde_json::from_value(field.into()).ok()?;
    let known = ["equals", "not_equals", "starts_with", "not_starts_with", "ends_with", "not_ends_with"];
    if !by_operator.keys().all(|operator| known.contains(&operator.as_str())) {
        return None;
    }
    let values = |operator: &str| by_operator.get(operator).into_iter().flatten().cloned().collect();
    Some(FieldSelector {
        field,
        equals: values("equals"),
        not_equals: values("not_equals"),
        starts_with: values("starts_with"),
        not_starts_with: values("not_starts_with"),
        ends_with: values("ends_with"),
        not_ends_with: values("not_ends_with"),
    })
}

fn insight(at: &Address, kind: &str, said: &mut Vec<String>) -> Option<InsightType> {
    let known = [InsightType::ApiCallRateInsight, InsightType::ApiErrorRateInsight];
    let found = known.into_iter().find(|known| known.as_str() == kind);
    if found.is_none() {
        said.push(format!("{at} looks for {kind}"));
    }
    found
}

/// A name that holds its region is the same name in every region.
fn without_region(name: &str, region: &Region) -> String {
    name.replace(region.as_str(), "{{region}}")
}

fn notify(place: &TrailTarget<'_>, at: &Address, arn: &str, region: &Region, said: &mut Vec<String>) -> Option<Notify> {
    let parsed: Option<Arn> = arn.parse().ok();
    let ours = |arn: &Arn| {
        arn.account() == place.answers.log_account.as_str()
            && arn.region() == region.as_str()
            && check_topic_name(arn.resource()).is_ok()
    };
    match parsed.filter(ours) {
        Some(arn) => Some(Notify { sns: without_region(arn.resource(), region) }),
        None => {
            said.push(format!("{at} notifies {arn}, which is not in the log account and the trail's region"));
            None
        }
    }
}

/// Log group and role are in the account that makes the trail; that tells who it is.
fn logs(
    place: &TrailTarget<'_>,
    at: &Address,
    trail: &Trail,
    region: &Region,
    said: &mut Vec<String>,
) -> (Owner, Option<CloudwatchLogs>) {
    let Some(arn) = trail.log_group.as_deref() else {
        return (Owner::Management, None);
    };
    let group = group_address(arn);
    let role = trail.log_role.as_deref().and_then(role_address);
    let usable = |group: &Address, role: &Address| {
        group.account == role.account
            && group.region.as_ref() == Some(region)
            && check_log_group_name(&group.name).is_ok()
            && check_role_name(&role.name).is_ok()
    };
    match (group, role) {
        (Some(group), Some(role)) if usable(&group, &role) => {
            let logs = CloudwatchLogs {
                retention_days: retention(place.estate, &group, said),
                group: without_region(&group.name, region),
                role: without_region(&role.name, region),
            };
            (owner(place.organization, &group.account), Some(logs))
        }
        _ => {
            said.push(format!("{at} delivers to {arn} in a way that orgtrail does not manage"));
            (Owner::Management, None)
        }
    }
}

fn owner(organization: &Organization, account: &AccountId) -> Owner {
    if *account == organization.management_account { Owner::Management } else { Owner::Account(account.clone()) }
}

fn retention(estate: &Estate, group: &Address, said: &mut Vec<String>) -> u32 {
    let longest = RETENTION_DAYS.iter().copied().max().unwrap_or_default();
    match estate.resource(group) {
        Some(Resource::LogGroup(found)) => match found.retention_days {
            Some(days) if RETENTION_DAYS.contains(&days) => days,
            _ => {
                said.push(format!("{group} keeps events for ever; here it is {longest} days"));
                longest
            }
        },
        _ => {
            said.push(format!("the retention of {group} was not read; here it is the longest"));
            longest
        }
    }
}
