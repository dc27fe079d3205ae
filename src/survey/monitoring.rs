//! Who hears of what the trails record: asked for audits only, beside the survey and after it.

use std::collections::BTreeSet;

use crate::cloud::{CloudFault, CloudReader};
use crate::estate::{Estate, Problem, Resource, Stage};
use crate::ids::Arn;
use crate::monitoring::Monitoring;

/// Reads the metric filters of every log group that a trail delivers to; where there are any, the alarms of that
/// account and region; and the subscribers of the topics of those alarms that look at the filters' metrics.
pub async fn monitoring(look: &dyn CloudReader, estate: &Estate) -> Monitoring {
    let mut known = Monitoring::default();
    for group in groups(estate) {
        let Ok(arn) = group.parse::<Arn>() else { continue };
        if let Some(filters) = told(look.metric_filters(&arn).await) {
            known.filters.insert(group, filters);
        }
    }
    for place in known.counted() {
        if let Some(alarms) = told(look.alarms(&place.0, &place.1).await) {
            known.alarms.insert(place, alarms);
        }
    }
    for topic in known.listened() {
        let Ok(arn) = topic.parse::<Arn>() else { continue };
        if let Some(subscribers) = told(look.subscribers(&arn).await) {
            known.topics.insert(topic, subscribers);
        }
    }
    known
}

fn groups(estate: &Estate) -> BTreeSet<String> {
    let group = |(_, resource): (_, &Resource)| match resource {
        Resource::Trail(trail) if trail.logging => trail.log_group.clone(),
        _ => None,
    };
    estate.resources().filter_map(group).collect()
}

/// What is not recorded is not known at all.
fn told<T>(answer: Result<Option<T>, CloudFault>) -> Option<Result<T, Problem>> {
    answer.map_err(|fault| fault.problem(Stage::Observe, None)).transpose()
}
