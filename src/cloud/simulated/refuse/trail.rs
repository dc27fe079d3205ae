//! Refusals of CloudTrail when a trail is made or changed.

use super::Attempt;
use super::organization::{ENABLE_IT_FIRST, NO_TRUSTED_ACCESS};
use crate::cloud::CloudFault;
use crate::estate::trail::EventSelector;
use crate::estate::{Address, Resource, Trail};
use crate::ids::Arn;
use crate::plan::Action;
use crate::plan::urgent::starts_only;

use super::super::writes;

/// Trails in one region of one account; AWS does not raise it (CloudTrail user guide, "Quotas in AWS CloudTrail").
const TRAILS_MAX: usize = 5;

/// Values in all advanced event selectors of one trail (the same page).
const SELECTOR_VALUES_MAX: usize = 500;

impl Attempt<'_> {
    pub(super) fn trail(self, trail: &Trail) -> Option<CloudFault> {
        if starts_only(self.change) {
            // `StartLogging` looks at neither bucket nor key (CloudTrail API, errors of `StartLogging`).
            return self.wrong_place(trail);
        }
        self.wrong_place(trail)
            .or_else(|| self.wrong_account(trail))
            .or_else(|| self.wrong_parameters(trail))
            .or_else(|| self.too_many())
            .or_else(|| self.wrong_log_group(trail))
            .or_else(|| self.cannot_deliver(trail))
    }

    fn operation(self) -> &'static str {
        match self.change.action() {
            Action::Create => "cloudtrail:CreateTrail",
            Action::Update | Action::Adopt | Action::Retire => "cloudtrail:UpdateTrail",
        }
    }

    /// A multi-region trail is seen in every region: its name is taken everywhere, and it is changed in its own only.
    fn wrong_place(&self, wish: &Trail) -> Option<CloudFault> {
        let here = &self.change.address;
        let (home, other) = self.trails_of_owner().find(|(address, trail)| {
            (trail.multi_region || wish.multi_region) && address.name == here.name && address.region != here.region
        })?;
        let is_copy = other.multi_region && self.change.action() != Action::Create;
        let code = if is_copy { "InvalidHomeRegionException" } else { "TrailAlreadyExistsException" };
        let message = format!("there is a trail {} at {home}", here.name);
        Some(self.refused(self.operation(), code, message, "set `home_region` to the trail's, or choose another name"))
    }

    fn trails_of_owner(&self) -> impl Iterator<Item = (&Address, &Trail)> {
        self.world.estate.resources().filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) if address.account == self.change.address.account => Some((address, trail)),
            _ => None,
        })
    }

    fn wrong_account(self, trail: &Trail) -> Option<CloudFault> {
        if !trail.organization {
            return None;
        }
        let (owner, operator) = (&self.world.organization.management_account, &self.change.operator);
        if operator != owner && self.is_no_delegated_administrator(operator) {
            let message = format!("{operator} is neither the management account nor a delegated administrator");
            let help = "let the management account make the trail, or register the account first";
            return Some(self.refused(self.operation(), "NotOrganizationMasterAccountException", message, help));
        }
        self.lacks_trusted_access().then(|| {
            let code = "CloudTrailAccessNotEnabledException";
            self.refused(self.operation(), code, NO_TRUSTED_ACCESS, ENABLE_IT_FIRST)
        })
    }

    fn wrong_parameters(self, trail: &Trail) -> Option<CloudFault> {
        if trail.multi_region && !trail.global_events {
            let message = "a multi-region trail must include global service events";
            let code = "InvalidParameterCombinationException";
            return Some(self.refused(self.operation(), code, message, "set `global_events: true`"));
        }
        let values: usize =
            trail.selectors.iter().flat_map(|s| s.0.values()).flat_map(|by| by.values()).map(|v| v.len()).sum();
        if values > SELECTOR_VALUES_MAX {
            let message = format!("the event selectors have {values} values, {SELECTOR_VALUES_MAX} may be");
            let code = "InvalidEventSelectorsException";
            return Some(self.refused("cloudtrail:PutEventSelectors", code, message, "ask for fewer data events"));
        }
        let blind = trail.insights.iter().find(|insight| !trail.selectors.iter().any(|s| feeds(s, insight)))?;
        let message = format!("{blind} needs management events that the trail does not record");
        let code = "InvalidInsightSelectorsException";
        Some(self.refused("cloudtrail:PutInsightSelectors", code, message, "record them, or leave the insight out"))
    }

    fn too_many(self) -> Option<CloudFault> {
        let here = &self.change.address;
        if self.world.estate.resource(here).is_some() {
            return None;
        }
        let count = self.trails_of_owner().filter(|(at, other)| other.multi_region || at.region == here.region).count();
        let message = format!("{} has {count} trails in the region already", here.account);
        (count >= TRAILS_MAX).then(|| {
            let code = "MaximumNumberOfTrailsExceededException";
            self.refused(
                self.operation(),
                code,
                message,
                "remove a trail that is not needed; the quota cannot be raised",
            )
        })
    }

    /// The log group must belong to whoever calls.
    fn wrong_log_group(self, trail: &Trail) -> Option<CloudFault> {
        let arn: Arn = trail.log_group.as_ref()?.parse().ok()?;
        let operator = &self.change.operator;
        (arn.account() != operator.as_str()).then(|| {
            let message = format!("the log group is in {}, the caller is {operator}", arn.account());
            let code = "InvalidCloudWatchLogsLogGroupArnException";
            self.refused(self.operation(), code, message, "use a log group of the account that makes the trail")
        })
    }

    fn cannot_deliver(self, trail: &Trail) -> Option<CloudFault> {
        let first = writes::failures(self.world, &self.change.address, trail).into_iter().next()?;
        Some(self.refused(self.operation(), first.code, first.message, &first.help))
    }
}

/// Tells whether a selector records the events that an insight is computed from (CloudTrail user guide, "Logging
/// Insights events").
fn feeds(selector: &EventSelector, insight: &str) -> bool {
    let read_only = selector.values("readOnly", "equals").any(|value| value == "true");
    selector.is_management() && (insight != "ApiCallRateInsight" || !read_only)
}
