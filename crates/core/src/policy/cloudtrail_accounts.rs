//! The accounts of AWS from which CloudTrail delivered before it had a service principal: one for each region of that
//! time.
//!
//! Policies of topics and buckets from 2013 and 2014 name them (Sids such as `AWSCloudTrailSNSPolicy20131101` and
//! `AWSCloudTrailWrite20131101`). Source: CloudTrail user guide of those years, "CloudTrail supported regions", and
//! "Amazon SNS topic policy for CloudTrail", whose paragraph on account ids says that they work for their regions only.

use std::collections::BTreeMap;

use super::canonical::account_of_root;
use super::document::{PrincipalElement, Principals, Statement};

/// Account and region, in the order of the accounts.
const ACCOUNTS: [(&str, &str); 16] = [
    ("035351147821", "eu-central-1"),
    ("086441151436", "us-east-1"),
    ("113285607260", "us-west-2"),
    ("193415116832", "cn-north-1"),
    ("216624486486", "ap-northeast-1"),
    ("262312530599", "eu-west-3"),
    ("282025262664", "eu-west-2"),
    ("284668455005", "ap-southeast-2"),
    ("388731089494", "us-west-1"),
    ("475085895292", "us-east-2"),
    ("492519147666", "ap-northeast-2"),
    ("814480443879", "sa-east-1"),
    ("819402241893", "ca-central-1"),
    ("859597730677", "eu-west-1"),
    ("903692715234", "ap-southeast-1"),
    ("977081816279", "ap-south-1"),
];

/// Returns the region that a principal of a policy delivered from, if it is one of these accounts.
pub fn region_of(principal: &str) -> Option<&'static str> {
    let account = account_of_root(principal)?;
    let at = ACCOUNTS.binary_search_by_key(&account, |(account, _)| account).ok()?;
    ACCOUNTS.get(at).map(|(_, region)| *region)
}

/// Returns the regions whose accounts a statement names, sorted.
pub fn regions(statement: &Statement) -> Vec<&'static str> {
    let mut regions: Vec<&str> = named(statement).iter().filter_map(|name| region_of(name)).collect();
    regions.sort_unstable();
    regions.dedup();
    regions
}

/// Returns the statement as it is for everybody else; none where it names nobody else.
pub fn without_them(statement: &Statement) -> Option<Statement> {
    let mut rest = statement.clone();
    if let Some(PrincipalElement::Is(Principals::Listed(by_kind))) = &mut rest.principal {
        by_kind.values_mut().for_each(|names| names.retain(|name| region_of(name).is_none()));
        by_kind.retain(|_, names| !names.is_empty());
        if by_kind.is_empty() {
            return None;
        }
    }
    Some(rest)
}

fn named(statement: &Statement) -> &[String] {
    let by_kind: Option<&BTreeMap<String, Vec<String>>> = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => Some(by_kind),
        _ => None,
    };
    by_kind.and_then(|by_kind| by_kind.get("AWS")).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_are_sorted_and_known_in_each_spelling() {
        assert!(ACCOUNTS.is_sorted());
        assert_eq!(region_of("arn:aws:iam::086441151436:root"), Some("us-east-1"));
        assert_eq!(region_of("859597730677"), Some("eu-west-1"));
        assert_eq!(region_of("arn:aws:iam::859597730677:role/x"), None);
        assert_eq!(region_of("111111111111"), None);
    }
}
