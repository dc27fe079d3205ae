//! Whole histories of resources that have other names, ids, paths or regions than one thinks, and of which records
//! contradict each other: each with the end that must be told.

use crate::event::Record;
use crate::investigate::history::{Histories, ResourceHistory};
use crate::investigate::timeline::Ending;
use crate::resource_types::ResourceTypes;

/// A record: the minute of its event, its caller, the service and call, and more fields.
fn event(minute: u32, by: &str, call: &str, more: &str) -> String {
    let (source, call) = call.split_once(':').unwrap();
    let region = if source == "iam" { "us-east-1" } else { "eu-central-1" };
    let (hour, minute) = (minute / 60, minute % 60);
    let region = format!(r#""awsRegion":"{region}","#);
    let region = if more.contains("awsRegion") { String::new() } else { region };
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-01T{hour:02}:{minute:02}:00Z","eventSource":"{source}.amazonaws.com",
        "eventName":"{call}",{region}"eventID":"{by}","recipientAccountId":"111122223333",
        "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/{by}","accountId":"111122223333"}}{more}}}"#
    )
}

fn asked(minute: u32, by: &str, call: &str, request: &str) -> String {
    event(minute, by, call, &format!(r#","requestParameters":{{{request}}}"#))
}

fn histories(subject: &str, events: &[String]) -> Histories {
    let types = ResourceTypes::built_in().unwrap();
    let records: Vec<Record<'_>> = events.iter().map(|event| Record::read(event).unwrap()).collect();
    Histories::of(&types, &types.candidates(subject).unwrap(), &records)
}

fn end(own: &ResourceHistory) -> String {
    let last = own.incarnations.last().map_or(Ending::Nothing, |last| last.ending());
    match last {
        Ending::DoneBy(step) => format!("deleted by {}", step.event_id),
        Ending::EndedByAws(step) => format!("ended by AWS in {}", step.event_id),
        Ending::Waits(step) => format!("waits by {}", step.event_id),
        Ending::RenamedBy(step) => format!("renamed by {} to {}", step.event_id, step.other_name.as_deref().unwrap()),
        Ending::MaybeBy(step) => format!("maybe by {}", step.event_id),
        Ending::AttemptedBy(step) => format!("tried by {}", step.event_id),
        Ending::Nothing => "nothing".to_owned(),
    }
}

/// Returns how the one resource of a subject ended.
#[track_caller]
fn ending(subject: &str, events: &[String]) -> String {
    let all = histories(subject, events);
    assert_eq!(all.resources.len(), 1, "{all:#?}");
    end(&all.resources[0])
}

#[test]
fn what_was_given_another_name_is_told_under_that() {
    let rds = |name: &str| format!(r#""dBInstanceIdentifier":"{name}""#);
    let renamed = |more: &str| {
        asked(2, "ren", "rds:ModifyDBInstance", &format!(r#"{},"newDBInstanceIdentifier":"new"{more}"#, rds("old")))
    };
    let at_once = r#","applyImmediately":true"#;
    let made = asked(1, "ann", "rds:CreateDBInstance", &rds("old"));
    let deleted = asked(3, "bob", "rds:DeleteDBInstance", &rds("new"));
    let (old, new) = ("arn:aws:rds:eu-central-1:111122223333:db:old", "arn:aws:rds:eu-central-1:111122223333:db:new");
    let all = [made.clone(), renamed(at_once), deleted.clone()];
    assert_eq!(
        (ending(old, &all), ending(new, &all)),
        ("renamed by ren to new".to_owned(), "deleted by bob".to_owned())
    );
    let found = histories(old, &all);
    let names: Vec<String> = found.resources[0].other_names().map(|(name, _)| name).collect();
    assert_eq!(names, ["AWS::RDS::DBInstance new"]);
    // It may still wait for its window.
    assert_eq!(ending(old, &[made.clone(), renamed(""), deleted]), "maybe by ren");
    // The name may be used again.
    let again = asked(4, "cid", "rds:CreateDBInstance", &rds("old"));
    assert_eq!(ending(old, &[made.clone(), renamed(at_once), again]), "nothing");
    let other = asked(2, "mod", "rds:ModifyDBInstance", &format!(r#"{},"newDBInstanceIdentifier":"OLD""#, rds("old")));
    assert_eq!(ending(old, &[made, other]), "nothing", "capitals make no other name");
    for (kind, call, old, new, made) in [
        ("user", "iam:UpdateUser", "userName", "newUserName", "CreateUser"),
        ("group", "iam:UpdateGroup", "groupName", "newGroupName", "CreateGroup"),
        ("login profile", "iam:UpdateUser", "userName", "newUserName", "CreateLoginProfile"),
        ("db cluster", "rds:ModifyDBCluster", "dBClusterIdentifier", "newDBClusterIdentifier", "CreateDBCluster"),
        ("redshift cluster", "redshift:ModifyCluster", "clusterIdentifier", "newClusterIdentifier", "CreateCluster"),
    ] {
        let source = call.split_once(':').unwrap().0;
        let all = [
            asked(1, "ann", &format!("{source}:{made}"), &format!(r#""{old}":"one""#)),
            asked(2, "ren", call, &format!(r#""{old}":"one","{new}":"two","applyImmediately":true"#)),
        ];
        let of = |name: &str| {
            let types = ResourceTypes::built_in().unwrap();
            let records: Vec<Record<'_>> = all.iter().map(|event| Record::read(event).unwrap()).collect();
            let candidates = types.candidates(&format!("{kind} {name}")).unwrap();
            let placed = candidates.into_iter().map(|own| own.within(Some("111122223333"), Some("eu-central-1")));
            Histories::of(&types, &placed.collect::<Vec<_>>(), &records)
        };
        assert_eq!(end(&of("one").resources[0]), "renamed by ren to two", "{kind}");
        let named = &of("two").resources[0].incarnations[0];
        assert_eq!((named.created, named.steps[0].other_name.as_deref()), (None, Some("one")), "{kind}");
    }
}

#[test]
fn a_deletion_by_the_id_of_an_earlier_one_of_the_name_ends_that_one() {
    let arn = |end: &str| format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-{end}");
    let made = |minute: u32, by: &str, end: &str| {
        let more = format!(r#","requestParameters":{{"name":"db"}},"responseElements":{{"arn":"{}"}}"#, arn(end));
        event(minute, by, "secretsmanager:CreateSecret", &more)
    };
    let forced = |by: &str, id: &str| {
        let request = format!(r#""secretId":"{id}","forceDeleteWithoutRecovery":true"#);
        asked(9, by, "secretsmanager:DeleteSecret", &request)
    };
    let first = [
        made(1, "ann", "AbCdEf"),
        asked(2, "bob", "secretsmanager:DeleteSecret", r#""secretId":"db","recoveryWindowInDays":"7""#),
    ];
    let subject = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db";
    let with = |more: &[String]| [&first[..], more].concat();
    let second = made(3, "cid", "GhIjKl");
    assert_eq!(ending(subject, &with(&[second.clone(), forced("eve", &arn("AbCdEf"))])), "nothing");
    assert_eq!(ending(subject, &with(&[second.clone(), forced("eve", &arn("GhIjKl"))])), "deleted by eve");
    assert_eq!(ending(subject, &with(&[second.clone(), forced("eve", "db")])), "deleted by eve");
    // The earlier one may not be among the records.
    assert_eq!(ending(subject, &[second, forced("eve", &arn("AbCdEf"))]), "nothing");
    // Ids of other types tell so too.
    let stack = |id: &str| format!("arn:aws:cloudformation:eu-central-1:111122223333:stack/app/{id}");
    let made = |minute: u32, by: &str, id: &str| {
        let more =
            format!(r#","requestParameters":{{"stackName":"app"}},"responseElements":{{"stackId":"{}"}}"#, stack(id));
        event(minute, by, "cloudformation:CreateStack", &more)
    };
    let deleted = asked(9, "eve", "cloudformation:DeleteStack", &format!(r#""stackName":"{}""#, stack("a-1")));
    assert_eq!(ending("stack app", &[made(1, "ann", "a-1"), made(2, "cid", "b-2"), deleted]), "nothing");
}

#[test]
fn a_call_of_one_service_ends_what_is_of_another() {
    let snapshot = "arn:aws:ec2:eu-central-1::snapshot/snap-0a1b2c3d";
    for (subject, call, request) in [
        (
            "i-0a1b2c3d",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
            r#""instanceId":"i-0a1b2c3d","shouldDecrementDesiredCapacity":true"#,
        ),
        ("snap-0a1b2c3d", "backup:DeleteRecoveryPoint", &*format!(r#""recoveryPointArn":"{snapshot}""#)),
        (
            "ami-0a1b2c3d",
            "backup:DeleteRecoveryPoint",
            r#""recoveryPointArn":"arn:aws:ec2:eu-central-1::image/ami-0a1b2c3d""#,
        ),
        (
            "rds snapshot awsbackup:job-1",
            "backup:DeleteRecoveryPoint",
            r#""recoveryPointArn":"arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:job-1""#,
        ),
    ] {
        let deleted = asked(1, "bob", call, request);
        let all = histories(subject, std::slice::from_ref(&deleted));
        assert_eq!(all.resources.len(), 1, "{subject}");
        assert_eq!(end(&all.resources[0]), "deleted by bob", "{subject}");
        // What the service does for it then is not another end.
        let later =
            asked(2, "svc", "ec2:TerminateInstances", r#""instancesSet":{"items":[{"instanceId":"i-0a1b2c3d"}]}"#);
        assert_eq!(end(&histories(subject, &[deleted, later]).resources[0]), "deleted by bob", "{subject}");
    }
    let cluster = r#""recoveryPointArn":"arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:awsbackup:job-1""#;
    let deleted = asked(1, "bob", "backup:DeleteRecoveryPoint", cluster);
    assert!(histories("rds snapshot awsbackup:job-1", &[deleted]).resources.is_empty(), "that is another type");
}

#[test]
fn a_key_in_several_regions_is_a_key_in_each() {
    let id = "mrk-0123456789abcdef0123456789abcdef";
    let of = |region: &str| format!(r#","awsRegion":"{region}""#);
    let key = |request: &str| format!(r#","requestParameters":{{"keyId":"{id}"{request}}}"#);
    let made = format!(r#"{},"responseElements":{{"keyMetadata":{{"keyId":"{id}"}}}}"#, of("eu-central-1"));
    let replica = of("eu-central-1") + &key(r#","replicaRegion":"us-west-2""#);
    let all = [
        event(1, "ann", "kms:CreateKey", &made),
        event(2, "bob", "kms:ReplicateKey", &replica),
        event(3, "eve", "kms:ScheduleKeyDeletion", &(of("us-west-2") + &key(""))),
    ];
    let found = histories(id, &all);
    let mut told: Vec<_> = found
        .resources
        .iter()
        .map(|own| {
            let maker = own.incarnations.last().unwrap().maker().map(|step| step.event_id.clone());
            (own.resource.identity.region.clone().unwrap(), end(own), maker.unwrap())
        })
        .collect();
    told.sort();
    let own = |region: &str, end: &str, maker: &str| (region.to_owned(), end.to_owned(), maker.to_owned());
    assert_eq!(told, [own("eu-central-1", "nothing", "ann"), own("us-west-2", "waits by eve", "bob")]);
    let arn = |region: &str| format!("arn:aws:kms:{region}:111122223333:key/{id}");
    assert_eq!(
        (ending(&arn("eu-central-1"), &all), ending(&arn("us-west-2"), &all)),
        ("nothing".into(), "waits by eve".into())
    );
    // So are the replicas of a secret, which a call in the region of the first one makes and ends.
    let secret = |region: &str| format!("arn:aws:secretsmanager:{region}:111122223333:secret:db-AbCdEf");
    let request = |more: &str| format!(r#""secretId":"db",{more}"#);
    let all = [
        event(
            1,
            "ann",
            "secretsmanager:CreateSecret",
            &format!(
                r#","requestParameters":{{"name":"db","addReplicaRegions":[{{"region":"us-west-2"}}]}},"responseElements":{{"arn":"{}"}}"#,
                secret("eu-central-1")
            ),
        ),
        asked(
            2,
            "bob",
            "secretsmanager:ReplicateSecretToRegions",
            &request(r#""addReplicaRegions":[{"region":"us-east-1"}]"#),
        ),
        asked(
            3,
            "eve",
            "secretsmanager:RemoveRegionsFromReplication",
            &request(r#""removeReplicaRegions":["us-west-2"]"#),
        ),
    ];
    for (region, end) in [("eu-central-1", "nothing"), ("us-east-1", "nothing"), ("us-west-2", "deleted by eve")] {
        assert_eq!(ending(&secret(region), &all), end, "{region}");
    }
    assert!(histories(&secret("sa-east-1"), &all).resources.is_empty());
}

#[test]
fn what_aws_could_not_do_or_does_too_early_is_not_what_was_asked_for() {
    let closed = asked(1, "ann", "organizations:CloseAccount", r#""accountId":"444455556666""#);
    let result = |state: &str| {
        let details = format!(
            r#","eventType":"AwsServiceEvent","serviceEventDetails":{{"closeAccountStatus":{{"accountId":"444455556666","state":"{state}"}}}}"#
        );
        event(2, "aws", "organizations:CloseAccountResult", &details)
    };
    assert_eq!(ending("account 444455556666", &[closed.clone(), result("SUCCEEDED")]), "deleted by ann");
    assert_eq!(ending("account 444455556666", &[closed.clone(), result("FAILED")]), "tried by aws");
    let made = event(
        1,
        "aws",
        "organizations:CreateAccountResult",
        r#","eventType":"AwsServiceEvent","serviceEventDetails":{"createAccountStatus":{"accountId":"444455556666","state":"FAILED"}}"#,
    );
    let failed = histories("account 444455556666", &[made]);
    assert_eq!(failed.resources[0].incarnations[0].created, None);
    // A key is not deleted before its day.
    let id = "0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4";
    let asked = asked(1, "ann", "kms:ScheduleKeyDeletion", &format!(r#""keyId":"{id}","pendingWindowInDays":"7""#));
    let done = |day: u32| {
        let details = format!(r#","eventType":"AwsServiceEvent","serviceEventDetails":{{"keyId":"{id}"}}"#);
        event(5, "aws", "kms:DeleteKey", &details).replace("2026-11-01", &format!("2026-11-{day:02}"))
    };
    for (day, is_asked) in [(8, true), (3, false)] {
        let all = histories(&format!("kms key {id}"), &[asked.clone(), done(day)]);
        let last = all.resources[0].incarnations.last().unwrap();
        assert_eq!((last.carried_out.is_some(), last.unseen.is_none()), (is_asked, is_asked), "{last:#?}");
    }
}

#[test]
fn records_of_one_event_about_two_things_contradict_each_other() {
    let deleted = asked(2, "bob", "iam:DeleteRole", r#""roleName":"x""#);
    let arn = "arn:aws:iam::111122223333:role/x";
    assert_eq!(ending(arn, std::slice::from_ref(&deleted)), "deleted by bob");
    for other in [
        asked(2, "bob", "iam:DeleteRole", r#""roleName":"y""#),
        asked(2, "bob", "iam:GetRole", r#""roleName":"x""#),
        asked(1, "bob", "s3:DeleteBucket", r#""bucketName":"x""#),
        asked(2, "bob", "iam:DeleteRole", r#""roleName":"y""#).replace(r#""eventID":"bob""#, r#""eventID":"BOB""#),
    ] {
        for events in [[deleted.clone(), other.clone()], [other.clone(), deleted.clone()]] {
            let all = histories(arn, &events);
            assert_eq!(end(&all.resources[0]), "maybe by bob", "{other}");
            let last = &all.resources[0].incarnations[0];
            assert!(last.steps.iter().all(|step| step.is_disputed) && last.or_ended().len() == 1, "{last:#?}");
            assert_eq!(all.deciding_events().into_keys().collect::<Vec<_>>(), ["bob"]);
        }
    }
}

#[test]
fn a_role_that_is_asked_for_by_its_arn_is_none_of_another_path() {
    let arn = |path: &str| format!("arn:aws:iam::111122223333:role/{path}x");
    let made = |minute: u32, by: &str, path: &str| {
        let more = format!(
            r#","requestParameters":{{"roleName":"x"}},"responseElements":{{"role":{{"arn":"{}","roleId":"AROA{by}0000000000000"}}}}"#,
            arn(path)
        );
        event(minute, by, "iam:CreateRole", &more)
    };
    let deleted = |minute: u32, by: &str| asked(minute, by, "iam:DeleteRole", r#""roleName":"x""#);
    let of = |path: &str, events: &[String]| {
        let all = histories(&arn(path), events);
        let own = &all.resources[0];
        (end(own), own.namesakes.iter().cloned().collect::<Vec<_>>(), own.is_path_unsaid)
    };
    let all = [made(1, "ANN", "a/"), deleted(2, "bob"), made(3, "CID", "b/"), deleted(4, "eve")];
    assert_eq!(of("a/", &all), ("deleted by bob".to_owned(), vec![arn("b/")], false));
    assert_eq!(of("b/", &all), ("deleted by eve".to_owned(), vec![arn("a/")], false));
    assert_eq!(of("c/", &all), ("nothing".to_owned(), vec![arn("a/"), arn("b/")], false));
    // No record says which path it had.
    assert_eq!(of("a/", &all[1..2]), ("deleted by bob".to_owned(), vec![], true));
    assert_eq!(of("", &all[1..2]), ("deleted by bob".to_owned(), vec![], false));
    assert_eq!(of("", &all[..3]), ("nothing".to_owned(), vec![arn("a/"), arn("b/")], false));
}
