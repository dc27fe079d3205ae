//! A delegated administrator of CloudTrail: how one is made, and how it works on trails of the management account.

use orgtrail::cloud::{CloudFaultKind, CloudWriter};
use orgtrail::estate::{Address, DelegatedAdministrator, Kind, Resource};

use crate::fixture::{Deployment, Wish, connect, connect_as, creation};
use crate::support::{Emulator, Trouble, World};

#[tokio::test]
async fn cloudtrail_itself_is_asked_to_register_the_administrator() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    let audit = world.account("audit");
    let management = world.account("management");
    let address = Address::global(management, Kind::DelegatedAdministrator, audit.as_str());
    let wish = Wish { address, operator: management.clone(), resource: DelegatedAdministrator {}.into() };

    // moto does not have this operation. In the service model its answer has no members.
    let register = "RegisterOrganizationDelegatedAdmin";
    emulator.proxy().trouble("cloudtrail", register, 1, Trouble::Answer("{}".into()));
    aws.execute(&creation(&wish)).await.unwrap();
    let calls = emulator.proxy().calls();
    let call = calls.iter().find(|call| call.action == register).unwrap();
    assert_eq!(call.body, format!(r#"{{"MemberAccountId":"{audit}"}}"#));

    // Its refusals carry these codes in the service model.
    let refusal = Trouble::Error(400, "DelegatedAdminAccountLimitExceededException");
    emulator.proxy().trouble("cloudtrail", register, 1, refusal);
    let fault = aws.execute(&creation(&wish)).await.unwrap_err();
    assert_eq!(fault.kind, CloudFaultKind::Refused);
    assert!(fault.help.contains("three"), "{}", fault.help);
}

/// A deployment whose trail a delegated administrator of CloudTrail manages.
async fn administered_by_audit(world: &World) -> Deployment {
    let organizations = aws_sdk_organizations::Client::new(&world.management());
    let request = organizations.register_delegated_administrator().account_id(world.account("audit").as_str());
    request.service_principal("cloudtrail.amazonaws.com").send().await.unwrap();
    let mut deployment = Deployment::new(world, &[]);
    let trail = deployment.trail();
    for wish in deployment.wishes.iter_mut().filter(|wish| wish.address == trail) {
        wish.operator = world.account("audit").clone();
    }
    deployment
}

#[tokio::test]
async fn a_delegated_administrator_makes_the_trail_of_the_management_account() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = administered_by_audit(&world).await;
    let aws = connect(&emulator).await;
    let trail = deployment.trail();

    deployment.make(&aws).await;

    let estate = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&estate), [""; 0]);
    let owned = aws_sdk_cloudtrail::Client::new(&world.management()).describe_trails().send().await.unwrap();
    let arn = owned.trail_list()[0].trail_arn().unwrap();
    assert!(arn.contains(world.account("management").as_str()), "{arn}");

    // The program may also be started as the administrator itself.
    let as_audit = connect_as(&emulator, world.credentials_of("audit").await).await;
    let mut scope = deployment.scope();
    scope.addresses.retain(|address, _| *address == trail || address.kind == Kind::TrustedAccess);
    scope.addresses.values_mut().for_each(|operator| *operator = world.account("audit").clone());
    let estate = orgtrail::cloud::CloudReader::observe(&as_audit, &scope, &orgtrail::cloud::NoProgress).await.unwrap();
    assert!(matches!(estate.resource(&trail), Some(Resource::Trail(trail)) if trail.logging));
    // What the trail writes to is looked at beside it.
    let asked = |address: &&Address| matches!(address.kind, Kind::Trail | Kind::TrustedAccess);
    assert_eq!(estate.resources().map(|(address, _)| address).filter(asked).count(), 2);
}

/// A delegated administrator has no role in the management account, and what belongs to the organization it may read
/// itself: its run is whole, and can end with 0.
#[tokio::test]
async fn an_administrator_that_cannot_enter_the_management_account_reads_what_belongs_to_the_organization() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = administered_by_audit(&world).await;
    let aws = connect(&emulator).await;
    let trail = deployment.trail();
    deployment.make(&aws).await;

    let as_audit = connect_as(&emulator, world.credentials_of("audit").await).await;
    let mut scope = deployment.scope();
    scope.addresses.retain(|address, _| *address == trail || address.kind == Kind::TrustedAccess);
    let (audit, management) = (world.account("audit").clone(), world.account("management").clone());
    for (address, operator) in &mut scope.addresses {
        *operator = if *address == trail { audit.clone() } else { management.clone() };
    }
    scope.log_account = audit;
    emulator.proxy().trouble("sts", "AssumeRole", 10, Trouble::Error(403, "AccessDenied"));
    let estate = orgtrail::cloud::CloudReader::observe(&as_audit, &scope, &orgtrail::cloud::NoProgress).await.unwrap();
    let unreadable: Vec<&Address> = estate
        .sightings
        .iter()
        // The bucket that the trail writes to is in another account, which nobody can enter here.
        .filter(|(address, _)| matches!(address.kind, Kind::Trail | Kind::TrustedAccess))
        .filter(|(_, sighting)| matches!(sighting, orgtrail::estate::Sighting::Unreadable(_)))
        .map(|(address, _)| address)
        .collect();
    assert_eq!(unreadable, [&trail; 0]);
    assert_eq!(estate.resources().filter(|(address, _)| address.kind == Kind::TrustedAccess).count(), 1);
}
