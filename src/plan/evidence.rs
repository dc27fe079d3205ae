//! Trails beside the wanted ones, of others or of this deployment's past: what they record that is recorded already, since
//! when, what that costs, and how whoever owns them ends it.

use super::Evidence;
use crate::estate::{Address, Desired, Estate, Resource, Trail};

/// The price of a further copy of management events (AWS CloudTrail pricing page, "Paid tier").
const SECOND_COPY: &str = "if it records what another trail records too, the second copy of management events is billed: \
                           2.00 USD per 100,000 events";

/// The price of data events, which have no free copy (AWS CloudTrail pricing page, "Paid tier").
const DATA_EVENTS: &str = "data events are billed for each trail: 0.10 USD per 100,000 events";

/// How the names of trails begin that AWS Control Tower and Landing Zone Accelerator make. Their own settings end them; a
/// command beside them would be drift there, or refused.
const LANDING_ZONES: [&str; 2] = ["aws-controltower-", "AWSAccelerator-"];

/// When that ends.
const UNTIL: &str = "until it is retired";

/// Finds every trail that is not wanted by this deployment.
pub(super) fn find(desired: &Desired, observed: &Estate) -> Vec<Evidence> {
    observed
        .resources()
        .filter(|(address, _)| !desired.wanted.contains_key(address))
        .filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some(evidence(desired, observed, address, trail)),
            _ => None,
        })
        .collect()
}

fn evidence(desired: &Desired, observed: &Estate, address: &Address, trail: &Trail) -> Evidence {
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
    let doubles: Vec<(&Address, &Trail)> = if trail.logging { overlaps(desired, address, trail) } else { Vec::new() };
    Evidence {
        address: address.clone(),
        finding,
        cost: cost(trail, &doubles),
        overlap: if doubles.is_empty() { String::new() } else { both_record(observed, trail, &doubles) },
        commands: if doubles.is_empty() { Vec::new() } else { commands(desired, address, ours) },
    }
}

fn cost(trail: &Trail, doubles: &[(&Address, &Trail)]) -> String {
    let management = trail.records_management_events() && doubles.iter().any(|(_, w)| w.records_management_events());
    let records_data = |trail: &Trail| trail.selectors.iter().any(|selector| !selector.is_management());
    let data = records_data(trail) && doubles.iter().any(|(_, wish)| records_data(wish));
    let prices: Vec<&str> = [(management, SECOND_COPY), (data, DATA_EVENTS)]
        .into_iter()
        .filter_map(|(is_billed, price)| is_billed.then_some(price))
        .collect();
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::estate::trail::{Delivery, EventSelector};
    use crate::estate::{Kind, Sighting, Wanted};
    use crate::ids::Partition;

    const OURS: &str = "111111111111/eu-central-1/trail/acme-org-trail";
    const THEIRS: &str = "333333333333/eu-central-1/trail/team";

    fn trail(organization: bool, started: Option<&str>) -> Trail {
        Trail {
            organization,
            delivery: Some(Delivery { started_time: started.map(str::to_owned), ..Delivery::default() }),
            ..Trail::sample()
        }
    }

    fn recording_data(mut trail: Trail) -> Trail {
        let data = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        trail.selectors.insert(data);
        trail
    }

    /// What is found at an address, beside a wanted organization trail that is or is not there.
    fn found(wish: &Trail, seen: Option<Trail>, address: &str, other: Trail) -> Evidence {
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
            guard: None,
        };
        let mut observed = Estate::default();
        observed.sightings.insert(ours, seen.map_or(Sighting::Absent, Sighting::present));
        observed.sightings.insert(address.parse().unwrap(), Sighting::present(other));
        let [evidence] = &find(&desired, &observed)[..] else { panic!("one trail was found") };
        assert_eq!(evidence.address.kind, Kind::Trail);
        evidence.clone()
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
        let evidence = found(&trail(true, None), None, THEIRS, stopped);
        assert_eq!((evidence.cost.as_str(), evidence.overlap.as_str(), evidence.commands.len()), ("", "", 0));
        let tower = "111111111111/eu-central-1/trail/aws-controltower-BaselineCloudTrail";
        let evidence = found(&trail(true, None), None, tower, trail(true, None));
        assert!(!evidence.cost.is_empty() && evidence.commands.is_empty());
    }

    #[test]
    fn of_an_earlier_trail_of_ours_the_command_is_ours() {
        let tags = [(crate::estate::OWNER_TAG.to_owned(), "acme".to_owned())].into();
        let old = Trail { tags: Some(tags), ..trail(true, None) };
        let evidence = found(&trail(true, None), None, "111111111111/eu-central-1/trail/old", old);
        assert!(evidence.finding.starts_with("an earlier organization trail of this deployment"));
        assert_eq!(evidence.commands, ["orgtrail apply --destroy old --allow destroys"]);
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
