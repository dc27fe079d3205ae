//! Reading the organization.

use orgtrail::cloud::{CloudFaultKind, CloudReader, DiscoverOptions};
use orgtrail::organization::AccountState;

use crate::fixture::{connect, connect_as};
use crate::support::{Emulator, Trouble, World};

const EVERYTHING: DiscoverOptions = DiscoverOptions { unit_names: true, account_tags: true };

#[tokio::test]
async fn twelve_accounts_are_found_with_two_calls() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    emulator.proxy().clear();

    let (organization, problems) = aws.discover(DiscoverOptions::default()).await.unwrap();

    assert_eq!(problems, []);
    assert_eq!(organization.id, world.organization);
    assert_eq!(organization.management_account, *world.account("management"));
    assert_eq!(organization.accounts.len(), 12);
    let old = &organization.accounts[world.account("sandbox-old")];
    assert_eq!(old.state, AccountState::Suspended);
    let path = &organization.accounts[world.account("web")].path;
    assert_eq!(*path, [&world.units["Root"], &world.units["Workloads"], &world.units["Production"]].map(String::clone));
    // ceil(12 / 20) + 5 is the budget.
    assert_eq!(emulator.proxy().calls().len(), 2, "{:?}", emulator.proxy().counts());
}

#[tokio::test]
async fn names_of_units_and_tags_are_read_when_they_are_needed() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;

    let (organization, _) = aws.discover(EVERYTHING).await.unwrap();

    let web = &organization.accounts[world.account("web")];
    assert_eq!(organization.unit_path(web), "/Workloads/Production");
    assert_eq!(web.tags.as_ref().unwrap()["team"], "web");
    let counts = emulator.proxy().counts();
    // One a unit and one for the root; no accounts are listed by parent, because their paths are known.
    assert_eq!(counts["organizations:ListOrganizationalUnitsForParent"], 5);
    assert!(!counts.contains_key("organizations:ListAccountsForParent"));
}

#[tokio::test]
async fn without_paths_the_tree_is_walked() {
    let emulator = Emulator::start_without_paths();
    let world = World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    emulator.proxy().clear();

    let (organization, _) = aws.discover(DiscoverOptions::default()).await.unwrap();

    let place = |name: &str| organization.unit_path(&organization.accounts[world.account(name)]);
    assert_eq!(place("management"), "/");
    assert_eq!(place("audit"), "/Security");
    assert_eq!(place("billing"), "/Workloads/Production");
    // ceil(12 / 20) + 5, and two for each of the four units.
    assert!(emulator.proxy().calls().len() <= 6 + 8, "{:?}", emulator.proxy().counts());
}

#[tokio::test]
async fn a_delegated_administrator_can_discover_and_another_member_is_told_who_can() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let member = connect_as(&emulator, world.credentials_of("audit").await).await;

    let fault = member.discover(DiscoverOptions::default()).await.unwrap_err();
    assert_eq!(fault.kind, CloudFaultKind::Denied);
    assert!(fault.help.contains(world.account("management").as_str()), "{}", fault.help);

    let management = aws_sdk_organizations::Client::new(&world.management());
    let request = management.register_delegated_administrator().account_id(world.account("audit").as_str());
    request.service_principal("cloudtrail.amazonaws.com").send().await.unwrap();
    let (organization, _) = member.discover(DiscoverOptions::default()).await.unwrap();
    assert_eq!(organization.accounts.len(), 12);
}

/// The answers are in the form of the service model: moto has no empty pages and no account without a state.
fn accounts(list: &str, token: &str) -> Trouble {
    Trouble::Answer(format!(r#"{{"Accounts":[{list}],"NextToken":{token}}}"#))
}

#[tokio::test]
async fn a_page_may_be_empty_and_not_be_the_last() {
    let emulator = Emulator::start();
    World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    let account = |id: &str, state: &str| {
        let path = format!(r#"["o-abcdefghij/r-ab12/{id}/"]"#);
        format!(r#"{{"Id":"{id}","Name":"a","Email":"a@example.com","State":"{state}","Paths":{path}}}"#)
    };
    let pages = [
        ("", accounts("", r#""next""#)),
        ("next", accounts(&account("111111111111", "ACTIVE"), r#""last""#)),
        ("last", accounts(&account("222222222222", "FROZEN"), "null")),
    ];
    for (token, page) in pages {
        emulator.proxy().trouble_where("organizations", "ListAccounts", token, 1, page);
    }
    let (organization, problems) = aws.discover(DiscoverOptions::default()).await.unwrap();

    assert_eq!(organization.accounts.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["111111111111"]);
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!((problem.account.as_str(), problem.code.as_str()), ("222222222222", "UnknownAccountState"));
    assert_eq!(emulator.proxy().count("organizations:ListAccounts"), 3);
}

#[tokio::test]
async fn an_answer_without_states_must_not_look_empty() {
    let emulator = Emulator::start();
    World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;

    emulator.proxy().trouble("organizations", "ListAccounts", 1, accounts("", "null"));
    let fault = aws.discover(DiscoverOptions::default()).await.unwrap_err();
    assert_eq!(fault.code, "NoActiveAccount");

    // After 2026-09-09 an account has no Status; a partition that has no State either is not understood.
    let stateless = r#"{"Id":"111111111111","Name":"a","Email":"a@example.com"}"#;
    emulator.proxy().trouble("organizations", "ListAccounts", 1, accounts(stateless, "null"));
    let fault = aws.discover(DiscoverOptions::default()).await.unwrap_err();
    assert!(fault.message.contains("neither State nor Status"), "{}", fault.message);
}

#[tokio::test]
async fn an_organization_that_only_shares_its_bill_is_refused() {
    let emulator = Emulator::start();
    World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    // moto's organizations have all features once there are service control policies; the answer is the service
    // model's.
    let billing = r#"{"Organization":{"Id":"o-abcdefghij","FeatureSet":"CONSOLIDATED_BILLING","MasterAccountId":"123456789012"}}"#;
    emulator.proxy().trouble("organizations", "DescribeOrganization", 1, Trouble::Answer(billing.into()));
    let fault = aws.discover(DiscoverOptions::default()).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Refused, "OrganizationNotInAllFeaturesMode"));
}
