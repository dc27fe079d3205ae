//! The rule of the trails: each trail with its topic, its log group and the role that writes there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::access::{administrator, trusted_access};
use super::topology::{Topology, TrailSite};
use super::{DesignInput, tags};
use crate::config::schema::{AdvancedSelector, ManagementEvents, TrailConfig, TrailScope};
use crate::estate::trail::{EventSelector, ReadWrite};
use crate::estate::{Address, Desired, Kind, LogGroup, Role, Topic, Trail, Wanted};
use crate::ids::Arn;
use crate::policy::template::BadTemplate;

/// The name of the inline policy of the role that writes to CloudWatch Logs.
const LOG_ROLE_POLICY: &str = "WriteTrailStreams";

/// Adds topics, log groups, roles and trails.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    add_topics(brief, layout, desired)?;
    add_log_groups(brief, layout, desired)?;
    for site in &layout.trails {
        let resource = trail(brief, layout, site).into();
        let depends_on = needs(brief, layout, site);
        let wanted = Wanted { resource, operator: site.operator.clone(), reason: "trails", depends_on };
        desired.wanted.insert(site.address.clone(), wanted);
    }
    Ok(())
}

fn add_topics(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let mut users: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for site in &layout.trails {
        if let Some(topic) = &site.topic {
            users.entry(topic.clone()).or_default().push(site.arn(layout.partition, brief.config));
        }
    }
    for (address, mut trail_arns) in users {
        trail_arns.extend(layout.earlier_arns(&address));
        let values =
            json!({"topic": {"arn": regional_arn(layout, &address, "sns", &address.name)}, "trail_arns": trail_arns});
        let policy = brief.templates.render("topic.json.hbs", &values)?;
        let topic = Topic { policy, key: None, tags: tags(brief.config, &BTreeMap::new()) };
        desired.want(address, topic, "trails.notify", Vec::new());
    }
    Ok(())
}

fn add_log_groups(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let mut streams: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
    for site in &layout.trails {
        let (Some(logs), Some((group, role))) = (&site.config.cloudwatch_logs, &site.logs) else {
            continue;
        };
        let arns = streams.entry(role.clone()).or_default();
        arns.extend(stream_arns(brief, layout, site, group));
        let resource =
            LogGroup { retention_days: Some(logs.retention_days), tags: tags(brief.config, &BTreeMap::new()) };
        desired.want(group.clone(), resource, "trails.cloudwatch_logs", Vec::new());
    }
    for (address, mut stream_arns) in streams {
        stream_arns.extend(layout.earlier.iter().flat_map(|trail| trail.streams_of(&address)));
        let trust = brief.templates.render("log-group-role-trust.json.hbs", &json!({}))?;
        let policy = brief.templates.render("log-group-role.json.hbs", &json!({"stream_arns": stream_arns}))?;
        let role = Role {
            trust,
            inline: BTreeMap::from([(LOG_ROLE_POLICY.to_owned(), policy)]),
            attached: BTreeSet::new(),
            boundary: None,
            max_session_s: None,
            description: Some("Lets CloudTrail write to its log group".into()),
            unique_id: None,
            tags: tags(brief.config, &BTreeMap::new()),
        };
        desired.want(address, role, "trails.cloudwatch_logs", Vec::new());
    }
    Ok(())
}

/// An organization trail also writes streams that begin with the organization's id (CloudTrail user guide, "Sending
/// events to CloudWatch Logs").
fn stream_arns(brief: &DesignInput<'_>, layout: &Topology<'_>, site: &TrailSite<'_>, group: &Address) -> Vec<String> {
    let arn = regional_arn(layout, group, "logs", &format!("log-group:{}:log-stream:", group.name));
    let region = site.region(brief.config);
    let mut arns = vec![format!("{arn}{}_CloudTrail_{region}*", site.operator)];
    if site.config.scope == TrailScope::Organization {
        arns.push(format!("{arn}{}_*", brief.organization.id));
    }
    arns
}

fn regional_arn(layout: &Topology<'_>, address: &Address, service: &str, resource: &str) -> String {
    let region = address.region.as_ref().map_or("", |region| region.as_str());
    Arn::new(layout.partition, service, region, address.account.as_str(), resource).to_string()
}

fn trail(brief: &DesignInput<'_>, layout: &Topology<'_>, site: &TrailSite<'_>) -> Trail {
    let config = brief.config;
    let wish = site.config;
    let logs = site.logs.as_ref();
    Trail {
        bucket: layout.bucket.name.clone(),
        prefix: config.bucket.prefix.clone(),
        topic: site.topic.as_ref().map(|address| regional_arn(layout, address, "sns", &address.name)),
        global_events: site.global_events,
        multi_region: site.multi_region,
        organization: wish.scope == TrailScope::Organization,
        validation: wish.validation,
        key: layout.key(config),
        log_group: logs.map(|(group, _)| regional_arn(layout, group, "logs", &format!("log-group:{}:*", group.name))),
        log_role: logs.map(|(_, role)| {
            Arn::new(layout.partition, "iam", "", role.account.as_str(), &format!("role/{}", role.name)).to_string()
        }),
        logging: true,
        selectors: selectors(wish),
        insights: wish.insights.iter().map(|insight| insight.as_str().to_owned()).collect(),
        tags: Some(tags(config, &wish.tags)),
        delivery: None,
    }
}

fn selectors(wish: &TrailConfig) -> BTreeSet<EventSelector> {
    let mut selectors: BTreeSet<EventSelector> = wish.data_events.iter().map(advanced).collect();
    let ManagementEvents { read, write, exclude } = &wish.management_events;
    let which = match (read, write) {
        (true, true) => Some(ReadWrite::All),
        (true, false) => Some(ReadWrite::ReadOnly),
        (false, true) => Some(ReadWrite::WriteOnly),
        (false, false) => None,
    };
    let sources: Vec<String> = exclude.iter().map(|source| source.as_str().to_owned()).collect();
    selectors.extend(which.map(|which| EventSelector::management(which, &sources)));
    selectors
}

fn advanced(wish: &AdvancedSelector) -> EventSelector {
    let mut selector = EventSelector(BTreeMap::new());
    for wished in &wish.field_selectors {
        for (operator, values) in wished.by_operator() {
            if !values.is_empty() {
                selector = selector.with(wished.field.as_str(), operator, values.iter().map(String::as_str));
            }
        }
    }
    selector
}

/// Whatever CloudTrail checks when it accepts a trail must be there before.
fn needs(brief: &DesignInput<'_>, layout: &Topology<'_>, site: &TrailSite<'_>) -> Vec<Address> {
    let mut needs = vec![layout.bucket.clone(), layout.bucket.with_kind(Kind::BucketPolicy)];
    if layout.makes_key(brief.config) {
        needs.extend([layout.key_alias.clone(), layout.key_alias.with_kind(Kind::KeyPolicy)]);
    }
    if site.config.scope == TrailScope::Organization {
        needs.push(trusted_access(layout));
    }
    if site.operator != site.address.account {
        needs.push(administrator(layout, &site.operator));
    }
    needs.extend(site.topic.clone());
    if let Some((group, role)) = &site.logs {
        needs.extend([group.clone(), role.clone()]);
    }
    needs
}
