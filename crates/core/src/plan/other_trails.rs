//! Trails beside the wanted ones, of others or of this deployment's past: what they record that is recorded already,
//! since when, what that costs, and how whoever owns them ends it.

use std::collections::BTreeSet;

use super::OtherTrail;
use crate::estate::selection::{self, Comparison};
use crate::estate::{Address, Desired, Estate, Resource, Trail};

/// The price of a further copy of management events (AWS CloudTrail pricing page, "Paid tier").
const SECOND_COPY: &str = "2.00 USD per 100,000 events";

/// The price of data events, which have no free copy (AWS CloudTrail pricing page, "Paid tier").
const DATA_EVENTS: &str = "data events are billed for each trail: 0.10 USD per 100,000 events";

/// How the names of trails begin that AWS Control Tower and Landing Zone Accelerator make. Their own settings end them;
/// a command beside them would be drift there, or refused.
const LANDING_ZONES: [&str; 2] = ["aws-controltower-", "AWSAccelerator-"];

/// When that ends.
const UNTIL: &str = "until it is retired";

/// Finds every trail that is not wanted by this deployment.
pub(super) fn find(desired: &Desired, observed: &Estate) -> Vec<OtherTrail> {
    observed
        .resources()
        .filter(|(address, _)| !desired.wanted.contains_key(address))
        .filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some(other_trail(desired, observed, address, trail)),
            _ => None,
        })
        .collect()
}

fn other_trail(desired: &Desired, observed: &Estate, address: &Address, trail: &Trail) -> OtherTrail {
    let ours = trail.tags.as_ref().and_then(|tags| tags.get(crate::estate::OWNER_TAG)) == Some(&desired.deployment);
    let whose = match (ours, trail.organization) {
        (true, true) => "an earlier organization trail of this deployment",
        (true, false) => "an earlier trail of this deployment in one account",
        (false, true) => "an organization trail",
        (false, false) => "a trail of one account",
    };
    let state = if trail.logging { "logging" } else { "not logging" };
    let regions = if trail.multi_region { "all regions" } else { "one region" };
    let what = if trail.records_management_events() { "management events" } else { "no management events" };
    let finding = format!("{whose}, {state}, records {what} of {regions} into {}", trail.bucket);
    let beside: Vec<(&Address, &Trail)> = if trail.logging { overlaps(desired, address, trail) } else { Vec::new() };
    let compared = selection::compare(beside.iter().flat_map(|(_, wish)| &wish.selectors), trail.selectors.iter());
    // A trail that shares a place but no event doubles nothing.
    let doubles = !beside.is_empty() && !compared.common.is_empty();
    let alone = alone(trail, &beside, &compared);
    let overlap = match (doubles, beside.first()) {
        (true, _) => both_record(observed, trail, &beside) + &alone,
        (false, Some((other, _))) => format!("it records no event that {} records{alone}", other.name),
        (false, None) => String::new(),
    };
    OtherTrail {
        address: address.clone(),
        finding,
        cost: if doubles { cost(&compared) } else { String::new() },
        overlap,
        commands: if doubles { commands(desired, address, ours) } else { Vec::new() },
    }
}

/// Says what ends with this trail because no wanted one records it. It is said before any command that would end it.
fn alone(trail: &Trail, beside: &[(&Address, &Trail)], compared: &Comparison) -> String {
    let mut only: Vec<String> = compared.only_theirs.iter().cloned().collect();
    if beside.is_empty() {
        return String::new();
    }
    if trail.organization && !beside.iter().any(|(_, wish)| wish.organization) {
        only.push("accounts in which this deployment has no trail".into());
    }
    if trail.multi_region && !beside.iter().any(|(_, wish)| wish.multi_region) {
        let regions: BTreeSet<&str> =
            beside.iter().filter_map(|(address, _)| address.region.as_ref()).map(|region| region.as_str()).collect();
        only.push(format!("every region but {}", regions.into_iter().collect::<Vec<_>>().join(", ")));
    }
    if trail.global_events && !beside.iter().any(|(_, wish)| wish.global_events) {
        only.push("events of global services".into());
    }
    let insights = trail.insights.iter().filter(|kind| !beside.iter().any(|(_, wish)| wish.insights.contains(*kind)));
    only.extend(insights.map(|kind| format!("Insights events ({kind})")));
    if only.is_empty() { String::new() } else { format!("; ONLY THIS TRAIL RECORDS: {}", only.join("; ")) }
}

/// What is recorded twice is billed twice, no more.
fn cost(compared: &Comparison) -> String {
    let of = |is_management: bool| {
        let common = compared.common.iter().filter(|words| words.starts_with("management events") == is_management);
        common.map(String::as_str).collect::<Vec<_>>().join(" and ")
    };
    let mut prices = Vec::new();
    if compared.management {
        prices.push(format!("the second copy of {} is billed: {SECOND_COPY}", of(true)));
    }
    if compared.data {
        prices.push(DATA_EVENTS.to_owned());
    }
    prices.join("; ")
}

/// An organization trail overlaps with everything, a trail of one account with the trails that record that account.
fn overlaps<'a>(desired: &'a Desired, address: &Address, trail: &Trail) -> Vec<(&'a Address, &'a Trail)> {
    let wanted = desired.wanted.iter().filter_map(|(ours, wanted)| match &wanted.resource {
        Resource::Trail(wish) => Some((ours, wish)),
        _ => None,
    });
    wanted
        .filter(|(ours, wish)| {
            (wish.organization || trail.organization || ours.account == address.account)
                && (wish.multi_region || trail.multi_region || ours.region == address.region)
        })
        .collect()
}

/// Says from when to when both record. CloudTrail tells when each was last started, in texts that sort by time.
fn both_record(observed: &Estate, trail: &Trail, doubles: &[(&Address, &Trail)]) -> String {
    let started = |trail: &Trail| trail.delivery.as_ref().and_then(|delivery| delivery.started_time.clone());
    let seen: Vec<&Trail> = doubles
        .iter()
        .filter_map(|(address, _)| match observed.resource(address) {
            Some(Resource::Trail(seen)) if seen.logging => Some(seen),
            _ => None,
        })
        .collect();
    if let (true, Some((new, _))) = (seen.is_empty(), doubles.first()) {
        return format!("both record from the apply that starts {} {UNTIL}", new.name);
    }
    let since = seen.iter().filter_map(|ours| Some(started(ours)?.max(started(trail)?))).min();
    match since {
        Some(since) => format!("both record since {since}, {UNTIL}"),
        None => format!("both record {UNTIL}"),
    }
}

/// Returns the commands that end it. They are for its owner: orgtrail runs none of them.
fn commands(desired: &Desired, address: &Address, ours: bool) -> Vec<String> {
    let (Some(arn), Some(region)) = (address.arn(desired.partition), &address.region) else {
        return Vec::new();
    };
    if !ours && LANDING_ZONES.iter().any(|start| address.name.starts_with(start)) {
        return Vec::new();
    }
    if ours {
        // By the name, for all of this name: nobody copies an ARN for each of a thousand accounts.
        return vec![format!("orgtrail apply --destroy {} --allow destroys", quoted(&address.name))];
    }
    let arn = quoted(arn.as_str());
    let command = |verb: &str| format!("aws cloudtrail {verb} --name {arn} --region {region}");
    vec![command("stop-logging"), command("delete-trail")]
}

/// Quotes a word for a POSIX shell: what is between single quotes means nothing to it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::estate::trail::{DeliveryStatus, EventSelector, ReadWrite};
    use crate::estate::{Kind, Sighting, Wanted};
    use crate::ids::Partition;

    const OURS: &str = "111111111111/eu-central-1/trail/acme-org-trail";
    const THEIRS: &str = "333333333333/eu-central-1/trail/team";

    fn trail(organization: bool, started: Option<&str>) -> Trail {
        Trail {
            organization,
            delivery: Some(DeliveryStatus { started_time: started.map(str::to_owned), ..DeliveryStatus::default() }),
            ..Trail::sample()
        }
    }

    fn recording_data(mut trail: Trail) -> Trail {
        let data = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        trail.selectors.insert(data);
        trail
    }

    /// What is found at an address, beside a wanted organization trail that is or is not there.
    fn found(wish: &Trail, seen: Option<Trail>, address: &str, other: Trail) -> OtherTrail {
        let ours: Address = OURS.parse().unwrap();
        let resource = Resource::from(wish.clone());
        let wanted = Wanted { resource, operator: ours.account.clone(), reason: "trails", depends_on: Vec::new() };
        let desired = Desired {
            organization: "o-exampleorgid".parse().unwrap(),
            partition: Partition::Aws,
            deployment: "acme".into(),
            log_account: "222222222222".parse().unwrap(),
            own_role: "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole".parse().unwrap(),
            own_roles: Vec::new(),
            break_glass: Vec::new(),
            wanted: BTreeMap::from([(ours.clone(), wanted)]),
            known_accounts: BTreeSet::new(),
            past: Default::default(),
            reading: Default::default(),
            keep_readers_days: 90,
            removed: BTreeSet::new(),
            lake: None,
            guard: None,
            problems: Vec::new(),
        };
        let mut observed = Estate::default();
        observed.sightings.insert(ours, seen.map_or(Sighting::Absent, Sighting::present));
        observed.sightings.insert(address.parse().unwrap(), Sighting::present(other));
        let [other] = &find(&desired, &observed)[..] else { panic!("one trail was found") };
        assert_eq!(other.address.kind, Kind::Trail);
        other.clone()
    }

    #[test]
    fn of_a_team_s_trail_the_owner_learns_the_cost_the_time_and_the_commands() {
        let wish = trail(true, None);
        let started = Some("2026-01-02T00:00:00Z");
        let seen = trail(true, started);
        let team = found(&wish, Some(seen.clone()), THEIRS, trail(false, Some("2025-01-01T00:00:00Z")));
        assert!(team.finding.starts_with("a trail of one account, logging"), "{}", team.finding);
        assert!(team.cost.contains("2.00 USD per 100,000") && !team.cost.contains("0.10"), "{}", team.cost);
        assert_eq!(team.overlap, "both record since 2026-01-02T00:00:00Z, until it is retired");
        let name = "--name arn:aws:cloudtrail:eu-central-1:333333333333:trail/team --region eu-central-1";
        let commands = ["stop-logging", "delete-trail"].map(|verb| format!("aws cloudtrail {verb} {name}"));
        assert_eq!(team.commands, commands);

        let later = found(&wish, Some(seen), THEIRS, trail(false, Some("2026-02-01T00:00:00Z")));
        assert_eq!(later.overlap, "both record since 2026-02-01T00:00:00Z, until it is retired");
        let before = found(&wish, None, THEIRS, trail(false, started));
        assert_eq!(before.overlap, "both record from the apply that starts acme-org-trail until it is retired");
    }

    #[test]
    fn data_events_of_both_have_their_own_price() {
        let both = found(&recording_data(trail(true, None)), None, THEIRS, recording_data(trail(false, None)));
        assert!(both.cost.contains("2.00 USD") && both.cost.contains("0.10 USD per 100,000"), "{}", both.cost);
        let one = found(&trail(true, None), None, THEIRS, recording_data(trail(false, None)));
        assert!(!one.cost.contains("0.10"), "{}", one.cost);
    }

    #[test]
    fn what_records_nothing_twice_or_belongs_to_a_landing_zone_has_no_commands() {
        let stopped = Trail { logging: false, ..trail(false, None) };
        let other = found(&trail(true, None), None, THEIRS, stopped);
        assert_eq!((other.cost.as_str(), other.overlap.as_str(), other.commands.len()), ("", "", 0));
        let tower = "111111111111/eu-central-1/trail/aws-controltower-BaselineCloudTrail";
        let other = found(&trail(true, None), None, tower, trail(true, None));
        assert!(!other.cost.is_empty() && other.commands.is_empty());
    }

    #[test]
    fn what_only_the_other_records_is_said_and_nothing_in_common_has_neither_price_nor_commands() {
        let records = |which| Trail {
            selectors: [EventSelector::management(which, &[])].into(),
            ..trail(true, Some("2026-01-01T00:00:00Z"))
        };
        let at = "111111111111/eu-central-1/trail/siem-reads";
        let (reads, writes, all) = (ReadWrite::ReadOnly, ReadWrite::WriteOnly, ReadWrite::All);
        let none = found(&records(writes), Some(records(writes)), at, records(reads));
        assert_eq!((none.cost.as_str(), none.commands.len()), ("", 0));
        assert!(none.overlap.contains("ONLY THIS TRAIL RECORDS: management events that read"), "{}", none.overlap);
        let part = found(&records(all), Some(records(all)), at, records(reads));
        assert!(part.cost.contains("management events that read") && part.commands.len() == 2, "{part:?}");
        assert!(!part.overlap.contains("ONLY"), "{}", part.overlap);
        let more = found(&records(writes), Some(records(writes)), at, records(all));
        assert!(more.cost.contains("management events that write"), "{}", more.cost);
        assert!(more.overlap.contains("ONLY THIS TRAIL RECORDS: management events that read"), "{}", more.overlap);
        let insights = Trail { insights: ["ApiCallRateInsight".to_owned()].into(), ..records(all) };
        let insights = found(&records(all), Some(records(all)), at, insights);
        assert!(insights.overlap.contains("Insights events"), "{}", insights.overlap);
    }

    #[test]
    fn of_an_earlier_trail_of_ours_the_command_is_ours() {
        let tags = [(crate::estate::OWNER_TAG.to_owned(), "acme".to_owned())].into();
        let old = Trail { tags: Some(tags), ..trail(true, None) };
        let other = found(&trail(true, None), None, "111111111111/eu-central-1/trail/old", old);
        assert!(other.finding.starts_with("an earlier organization trail of this deployment"));
        assert_eq!(other.commands, ["orgtrail apply --destroy old --allow destroys"]);
    }

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        assert_eq!(
            quoted("arn:aws:cloudtrail:eu-central-1:111111111111:trail/a.b-c_d"),
            "arn:aws:cloudtrail:eu-central-1:111111111111:trail/a.b-c_d"
        );
        assert_eq!(quoted("trail/x; rm -rf $HOME"), "'trail/x; rm -rf $HOME'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
