//! What a configuration with AWS Config asks for, and what it is refused.

use super::*;
use crate::config::parse;
use crate::desire::{ReaderStrategy, design};
use crate::estate::{Past, Resource};
use crate::ids::Partition;
use crate::organization::{Account, AccountState, Organization};
use crate::policy::template::Templates;

fn organization() -> Organization {
    let account = |(id, name): (&str, &str)| {
        let (email, path) = (format!("{name}@example.com"), vec!["r-ab12".into()]);
        let account = Account { name: name.into(), email, state: AccountState::Active, path, tags: None };
        (id.parse().unwrap(), account)
    };
    let accounts = [("111111111111", "management"), ("222222222222", "log-archive"), ("333333333333", "security")];
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: "111111111111".parse().unwrap(),
        units: BTreeMap::new(),
        accounts: accounts.into_iter().map(account).collect(),
    }
}

fn designed(more: &str) -> Result<Desired, String> {
    let text = format!(
        "version: 1\ndeployment: acme\naccounts: {{log: log-archive}}\nhome_region: eu-central-1\n\
         bucket: {{name: acme-org-cloudtrail}}\ntrails: [{{name: acme-org-trail}}]\n{more}\n"
    );
    let config = parse(&text, "orgtrail.yaml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let (organization, templates) = (organization(), Templates::new(&[]).unwrap());
    let brief = DesignInput {
        config: &config,
        organization: &organization,
        templates: &templates,
        strategy: ReaderStrategy::Roles,
        earlier: &[],
        reader_names: &BTreeMap::new(),
        past: &Past::default(),
    };
    design(&brief).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// The addresses that a configuration with the section has, and that without it has not.
fn added(section: &str) -> Vec<String> {
    let (with, without) = (designed(section).unwrap(), designed("").unwrap());
    with.wanted.keys().filter(|address| !without.wanted.contains_key(*address)).map(ToString::to_string).collect()
}

#[test]
fn the_section_makes_four_things_and_without_it_nothing_is_asked_for() {
    assert_eq!(
        added("aws_config: {}"),
        [
            "111111111111/global/trusted_access/config.amazonaws.com",
            "111111111111/global/delegated_administrator/config.amazonaws.com/222222222222",
            "222222222222/global/role/orgtrail-acme-config",
            "222222222222/eu-central-1/config_aggregator/orgtrail-acme",
        ]
    );
    let named = "aws_config: {administrator: security, aggregator: all, role: config, regions: [eu-west-1]}";
    assert_eq!(
        added(named),
        [
            "111111111111/global/trusted_access/config.amazonaws.com",
            "111111111111/global/delegated_administrator/config.amazonaws.com/333333333333",
            "333333333333/global/role/config",
            "333333333333/eu-central-1/config_aggregator/all",
        ]
    );
}

#[test]
fn the_aggregator_waits_for_all_that_it_needs_and_its_role_trusts_aws_config_of_its_account_alone() {
    let desired = designed("aws_config: {regions: [eu-west-1]}").unwrap();
    let wanted = |address: &str| &desired.wanted[&address.parse::<Address>().unwrap()];
    let aggregator = wanted("222222222222/eu-central-1/config_aggregator/orgtrail-acme");
    assert_eq!((aggregator.depends_on.len(), aggregator.reason), (3, "aws_config"));
    let Resource::ConfigAggregator(found) = &aggregator.resource else { panic!("{aggregator:?}") };
    assert_eq!(found.role.as_deref(), Some("arn:aws:iam::222222222222:role/orgtrail-acme-config"));
    assert_eq!(found.regions.as_ref().map(BTreeSet::len), Some(1));
    let Resource::Role(role) = &wanted("222222222222/global/role/orgtrail-acme-config").resource else { panic!() };
    let trust = role.trust.to_minified();
    assert!(trust.contains(r#""Principal":{"Service":"config.amazonaws.com"}"#), "{trust}");
    assert!(trust.contains(r#""aws:SourceAccount":"222222222222""#), "{trust}");
    let managed = "arn:aws:iam::aws:policy/service-role/AWSConfigRoleForOrganizations";
    assert_eq!((role.attached.iter().map(String::as_str).collect::<Vec<_>>(), role.inline.len()), (vec![managed], 0));
}

#[test]
fn an_administrator_is_a_member_and_a_role_has_a_name_of_its_own() {
    for (section, said) in [
        (
            "{administrator: management}",
            "says \"management\": this is the management account, which cannot be a delegated administrator",
        ),
        ("{administrator: nobody}", "has no such account"),
        ("{role: CloudTrailReadLogs-333333333333}", "is the name of another role of this deployment"),
    ] {
        let why = designed(&format!("aws_config: {section}")).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}
