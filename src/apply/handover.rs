//! Asked before an earlier trail is deleted: whether the trails that take over deliver. Each is asked once a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::cloud::{Cloud, CloudFault};
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Kind};
use crate::ids::AccountId;
use crate::plan::{Action, Change, Plan};

/// What is known of the trails that take over.
pub(super) struct Handover<'p> {
    /// Each with the account whose credentials ask, and why it is not sure that it delivers.
    trails: BTreeMap<&'p Address, (&'p AccountId, OnceCell<Option<String>>)>,
}

impl<'p> Handover<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let trails = plan.trails.iter().map(|site| (&site.address, (&site.operator, OnceCell::new())));
        Self { trails: trails.collect() }
    }

    /// Returns why a change must not be made yet: it deletes a trail, and one that takes over is not known to deliver.
    pub(super) async fn objection(&self, change: &Change, cloud: &dyn Cloud) -> Option<String> {
        if change.action() != Action::Retire || change.address.kind != Kind::Trail {
            return None;
        }
        for successor in &change.depends_on {
            let Some((operator, asked)) = self.trails.get(successor) else { continue };
            let doubt = asked.get_or_init(|| async { doubt(cloud.delivery(successor, operator).await) }).await;
            if let Some(why) = doubt {
                return Some(format!("{successor} is not known to deliver: {why}; this trail stays until it does"));
            }
        }
        None
    }
}

/// Says why it is not sure that log files arrive. What arrived before the last start proves nothing.
fn doubt(asked: Result<DeliveryStatus, CloudFault>) -> Option<String> {
    let delivery = match asked {
        Ok(delivery) => delivery,
        Err(fault) => return Some(format!("its status could not be read: {fault}")),
    };
    if let Some(error) = delivery.latest_error {
        return Some(format!("its last delivery failed: {error}"));
    }
    let time = |text: Option<String>| text.and_then(|text| text.parse::<Timestamp>().ok());
    match (time(delivery.latest_time), time(delivery.started_time)) {
        (None, _) => Some("no log file has arrived yet, which takes some minutes".into()),
        (Some(latest), Some(started)) if latest < started => {
            Some("no log file has arrived since it was started".into())
        }
        (Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(latest: Option<&str>, started: Option<&str>, error: Option<&str>) -> Result<DeliveryStatus, CloudFault> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (latest_time, started_time, latest_error) = (own(latest), own(started), own(error));
        Ok(DeliveryStatus { latest_time, started_time, latest_error, ..DeliveryStatus::default() })
    }

    #[test]
    fn only_a_file_since_the_last_start_is_a_delivery() {
        let (before, after) = (Some("2026-11-20T10:00:00Z"), Some("2026-11-20T10:00:00.5Z"));
        assert_eq!(doubt(asked(after, before, None)), None);
        assert_eq!(doubt(asked(before, before, None)), None);
        assert_eq!(doubt(asked(before, None, None)), None);
        assert!(doubt(asked(before, after, None)).unwrap().contains("since it was started"));
        assert!(doubt(asked(None, before, None)).unwrap().contains("no log file has arrived yet"));
        assert!(doubt(asked(after, before, Some("AccessDenied"))).unwrap().contains("AccessDenied"));
    }
}
