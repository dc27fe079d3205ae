//! AWS Config of an account, whole and with each thing that may be wrong in a region.

use super::*;
use crate::audit::Doubt;
use crate::estate::Stage;
use crate::recorders::{ConfigDelivery, DeliveryChannel, GLOBAL_TYPES};

const ACCOUNT: &str = "222222222222";
const ROLE_ARN: &str = "arn:aws:iam::222222222222:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
const OUTSIDE: CheckVerdict = CheckVerdict::Unknown(Doubt::Outside);
const UNREADABLE: CheckVerdict = CheckVerdict::Unknown(Doubt::Unreadable);

type Known = Result<RegionRecorder, Problem>;

fn recorder(global: bool) -> ConfigRecorder {
    ConfigRecorder {
        name: "default".into(),
        role: Some(ROLE_ARN.into()),
        recording: true,
        started: None,
        stopped: None,
        failure: None,
        types: RecordedTypes::All { global },
        frequency: RecordingFrequency::Continuous,
        overrides: BTreeMap::new(),
    }
}

fn with(recorder: ConfigRecorder) -> Known {
    let channel =
        DeliveryChannel { name: "default".into(), bucket: "acme-config".into(), ..DeliveryChannel::default() };
    Ok(RegionRecorder { recorder: Some(recorder), channel: Some(channel) })
}

fn problem() -> Problem {
    Problem {
        account: ACCOUNT.parse().unwrap(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "config:DescribeConfigurationRecorders is denied".into(),
        help: String::new(),
    }
}

/// Asks about an account whose home region records the global types, and about another region of it.
fn asked(question: RecorderQuestion, other: Known) -> (CheckVerdict, String, Fix) {
    asked_of(question, [("eu-central-1", with(recorder(true))), ("eu-west-1", other)])
}

fn asked_of<const N: usize>(question: RecorderQuestion, regions: [(&str, Known); N]) -> (CheckVerdict, String, Fix) {
    let regions = regions.into_iter().map(|(region, known)| (region.parse().unwrap(), known)).collect();
    let known = AccountRecorders::Regions(regions);
    let ((verdict, fact), fix) = of_account(question, Partition::Aws, &ACCOUNT.parse().unwrap(), &known);
    (verdict, fact, fix)
}

use RecorderQuestion::{EveryType, On, ServiceLinked, ServiceRole};

#[test]
fn a_recorder_of_all_types_in_every_region_and_of_the_global_ones_in_one_passes_everything() {
    let whole =
        "the configuration recorder is on with all types in 2 enabled regions, the global types in eu-central-1";
    for (question, fact) in [
        (On, "the configuration recorder is on in 2 enabled regions"),
        (EveryType, whole),
        (ServiceLinked, whole),
        (ServiceRole, "every configuration recorder that is on has the service-linked role"),
    ] {
        let expected = (CheckVerdict::Pass, fact.to_owned(), Fix::None);
        assert_eq!(asked(question, with(recorder(false))), expected, "{question:?}");
    }
}

#[test]
fn a_region_without_a_recorder_or_with_one_that_is_off_or_fails_fails_and_is_named() {
    let stopped = Some("2026-11-01T00:00:00Z".parse().unwrap());
    let off = with(ConfigRecorder { recording: false, stopped, ..recorder(false) });
    let failing = with(ConfigRecorder { failure: Some("InsufficientPermissions".into()), ..recorder(false) });
    for (region, fact) in [
        (Ok(RegionRecorder::default()), "in eu-west-1: there is no configuration recorder"),
        (off, "in eu-west-1: the configuration recorder is off since 2026-11-01T00:00:00Z"),
        (failing, "in eu-west-1: the configuration recorder fails: InsufficientPermissions"),
    ] {
        for question in [On, EveryType, ServiceLinked] {
            let expected = (CheckVerdict::Fail, fact.to_owned(), Fix::Elsewhere(TURN_ON));
            assert_eq!(asked(question, region.clone()), expected, "{question:?}");
        }
        assert_eq!(asked(ServiceRole, region).0, CheckVerdict::Pass, "only the role is asked for");
    }
}

#[test]
fn types_that_are_left_out_fail_the_benchmark_and_security_hub_may_not_need_them() {
    let types = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    for (recorded, fact) in [
        (RecordedTypes::Only(types(&["AWS::S3::Bucket"])), "in eu-west-1: the recorder records only AWS::S3::Bucket"),
        (RecordedTypes::Only(BTreeSet::new()), "in eu-west-1: the recorder records no type"),
        (RecordedTypes::AllBut(types(&["AWS::S3::Bucket"])), "in eu-west-1: the recorder leaves out AWS::S3::Bucket"),
    ] {
        let region = || with(ConfigRecorder { types: recorded.clone(), ..recorder(false) });
        assert_eq!(asked(EveryType, region()), (CheckVerdict::Fail, fact.to_owned(), Fix::Elsewhere(TURN_ON)));
        let (verdict, said, _) = asked(ServiceLinked, region());
        assert_eq!(verdict, OUTSIDE);
        assert!(said.starts_with(fact) && said.ends_with("need is not read"), "{said}");
        assert_eq!(asked(On, region()).0, CheckVerdict::Pass);
    }
    let nothing = with(ConfigRecorder { types: RecordedTypes::AllBut(BTreeSet::new()), ..recorder(false) });
    assert_eq!(asked(EveryType, nothing).0, CheckVerdict::Pass);
}

#[test]
fn global_types_that_no_region_records_fail_and_those_that_several_pay_for_are_said() {
    let none = [("eu-central-1", with(recorder(false))), ("eu-west-1", with(recorder(false)))];
    let (verdict, fact, _) = asked_of(EveryType, none);
    assert_eq!(verdict, CheckVerdict::Fail);
    assert_eq!(fact, "no region records the global types (IAM users, groups, roles and policies)");
    // In newer regions AWS Config does not record them, whatever the recorder says.
    assert_eq!(asked_of(EveryType, [("eu-south-2", with(recorder(true)))]).0, CheckVerdict::Fail);
    let (verdict, fact, _) = asked(EveryType, with(recorder(true)));
    assert_eq!(verdict, CheckVerdict::Pass);
    assert!(
        fact.ends_with("the global types in eu-central-1 and eu-west-1, in each of which they are paid for"),
        "{fact}"
    );
}

#[test]
fn what_cannot_be_read_is_no_pass_and_may_be_where_the_global_types_are_recorded() {
    for question in [On, EveryType, ServiceLinked, ServiceRole] {
        let (verdict, fact, fix) = asked(question, Err(problem()));
        assert_eq!((verdict, fix), (UNREADABLE, Fix::None), "{question:?}");
        let denied =
            "in eu-west-1: it could not be read: AccessDenied: config:DescribeConfigurationRecorders is denied";
        assert_eq!(fact, denied);
    }
    let unknown = [("eu-central-1", Err(problem())), ("eu-west-1", with(recorder(false)))];
    let (verdict, fact, _) = asked_of(EveryType, unknown);
    assert_eq!(verdict, UNREADABLE);
    assert!(fact.contains("whether a region records the global types"), "{fact}");
    // What is known to be wrong stays wrong.
    let off = ConfigRecorder { recording: false, ..recorder(false) };
    assert_eq!(asked_of(On, [("eu-central-1", Err(problem())), ("eu-west-1", with(off))]).0, CheckVerdict::Fail);
    assert_eq!(asked_of(On, []).0, UNREADABLE);
}

#[test]
fn another_role_fails_where_the_service_linked_one_is_asked_for() {
    let own = || with(ConfigRecorder { role: Some("arn:aws:iam::222222222222:role/own".into()), ..recorder(false) });
    let fact = "in eu-west-1: the recorder's role is arn:aws:iam::222222222222:role/own, not the service-linked one";
    for question in [ServiceLinked, ServiceRole] {
        assert_eq!(asked(question, own()), (CheckVerdict::Fail, fact.to_owned(), Fix::Elsewhere(SERVICE_ROLE)));
    }
    assert_eq!(asked(EveryType, own()).0, CheckVerdict::Pass);
    assert_eq!(asked(ServiceRole, with(ConfigRecorder { role: None, ..recorder(false) })).0, UNREADABLE);
    let of_other = ROLE_ARN.replace(ACCOUNT, "333333333333");
    let of_other = with(ConfigRecorder { role: Some(of_other), ..recorder(false) });
    assert_eq!(asked(ServiceRole, of_other).0, CheckVerdict::Fail, "the role of another account is not its own");
}

#[test]
fn a_delivery_that_fails_and_a_missing_channel_fail() {
    let failing = ConfigDelivery { succeeded: None, failure: Some("AccessDenied".into()) };
    let channel = DeliveryChannel { bucket: "acme-config".into(), history: failing, ..DeliveryChannel::default() };
    let fails = RegionRecorder { recorder: Some(recorder(false)), channel: Some(channel) };
    let (verdict, fact, _) = asked(EveryType, Ok(fails));
    assert_eq!(
        (verdict, &*fact),
        (CheckVerdict::Fail, "in eu-west-1: the delivery to acme-config fails: AccessDenied")
    );
    let none = RegionRecorder { recorder: Some(recorder(false)), channel: None };
    assert_eq!(asked(EveryType, Ok(none)).1, "in eu-west-1: there is no delivery channel");
}

#[test]
fn daily_recording_is_said_because_changes_within_a_day_are_not_seen() {
    let daily = with(ConfigRecorder { frequency: RecordingFrequency::Daily, ..recorder(false) });
    let overrides = BTreeMap::from([(GLOBAL_TYPES[0].to_owned(), RecordingFrequency::Daily)]);
    let some = with(ConfigRecorder { overrides, ..recorder(false) });
    for region in [daily, some] {
        let (verdict, fact, _) = asked(EveryType, region);
        assert_eq!(verdict, CheckVerdict::Pass);
        assert!(fact.ends_with("; daily only, of some types at least, in eu-west-1"), "{fact}");
    }
}

#[test]
fn what_was_not_asked_or_not_selected_is_outside_and_says_so() {
    let organization = Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: "111111111111".parse().unwrap(),
        units: BTreeMap::new(),
        accounts: BTreeMap::new(),
    };
    let said = |recorders: &Recorders| {
        let [check] = &answers(EveryType, &organization, recorders)[..] else { panic!("one answer") };
        (check.verdict, check.fact.clone())
    };
    assert_eq!(said(&Recorders::NotAsked), (OUTSIDE, "AWS Config was not looked at; use --aws-config".into()));
    let recorded = "a recorded estate does not hold AWS Config; run without --estate";
    assert_eq!(said(&Recorders::NotRecorded), (UNREADABLE, recorded.into()), "it was asked for");
    let known = Recorders::Known(BTreeMap::from([(ACCOUNT.parse().unwrap(), AccountRecorders::NotSelected)]));
    assert_eq!(said(&known), (OUTSIDE, "the configuration does not select this account".into()));
    let unknown =
        Recorders::Known(BTreeMap::from([(ACCOUNT.parse().unwrap(), AccountRecorders::Unreadable(problem()))]));
    assert_eq!((said(&unknown).0, unknown.problems()), (UNREADABLE, vec![problem()]));
}
