//! What surrounds the archive: who else is in the log account, and what leads out, as the wire tells it.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Destination, InventoryConfiguration, InventoryDestination,
    InventoryFormat, InventoryFrequency, InventoryIncludedObjectVersions, InventoryS3BucketDestination,
    InventorySchedule, NotificationConfiguration, QueueConfiguration, ReplicationConfiguration, ReplicationRule,
    ReplicationRuleStatus,
};
use orgtrail::cloud::{CloudReader, CloudWriter, NoProgress};
use orgtrail::estate::surroundings::{Readable, Surroundings};
use orgtrail::estate::{Estate, Resource};
use orgtrail::policy::isolation::powers::{Power, Powers};

use crate::fixture::{BUCKET, Deployment, TRAIL, connect, reader_name, update};
use crate::support::world::HOME;
use crate::support::{Emulator, Trouble, World};

const STRANGER: &str = "999999999999";
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn around(estate: &Estate) -> &Surroundings {
    estate.surroundings.as_ref().expect("nobody looked around")
}

fn trusts(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

fn names(estate: &Estate) -> Vec<(String, Powers)> {
    let Readable::Read(principals) = &around(estate).principals else { panic!("not read") };
    let name = |arn: &str| arn.rsplit(':').next().unwrap().to_owned();
    principals.iter().map(|principal| (name(&principal.arn), principal.powers.clone())).collect()
}

#[tokio::test]
async fn a_fresh_archive_has_nothing_around_it_but_its_member_role() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let mut scope = deployment.scope();
    scope.control_targets = BTreeSet::from([world.units["Root"].clone(), world.log().to_string()]);
    emulator.proxy().clear();

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let all = around(&estate);
    let exposure = &all.buckets[&deployment.bucket()];
    assert_eq!((&exposure.acl, &exposure.website), (&Readable::default(), &Readable::default()));
    assert_eq!((&exposure.replication, &exposure.inventories), (&Readable::default(), &Readable::default()));
    assert_eq!(exposure.notifications, Readable::default());
    assert_eq!(all.keys[&deployment.key()], Readable::default());
    assert_eq!(all.topics[&deployment.topic()], Readable::default());
    assert_eq!(all.log_groups[&deployment.log_group()], Default::default());
    assert_eq!(all.delegated_administrators, Readable::default());
    let controls = all.organization.read().expect("the control policies could not be read");
    assert!(controls.service[&world.units["Root"]].len() >= 2, "AWS's own and the guard: {controls:?}");
    // Each is asked for once: five of the bucket, one each of key, topic and administrators, three of the log group.
    let counts = emulator.proxy().counts();
    for call in [
        "s3:GetBucketAcl",
        "s3:GetBucketWebsite",
        "s3:GetBucketReplication",
        "kms:ListGrants",
        "sns:ListSubscriptionsByTopic",
        "organizations:ListDelegatedAdministrators",
        "logs:DescribeSubscriptionFilters",
        "iam:GetAccountAuthorizationDetails",
    ] {
        assert_eq!(counts.get(call), Some(&1), "{call} of {counts:#?}");
    }
    assert_eq!(counts["logs:DescribeResourcePolicies"], 2, "of the account, and of the log group");
    assert_eq!(counts["organizations:ListPoliciesForTarget"], 4, "two targets, two kinds");
    assert!(!counts.contains_key("s3:ListBuckets"), "only where a copy goes to a bucket of nobody knows whom");
}

#[tokio::test]
async fn everybody_else_in_the_log_account_is_seen_with_what_they_can_do() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let reads = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    let made = iam.create_policy().policy_name("Everything").policy_document(EVERYTHING).send().await.unwrap();
    let everything = made.policy().unwrap().arn().unwrap().to_owned();
    iam.create_role().role_name("Vendor").assume_role_policy_document(trusts(STRANGER)).send().await.unwrap();
    iam.attach_role_policy().role_name("Vendor").policy_arn(&everything).send().await.unwrap();
    iam.create_role().role_name("Harmless").assume_role_policy_document(trusts(STRANGER)).send().await.unwrap();
    iam.create_group().group_name("admins").send().await.unwrap();
    iam.attach_group_policy().group_name("admins").policy_arn(&everything).send().await.unwrap();
    iam.create_user().user_name("eve").send().await.unwrap();
    iam.add_user_to_group().user_name("eve").group_name("admins").send().await.unwrap();
    iam.create_user().user_name("mallory").send().await.unwrap();
    iam.put_user_policy().user_name("mallory").policy_name("r").policy_document(&reads).send().await.unwrap();
    // A reader whose tag somebody took away is still looked at, and still known as wanted.
    let reader = reader_name(world.account("api"));
    iam.untag_role().role_name(&reader).tag_keys("orgtrail:deployment").send().await.unwrap();
    let mut scope = deployment.scope();
    scope.addresses.remove(&deployment.reader(world.account("api")));

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let found = names(&estate);
    let of = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, powers)| powers.clone());
    for name in ["role/Vendor", "group/admins", "user/eve"] {
        assert_eq!(of(name), Some(Powers::all()), "{name} of {found:?}");
    }
    assert_eq!(of("user/mallory").unwrap().can, BTreeSet::from([Power::ReadsLogs]));
    assert_eq!(of("role/Harmless"), None);
    let left = of(&format!("role/{reader}")).unwrap();
    assert_eq!(left.can, BTreeSet::from([Power::ReadsFolders, Power::Decrypts]));
    assert_eq!(left.folders, BTreeSet::from([world.account("api").clone()]));
    assert_eq!(of(&format!("role/{}", reader_name(world.account("web")))), None, "a reader of ours has its own proof");
}

#[tokio::test]
async fn what_leads_out_is_seen() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let log = world.hand_in("log-archive").await;
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&log).force_path_style(true).build());
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1).build();
    s3.create_bucket().bucket("own-lists").create_bucket_configuration(place).send().await.unwrap();
    let to = Destination::builder().bucket("arn:aws:s3:::their-copy").account(STRANGER).build().unwrap();
    let rule = ReplicationRule::builder().id("copy").priority(1).status(ReplicationRuleStatus::Enabled);
    let rule = rule.filter(aws_sdk_s3::types::ReplicationRuleFilter::builder().prefix("").build());
    let rule = rule.destination(to).build().unwrap();
    let role = format!("arn:aws:iam::{}:role/copy", world.log());
    let rules = ReplicationConfiguration::builder().role(role).rules(rule).build().unwrap();
    s3.put_bucket_replication().bucket(BUCKET).replication_configuration(rules).send().await.unwrap();
    let list = InventoryS3BucketDestination::builder().bucket("arn:aws:s3:::own-lists").format(InventoryFormat::Csv);
    let list = InventoryDestination::builder().s3_bucket_destination(list.build().unwrap()).build();
    let daily = InventorySchedule::builder().frequency(InventoryFrequency::Daily).build().unwrap();
    let inventory = InventoryConfiguration::builder().id("all").is_enabled(true).destination(list).schedule(daily);
    let inventory = inventory.included_object_versions(InventoryIncludedObjectVersions::All).build().unwrap();
    let request = s3.put_bucket_inventory_configuration().bucket(BUCKET).id("all").inventory_configuration(inventory);
    request.send().await.unwrap();
    let queue = format!("arn:aws:sqs:{HOME}:{STRANGER}:names");
    let event = aws_sdk_s3::types::Event::S3ObjectCreated;
    let tell = QueueConfiguration::builder().queue_arn(&queue).events(event).build().unwrap();
    let tell = NotificationConfiguration::builder().queue_configurations(tell).build();
    let request = s3.put_bucket_notification_configuration().bucket(BUCKET).notification_configuration(tell);
    request.skip_destination_validation(true).send().await.unwrap();

    let kms = aws_sdk_kms::Client::new(&log);
    let described = kms.describe_key().key_id(deployment.key().name).send().await.unwrap();
    let id = described.key_metadata().unwrap().key_id().to_owned();
    let grantee = format!("arn:aws:iam::{STRANGER}:role/x");
    let decrypt = aws_sdk_kms::types::GrantOperation::Decrypt;
    kms.create_grant().key_id(id).grantee_principal(&grantee).operations(decrypt).send().await.unwrap();
    let sns = aws_sdk_sns::Client::new(&log);
    let topic = format!("arn:aws:sns:{HOME}:{}:{TRAIL}", world.log());
    sns.subscribe().topic_arn(topic).protocol("email").endpoint("person@example.com").send().await.unwrap();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&world.management());
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"logs:*","Resource":"*"}]}"#;
    logs.put_resource_policy().policy_name("open").policy_document(policy).send().await.unwrap();

    let estate = deployment.look(&aws).await;

    let all = around(&estate);
    let exposure = &all.buckets[&deployment.bucket()];
    let copy = &exposure.replication.read().unwrap()[0];
    assert_eq!((copy.bucket.as_str(), copy.account.as_deref()), ("their-copy", Some(STRANGER)));
    let list = &exposure.inventories.read().unwrap()[0];
    assert_eq!((list.bucket.as_str(), list.account.as_deref()), ("own-lists", Some(world.log().as_str())));
    assert_eq!(exposure.notifications.read().unwrap(), &[queue]);
    let grant = &all.keys[&deployment.key()].read().unwrap()[0];
    assert_eq!((grant.grantee.as_str(), grant.operations.contains("Decrypt")), (grantee.as_str(), true));
    let heard = &all.topics[&deployment.topic()].read().unwrap()[0];
    assert_eq!((heard.protocol.as_str(), heard.endpoint.as_str()), ("email", "example.com"), "no person's address");
    let policies = all.log_groups[&deployment.log_group()].policies.read().unwrap();
    assert!(policies.contains_key("open"), "{policies:?}");
}

#[tokio::test]
async fn a_part_that_is_denied_is_that_parts_problem() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    emulator.proxy().trouble("s3", "GetBucketAcl", 1, Trouble::Error(403, "AccessDenied"));
    emulator.proxy().trouble("kms", "ListGrants", 1, Trouble::Error(400, "AccessDeniedException"));

    let estate = deployment.look(&aws).await;

    let all = around(&estate);
    let problem = all.buckets[&deployment.bucket()].acl.problem().expect("the list was read");
    assert!(problem.help.contains("s3:GetBucketAcl"), "{}", problem.help);
    assert_eq!(all.buckets[&deployment.bucket()].website, Readable::default());
    assert!(all.keys[&deployment.key()].problem().is_some());
    assert!(estate.resource(&deployment.bucket()).is_some(), "the bucket itself was read");
}

#[tokio::test]
async fn a_boundary_that_somebody_adds_is_drift_and_goes() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let made = iam.create_policy().policy_name("Fence").policy_document(EVERYTHING).send().await.unwrap();
    let fence = made.policy().unwrap().arn().unwrap().to_owned();
    let address = deployment.reader(world.account("web"));
    let request = iam.put_role_permissions_boundary().role_name(&address.name).permissions_boundary(&fence);
    request.send().await.unwrap();

    let estate = deployment.look(&aws).await;

    let Some(Resource::Role(role)) = estate.resource(&address) else { panic!("no role") };
    let boundary = role.boundary.as_ref().expect("the boundary was not seen");
    assert_eq!((&boundary.arn, boundary.document.is_some()), (&fence, true));
    assert_eq!(deployment.differences(&estate), [format!("{address} boundary")]);
    aws.execute(&update(deployment.at(&address), &estate, &["boundary"])).await.unwrap();
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
}
