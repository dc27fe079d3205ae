//! What is said of AWS Config beside what is wanted of it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::estate::{DelegatedAdministrator, OWNER_TAG, Tags};

fn aggregator(owner: Option<&str>, organization: bool) -> Resource {
    let tags: Tags = owner.map(|owner| (OWNER_TAG.to_owned(), owner.to_owned())).into_iter().collect();
    let regions = (!organization).then(|| BTreeSet::from(["eu-west-1".parse().unwrap()]));
    ConfigAggregator { organization, role: None, regions, tags }.into()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

const WANTED: &str = "222222222222/eu-central-1/config_aggregator/orgtrail-acme";

fn desired() -> Desired {
    let mut desired = crate::plan::surroundings::tests::desired();
    desired.want(address(WANTED), aggregator(Some("acme"), true), "aws_config", Vec::new());
    desired
}

fn estate(resources: impl IntoIterator<Item = (&'static str, Resource)>) -> Estate {
    let sightings = resources.into_iter().map(|(at, resource)| (address(at), Sighting::present(resource))).collect();
    Estate { sightings, ..Estate::default() }
}

#[test]
fn what_others_have_is_said_and_what_is_wanted_is_not() {
    let admin = |id| format!("111111111111/global/delegated_administrator/config.amazonaws.com/{id}");
    let mut observed = estate([
        (WANTED, aggregator(Some("acme"), true)),
        ("222222222222/eu-central-1/config_aggregator/theirs", aggregator(None, true)),
    ]);
    for id in ["222222222222", "333333333333"] {
        observed.sightings.insert(address(&admin(id)), Sighting::present(DelegatedAdministrator {}));
    }
    // An administrator of CloudTrail is another matter.
    let of_cloudtrail = address("111111111111/global/delegated_administrator/333333333333");
    observed.sightings.insert(of_cloudtrail, Sighting::present(DelegatedAdministrator {}));
    let mut desired = desired();
    desired.want(address(&admin("222222222222")), DelegatedAdministrator {}, "aws_config", Vec::new());
    let found = findings(&desired, &observed);
    let told: BTreeMap<&str, String> = found.iter().map(|one| (one.code.as_str(), one.address.to_string())).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(told["further-config-administrator"], admin("333333333333"));
    assert_eq!(told["further-aggregator"], "222222222222/eu-central-1/config_aggregator/theirs");
    assert!(found.iter().all(|one| !one.harm.does_harm()));
    assert!(leftovers(&desired, &observed).is_empty() && unknown(&desired, &observed).is_empty());
}

#[test]
fn an_aggregator_of_another_name_that_this_deployment_made_is_left_and_named() {
    let observed = estate([("222222222222/eu-west-1/config_aggregator/before", aggregator(Some("acme"), true))]);
    let left = leftovers(&desired(), &observed);
    let [one] = left.as_slice() else { panic!("{left:?}") };
    assert!(one.how.contains("delete-configuration-aggregator --configuration-aggregator-name before"), "{}", one.how);
    assert!(one.how.contains("account 222222222222, region eu-west-1"), "{}", one.how);
    assert!(findings(&desired(), &observed).is_empty());
}

#[test]
fn one_of_the_wanted_name_that_others_made_is_neither_changed_nor_adopted() {
    let desired = desired();
    for (owner, code) in [(None, AGGREGATOR_TAKEN), (Some("other"), crate::plan::diff::OTHER_DEPLOYMENT)] {
        let compared = crate::plan::diff::compare(&desired, &estate([(WANTED, aggregator(owner, false))]));
        assert!(compared.changes.is_empty());
        let [blocker] = compared.blockers.as_slice() else { panic!("{:?}", compared.blockers) };
        assert_eq!((blocker.code.as_str(), blocker.address.as_ref()), (code, Some(&address(WANTED))));
    }
    let compared = crate::plan::diff::compare(&desired, &estate([(WANTED, aggregator(None, true))]));
    assert!(compared.blockers.is_empty() && compared.changes[0].lost_its_tag(), "a hand took its tag away");
}

#[test]
fn one_of_ours_is_put_right_but_not_where_a_hand_made_it_collect_from_single_accounts() {
    let desired = desired();
    let compare = |found| crate::plan::diff::compare(&desired, &estate([(WANTED, found)]));
    let compared = compare(aggregator(Some("acme"), false));
    let [blocker] = compared.blockers.as_slice() else { panic!("{:?}", compared.blockers) };
    assert_eq!((blocker.code.as_str(), blocker.address.as_ref()), (AGGREGATOR_OF_ACCOUNTS, Some(&address(WANTED))));
    assert!(blocker.message.contains("single accounts in 1 regions"), "{}", blocker.message);
    assert!(blocker.help.contains("delete-configuration-aggregator"), "{}", blocker.help);
    assert!(compared.changes.is_empty(), "its list of accounts would be lost: {:?}", compared.changes);

    let regions = Some(BTreeSet::from(["eu-west-1".parse().unwrap()]));
    let tags = Tags::from([(OWNER_TAG.to_owned(), "acme".to_owned())]);
    let compared = compare(ConfigAggregator { organization: true, role: None, regions, tags }.into());
    let paths: Vec<&str> = compared.changes[0].fields().iter().map(|field| field.path.as_str()).collect();
    assert_eq!((paths, compared.blockers.len()), (vec!["regions"], 0));
}

#[test]
fn what_is_left_where_aws_config_was_administered_before_is_named_or_why_it_is_not_known() {
    let at = "333333333333/eu-central-1/config_aggregator/before";
    let role = "333333333333/global/role/before-config";
    let Resource::ConfigAggregator(found) = aggregator(Some("acme"), true) else { panic!() };
    let arn = Some("arn:aws:iam::333333333333:role/before-config".to_owned());
    let mut observed = estate([(at, ConfigAggregator { role: arn, ..found }.into())]);
    let left = leftovers(&desired(), &observed);
    let [one] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(one.address, address(at));
    assert!(one.how.contains("account 333333333333, region eu-central-1; then its role before-config"), "{}", one.how);

    let denied = |at: &str| {
        Sighting::Unreadable(Problem {
            account: "333333333333".parse().unwrap(),
            address: Some(address(at)),
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "no".into(),
            help: String::new(),
        })
    };
    for unread in [role, "333333333333/eu-central-1/config_aggregator/orgtrail-acme"] {
        observed.sightings.insert(address(unread), denied(unread));
    }
    observed.sightings.insert(address("333333333333/global/role/of-others"), denied(role));
    let problems = unknown(&desired(), &observed);
    let places: BTreeSet<String> = problems.iter().filter_map(|one| Some(one.address.as_ref()?.to_string())).collect();
    let wanted = [role, "333333333333/eu-central-1/config_aggregator/orgtrail-acme"];
    assert_eq!((problems.len(), places), (2, wanted.map(str::to_owned).into()));
}
