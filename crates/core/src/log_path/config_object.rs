//! What AWS Config delivers beside CloudTrail: `[prefix/]AWSLogs/[o-…/]<account>/Config/<region>/YYYY/M/D/…`, where
//! month and day have no zeros before them (AWS Config developer guide, "Delivering configuration snapshot to Amazon
//! S3 bucket" and the examples of delivery notifications).

use jiff::Timestamp;

use super::FILE_ENDING;
use super::day::{dates, parse};
use super::root::LogRoot;
use crate::ids::{AccountId, Region};

/// The name of the folder of AWS Config below an account's.
pub const CONFIG_FOLDER: &str = "Config";

/// Where AWS Config delivers for one account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigScope {
    /// What the account's folder stands in.
    pub root: LogRoot,
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// What an object of AWS Config holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigObject {
    /// The configuration items of one type of resources, up to this time.
    History(Timestamp),
    /// The configuration of all recorded resources at this time.
    Snapshot(Timestamp),
}

impl ConfigObject {
    /// Returns the time in its name.
    pub fn time(self) -> Timestamp {
        match self {
            ConfigObject::History(time) | ConfigObject::Snapshot(time) => time,
        }
    }
}

/// Returns the folder of AWS Config in an account's folder, with the `/` at its end.
pub fn config_folder(root: &LogRoot, account: &AccountId) -> String {
    format!("{}{CONFIG_FOLDER}/", root.account_folder(account.as_str()))
}

impl ConfigScope {
    /// Returns the prefix of the objects of each day from one moment to another, both included, the last day first.
    pub fn day_prefixes(&self, first: Timestamp, last: Timestamp) -> Vec<String> {
        let folder = format!("{}{}/", config_folder(&self.root, &self.account), self.region);
        let mut days: Vec<String> =
            dates(first, last).map(|day| format!("{folder}{}/{}/{}/", day.year(), day.month(), day.day())).collect();
        days.reverse();
        days
    }

    /// Reads the key of an object below one of the prefixes; none for what is no snapshot and no history of this
    /// account and region.
    pub fn parse(&self, key: &str) -> Option<ConfigObject> {
        let file = key.rsplit('/').next()?.strip_suffix(FILE_ENDING)?;
        let rest = file.strip_prefix(&format!("{}_{CONFIG_FOLDER}_{}_", self.account, self.region))?;
        match rest.split_once('_')? {
            ("ConfigSnapshot", rest) => parse(rest.split('_').next()?).map(ConfigObject::Snapshot),
            // `AWS::EC2::Instance_<start>_<end>_<number>`: a type has no underscore that a time could be taken for.
            ("ConfigHistory", rest) => parse(rest.rsplit('_').nth(1)?).map(ConfigObject::History),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> ConfigScope {
        let root = LogRoot::below("");
        ConfigScope { root, account: "123456789012".parse().unwrap(), region: "us-east-2".parse().unwrap() }
    }

    #[test]
    fn months_and_days_have_no_zeros_and_the_last_day_is_first() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = scope().day_prefixes(at("2026-01-31T23:59:59Z"), at("2026-02-01T00:00:00Z"));
        let top = "AWSLogs/123456789012/Config/us-east-2";
        assert_eq!(days, [format!("{top}/2026/2/1/"), format!("{top}/2026/1/31/")]);
        let organization = ConfigScope { root: LogRoot::below("o-x1").in_organization("o-x1"), ..scope() };
        let day = organization.day_prefixes(at("2026-01-09T00:00:00Z"), at("2026-01-09T00:00:00Z"));
        assert_eq!(day, ["o-x1/AWSLogs/o-x1/123456789012/Config/us-east-2/2026/1/9/"]);
    }

    /// The keys of AWS's documentation.
    #[test]
    fn snapshots_and_histories_are_read_and_nothing_else_is() {
        let day = "AWSLogs/123456789012/Config/us-east-2/2016/9/27";
        let history = "ConfigHistory/123456789012_Config_us-east-2_ConfigHistory_AWS::CloudTrail::Trail_\
                       20160927T195818Z_20160927T205818Z_1.json.gz";
        let snapshot = "ConfigSnapshot/123456789012_Config_us-east-2_ConfigSnapshot_20160927T183939Z_\
                        16da64e4-cb65-4846-b061-e6c3ba43cb96.json.gz";
        let read = |file: &str| scope().parse(&format!("{day}/{file}"));
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(read(history), Some(ConfigObject::History(at("2016-09-27T20:58:18Z"))));
        assert_eq!(read(snapshot), Some(ConfigObject::Snapshot(at("2016-09-27T18:39:39Z"))));
        for other in [
            "ConfigWritabilityCheckFile",
            "ConfigHistory/123456789012_Config_us-east-2_ConfigHistory_.json.gz",
            "ConfigHistory/123456789012_Config_eu-west-1_ConfigSnapshot_20160927T183939Z_x.json.gz",
            "ConfigSnapshot/210987654321_Config_us-east-2_ConfigSnapshot_20160927T183939Z_x.json.gz",
            "ConfigSnapshot/123456789012_Config_us-east-2_ConfigSnapshot_yesterday_x.json.gz",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
