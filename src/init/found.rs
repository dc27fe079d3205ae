//! What an organization has already: trails with their makers, and second copies with what they cost.

use crate::estate::{Address, Estate, Resource, Trail};

/// Who made a trail, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// AWS Control Tower.
    ControlTower,
    /// Landing Zone Accelerator on AWS.
    LandingZoneAccelerator,
    /// orgtrail, as the ownership tag says.
    Orgtrail,
    /// Anybody else.
    Other,
}

impl Maker {
    /// Returns who made it, with its preposition; nothing where it is not known.
    fn by(self) -> &'static str {
        match self {
            Maker::ControlTower => " of AWS Control Tower",
            Maker::LandingZoneAccelerator => " of Landing Zone Accelerator",
            Maker::Orgtrail => " of orgtrail",
            Maker::Other => "",
        }
    }
}

/// A trail that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingTrail {
    /// Where.
    pub address: Address,
    /// Who made it.
    pub maker: Maker,
    /// It is an organization trail.
    pub organization: bool,
    /// It is recording.
    pub logging: bool,
    /// The bucket that it writes to.
    pub bucket: String,
    /// It records management events, so that another trail of the same accounts is a second copy.
    pub management_events: bool,
}

/// Returns the trails of an estate.
pub fn found(estate: &Estate) -> Vec<ExistingTrail> {
    let trails = estate.resources().filter_map(|(address, resource)| match resource {
        Resource::Trail(trail) => Some((address, trail, maker(address, resource))),
        _ => None,
    });
    trails.map(|(address, trail, maker)| one(address, trail, maker)).collect()
}

fn one(address: &Address, trail: &Trail, maker: Maker) -> ExistingTrail {
    ExistingTrail {
        address: address.clone(),
        maker,
        organization: trail.organization,
        logging: trail.logging,
        bucket: trail.bucket.clone(),
        management_events: trail.records_management_events(),
    }
}

/// Control Tower and Landing Zone Accelerator give their trails fixed names.
fn maker(address: &Address, resource: &Resource) -> Maker {
    let name = address.name.as_str();
    if resource.deployment().is_some() {
        Maker::Orgtrail
    } else if name.starts_with("aws-controltower-") {
        Maker::ControlTower
    } else if name.starts_with("AWSAccelerator-") {
        Maker::LandingZoneAccelerator
    } else {
        Maker::Other
    }
}

impl ExistingTrail {
    /// Returns the trail in a sentence.
    pub fn words(&self) -> String {
        let ExistingTrail { address, maker, organization, logging, bucket, management_events } = self;
        let scope = if *organization { "organization trail" } else { "trail of one account" };
        let state = match (logging, management_events) {
            (false, _) => "not logging",
            (true, true) => "records management events",
            (true, false) => "records no management events",
        };
        format!("{address}: {scope}{}, {state}, writes to {bucket}", maker.by())
    }

    /// Returns what a second trail beside this one means; nothing where it costs nothing.
    pub fn cost(&self) -> Option<String> {
        let copies = self.logging && self.management_events;
        // AWS CloudTrail pricing page: the first copy of management events is free in each region.
        let what = "a second copy of the same management events is billed, 2.00 USD per 100,000 events";
        copies.then(|| format!("{what}; {}", self.way_out()))
    }

    /// What ends the second copy.
    fn way_out(&self) -> &'static str {
        match (self.maker, self.organization) {
            (Maker::ControlTower, _) => "CloudTrail can be switched off in the landing zone settings of Control Tower",
            (Maker::LandingZoneAccelerator, _) => {
                "`organizationTrail` can be switched off in the configuration of the accelerator"
            }
            (Maker::Orgtrail, _) => "it has a configuration already, which can be used instead",
            (Maker::Other, true) => "`orgtrail init --adopt` takes this trail over instead",
            (Maker::Other, false) => "its owner can stop it when the organization trail delivers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(name: &str, organization: bool, logging: bool) -> ExistingTrail {
        let address: Address = format!("111111111111/eu-central-1/trail/{name}").parse().unwrap();
        let maker = match name {
            "aws-controltower-BaselineCloudTrail" => Maker::ControlTower,
            _ => Maker::Other,
        };
        ExistingTrail { address, maker, organization, logging, bucket: "logs".into(), management_events: true }
    }

    #[test]
    fn a_second_copy_costs_unless_nothing_is_recorded() {
        let tower = trail("aws-controltower-BaselineCloudTrail", true, true).cost().unwrap();
        assert!(tower.contains("2.00 USD") && tower.contains("landing zone settings"), "{tower}");
        assert!(trail("own", true, true).cost().unwrap().contains("init --adopt"));
        assert!(trail("own", false, true).cost().unwrap().contains("its owner"));
        assert_eq!(trail("own", true, false).cost(), None);
        let quiet = ExistingTrail { management_events: false, ..trail("own", true, true) };
        assert_eq!(quiet.cost(), None);
    }
}
