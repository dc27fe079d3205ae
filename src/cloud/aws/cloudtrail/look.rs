//! Looks at trails: the wanted ones fully, others as far as reports tell of them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types::Trail as Wire;
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;

use super::selectors::{read_advanced, read_basic};
use super::{arn, op};
use crate::cloud::aws::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, CloudFaultKind};
use crate::estate::trail::{DeliveryStatus, EventSelector};
use crate::estate::{Address, Sighting, Tags, Trail};
use crate::ids::{AccountId, Arn};

/// Looks at the wanted trails of one region. Those that the region does not know are absent.
pub(crate) async fn look(
    session: &Session,
    wanted: &[&Address],
    everywhere: bool,
) -> Result<Vec<(Address, Sighting)>, CloudFault> {
    let mut sightings = Vec::new();
    let mut described = describe(session, everywhere).await?;
    let own: BTreeMap<String, &Address> = wanted.iter().map(|address| (arn(session, address), *address)).collect();
    for (arn, address) in &own {
        let sighting = match described.remove(arn) {
            Some(trail) => Sighting::present(read_fully(session, arn, &trail).await?),
            None => Sighting::Absent,
        };
        sightings.push(((*address).clone(), sighting));
    }
    // A delegated administrator manages what the management account owns.
    let owners = wanted.iter().map(|address| &address.account).chain([&session.account]).collect();
    sightings.extend(others(session, described, &owners).await?);
    Ok(sightings)
}

/// Looks at the trails that an account owns, where none is wanted: with one call if it has none.
pub(crate) async fn look_at_others(session: &Session) -> Result<Vec<(Address, Sighting)>, CloudFault> {
    let mut described = describe(session, false).await?;
    // What other accounts own is seen there: in a member, an organization trail is only a shadow copy.
    described.retain(|arn, _| arn.parse::<Arn>().is_ok_and(|arn| arn.account() == session.account.as_str()));
    others(session, described, &BTreeSet::from([&session.account])).await
}

/// Reads the configuration of all trails that this region shows, by ARN; with those of other regions if asked for.
async fn describe(session: &Session, everywhere: bool) -> Result<BTreeMap<String, Wire>, CloudFault> {
    let request = session.cloudtrail().describe_trails().include_shadow_trails(true);
    let answer = session.read(op::DESCRIBE_TRAILS, request.send()).await?;
    let mut trails: BTreeMap<String, Wire> = BTreeMap::new();
    for trail in session.needed(op::DESCRIBE_TRAILS, answer.trail_list, "list of trails")? {
        let arn = session.needed(op::DESCRIBE_TRAILS, trail.trail_arn(), "ARN of a trail")?;
        trails.insert(arn.to_owned(), trail);
    }
    if everywhere {
        add_other_regions(session, &mut trails).await?;
    }
    Ok(trails)
}

/// A trail of one region is not described in others, but it is listed.
async fn add_other_regions(session: &Session, trails: &mut BTreeMap<String, Wire>) -> Result<(), CloudFault> {
    let client = session.cloudtrail();
    let mut token = None;
    let mut pages = session.pages(op::LIST_TRAILS);
    loop {
        let page = session.read(op::LIST_TRAILS, client.list_trails().set_next_token(token).send()).await?;
        session.needed(op::LIST_TRAILS, page.trails.as_ref(), "list of trails")?;
        for listed in page.trails() {
            let arn = session.needed(op::LIST_TRAILS, listed.trail_arn(), "ARN of a trail")?;
            let region = session.needed(op::LIST_TRAILS, listed.home_region(), "home region of a trail")?;
            if trails.contains_key(arn) {
                continue;
            }
            let Ok(region) = region.parse() else { continue };
            let there = session.in_region(&region);
            let answer =
                none_if_absent(there.read(op::GET_TRAIL, there.cloudtrail().get_trail().name(arn).send()).await)?;
            if let Some(trail) = answer.and_then(|answer| answer.trail) {
                trails.insert(arn.to_owned(), trail);
            }
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// `owners` are the accounts whose trails the session manages.
async fn others(
    session: &Session,
    trails: BTreeMap<String, Wire>,
    owners: &BTreeSet<&AccountId>,
) -> Result<Vec<(Address, Sighting)>, CloudFault> {
    let mut sightings = Vec::new();
    for (arn, trail) in trails {
        let Some(address) = Address::of_trail(&arn) else { continue };
        let is_own = owners.contains(&address.account);
        let sighting = match other_trail(&session.at(&address), &arn, &trail, is_own).await {
            Ok(trail) => Sighting::present(trail),
            Err(fault) if fault.kind == CloudFaultKind::Absent => continue,
            Err(fault) => Sighting::Unreadable(fault.problem(crate::estate::Stage::Observe, Some(&address))),
        };
        sightings.push((address, sighting));
    }
    Ok(sightings)
}

/// Reads what a trail that nobody asked for records: configuration, selectors and whether it is logging; of one in the
/// own account also whose it is.
async fn other_trail(session: &Session, arn: &str, trail: &Wire, is_own: bool) -> Result<Trail, CloudFault> {
    let status = get_status(session, arn).await?;
    let selectors = selectors(session, arn).await?;
    let mut read = configured(session, trail, selectors, is_logging(session, &status)?)?;
    read.tags = if is_own { tags(session, arn).await? } else { None };
    read.delivery = Some(delivery(&status));
    Ok(read)
}

async fn read_fully(session: &Session, arn: &str, trail: &Wire) -> Result<Trail, CloudFault> {
    let status = get_status(session, arn).await?;
    let selectors = selectors(session, arn).await?;
    let mut read = configured(session, trail, selectors, is_logging(session, &status)?)?;
    read.insights = insights(session, arn).await?;
    read.tags = tags(session, arn).await?;
    read.delivery = Some(delivery(&status));
    Ok(read)
}

fn is_logging(session: &Session, status: &GetTrailStatusOutput) -> Result<bool, CloudFault> {
    session.needed(op::GET_TRAIL_STATUS, status.is_logging(), "word on whether the trail is logging")
}

fn configured(
    session: &Session,
    trail: &Wire,
    selectors: BTreeSet<EventSelector>,
    logging: bool,
) -> Result<Trail, CloudFault> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let switch = |value: Option<bool>, what: &str| session.needed(op::DESCRIBE_TRAILS, value, what);
    Ok(Trail {
        bucket: session.needed(op::DESCRIBE_TRAILS, text(trail.s3_bucket_name()), "bucket of a trail")?,
        prefix: trail.s3_key_prefix().unwrap_or_default().to_owned(),
        topic: text(trail.sns_topic_arn()),
        global_events: switch(trail.include_global_service_events(), "IncludeGlobalServiceEvents")?,
        multi_region: switch(trail.is_multi_region_trail(), "IsMultiRegionTrail")?,
        organization: switch(trail.is_organization_trail(), "IsOrganizationTrail")?,
        validation: switch(trail.log_file_validation_enabled(), "LogFileValidationEnabled")?,
        key: text(trail.kms_key_id()),
        log_group: text(trail.cloud_watch_logs_log_group_arn()),
        log_role: text(trail.cloud_watch_logs_role_arn()),
        logging,
        selectors,
        insights: BTreeSet::new(),
        tags: None,
        delivery: None,
    })
}

async fn selectors(session: &Session, arn: &str) -> Result<BTreeSet<EventSelector>, CloudFault> {
    let request = session.cloudtrail().get_event_selectors().trail_name(arn);
    let answer = session.read(op::GET_EVENT_SELECTORS, request.send()).await?;
    Ok(match (answer.advanced_event_selectors(), answer.event_selectors()) {
        // A trail to which nobody gave selectors answers with the basic one that it has then.
        ([], []) => {
            return Err(session.unexpected_response(op::GET_EVENT_SELECTORS, "the answer has no event selectors"));
        }
        ([], basic) => read_basic(basic),
        (advanced, _) => read_advanced(advanced),
    })
}

async fn insights(session: &Session, arn: &str) -> Result<BTreeSet<String>, CloudFault> {
    let request = session.cloudtrail().get_insight_selectors().trail_name(arn);
    let answer = none_if_absent(session.read(op::GET_INSIGHT_SELECTORS, request.send()).await)?;
    let selectors = answer.and_then(|answer| answer.insight_selectors).unwrap_or_default();
    Ok(selectors.iter().filter_map(|selector| selector.insight_type()).map(|kind| kind.as_str().to_owned()).collect())
}

/// Reads the tags of a trail. Who does not own it may not be shown them.
pub(super) async fn tags(session: &Session, arn: &str) -> Result<Option<Tags>, CloudFault> {
    let request = session.cloudtrail().list_tags().resource_id_list(arn);
    let answer = match session.read(op::LIST_TAGS, request.send()).await {
        Ok(answer) => answer,
        Err(fault) if is_answer(&fault) && !arn.contains(session.account.as_str()) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let mut tags = Tags::new();
    let listed = answer.resource_tag_list().iter().find(|resource| resource.resource_id() == Some(arn));
    for tag in session.needed(op::LIST_TAGS, listed, "list of the trail's tags")?.tags_list() {
        tags.insert(tag.key().to_owned(), tag.value().unwrap_or_default().to_owned());
    }
    Ok(Some(tags))
}

/// Tells whether AWS has answered, so that asking again would not help.
fn is_answer(fault: &CloudFault) -> bool {
    !matches!(fault.kind, CloudFaultKind::Throttled | CloudFaultKind::Unreachable)
}

pub(super) async fn get_status(session: &Session, arn: &str) -> Result<GetTrailStatusOutput, CloudFault> {
    session.read(op::GET_TRAIL_STATUS, session.cloudtrail().get_trail_status().name(arn).send()).await
}

/// Asks how the delivery of a trail goes, in its home region.
pub(crate) async fn status(session: &Session, address: &Address) -> Result<DeliveryStatus, CloudFault> {
    let arn = arn(session, address);
    Ok(delivery(&get_status(&session.at(address), &arn).await?))
}

fn delivery(status: &GetTrailStatusOutput) -> DeliveryStatus {
    let error = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let asked = Timestamp::now();
    let time = |time: Option<&aws_smithy_types::DateTime>| time.and_then(|time| time.fmt(Format::DateTime).ok());
    DeliveryStatus {
        latest_time: time(status.latest_delivery_time()),
        latest_error: error(status.latest_delivery_error()),
        digest_error: error(status.latest_digest_delivery_error()),
        notification_error: error(status.latest_notification_error()),
        log_group_error: error(status.latest_cloud_watch_logs_delivery_error()),
        log_group_time: time(status.latest_cloud_watch_logs_delivery_time()),
        started_time: time(status.start_logging_time()),
        stopped_time: time(status.stop_logging_time()),
        digest_time: time(status.latest_digest_delivery_time()),
        attempt_time: error(status.latest_delivery_attempt_time()),
        asked_at: Some(Timestamp::from_second(asked.as_second()).unwrap_or(asked).to_string()),
        arrived: None,
    }
}
