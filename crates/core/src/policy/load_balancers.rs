//! The accounts with which Elastic Load Balancing delivers access logs in regions that were there before August 2022.
//! AWS has no service principal for them there (Elastic Load Balancing user guide, "Enable access logs for your
//! Application Load Balancer").

use std::collections::BTreeSet;

use super::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::ids::{AccountId, Arn};
use crate::log_path::owner;

/// One a region.
const ACCOUNTS: [&str; 26] = [
    "127311923021", // us-east-1
    "033677994240", // us-east-2
    "027434742980", // us-west-1
    "797873946194", // us-west-2
    "098369216593", // af-south-1
    "754344448648", // ap-east-1
    "589379963580", // ap-southeast-3
    "718504428378", // ap-south-1
    "383597477331", // ap-northeast-3
    "600734575887", // ap-northeast-2
    "114774131450", // ap-southeast-1
    "783225319266", // ap-southeast-2
    "582318560864", // ap-northeast-1
    "985666609251", // ca-central-1
    "054676820928", // eu-central-1
    "156460612806", // eu-west-1
    "652711504416", // eu-west-2
    "635631232127", // eu-south-1
    "009996457667", // eu-west-3
    "897822967062", // eu-north-1
    "076674570225", // me-south-1
    "507241528517", // sa-east-1
    "048591011584", // us-gov-west-1
    "190560391635", // us-gov-east-1
    "638102146993", // cn-north-1
    "037604701340", // cn-northwest-1
];

/// Tells whether a statement lets such an account write, and nothing else, into folders of some of the accounts. A load
/// balancer's logs lie in the folder of the account that it is in, so that those of strangers come nowhere else.
pub fn deliver_with(statement: &Statement, accounts: &BTreeSet<AccountId>) -> bool {
    let is_theirs = |name: &String| {
        let account = name.parse::<Arn>().map_or_else(|_| name.clone(), |arn| arn.account().to_owned());
        ACCOUNTS.contains(&account.as_str())
    };
    let of_theirs = matches!(&statement.principal, Some(PrincipalElement::Is(Principals::Listed(by_kind)))
        if by_kind.len() == 1 && by_kind.get("AWS").is_some_and(|list| !list.is_empty() && list.iter().all(is_theirs)));
    let writes = matches!(&statement.action, ActionElement::Is(list)
        if !list.is_empty() && list.iter().all(|action| action.eq_ignore_ascii_case("s3:PutObject")));
    let in_folders = matches!(&statement.resource, Some(ResourceElement::Is(list))
        if !list.is_empty() && list.iter().all(|resource| is_in_folder(resource, accounts)));
    statement.effect == Effect::Allow && of_theirs && writes && in_folders
}

/// Tells whether all that a pattern of objects matches lies below `AWSLogs/<one of the accounts>/`.
fn is_in_folder(resource: &str, accounts: &BTreeSet<AccountId>) -> bool {
    let fixed = &resource[..resource.find(['*', '?', '$']).unwrap_or(resource.len())];
    let owner = owner(fixed).filter(|owner| owner.organization.is_none());
    owner.and_then(|owner| owner.account.parse::<AccountId>().ok()).is_some_and(|account| accounts.contains(&account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyDocument;

    #[test]
    fn only_writing_into_folders_of_ours_is_delivery() {
        let accounts = BTreeSet::from(["333333333333".parse().unwrap()]);
        let delivers = |principal: &str, action: &str, key: &str| {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"arn:aws:s3:::logs/{key}"}}]}}"#
            );
            deliver_with(&PolicyDocument::parse(&text).unwrap().statements[0], &accounts)
        };
        let theirs = "arn:aws:iam::054676820928:root";
        assert!(delivers(theirs, "s3:PutObject", "elb/AWSLogs/333333333333/*"));
        assert!(delivers("054676820928", "s3:PutObject", "AWSLogs/333333333333/elasticloadbalancing/*"));
        for (principal, action, key) in [
            ("arn:aws:iam::999999999999:root", "s3:PutObject", "elb/AWSLogs/333333333333/*"),
            (theirs, "s3:GetObject", "elb/AWSLogs/333333333333/*"),
            (theirs, "s3:*", "elb/AWSLogs/333333333333/*"),
            (theirs, "s3:PutObject", "elb/AWSLogs/444444444444/*"),
            (theirs, "s3:PutObject", "elb/AWSLogs/33333333333*"),
            (theirs, "s3:PutObject", "elb/*/AWSLogs/333333333333/*"),
            (theirs, "s3:PutObject", "*"),
        ] {
            assert!(!delivers(principal, action, key), "{principal} {action} {key}");
        }
    }
}
