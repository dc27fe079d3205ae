//! CloudTrail says over the wire that it cannot deliver, or that nothing has arrived for long: every command says so,
//! although nothing was changed.

use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

/// Case 23: what CloudTrail answers.
const STATUS: &str = include_str!("../cases/2026-11/23-in-sync-while-nothing-arrives/get-trail-status.json");

/// Writes times as the service does: seconds since 1970.
fn on_the_wire(mut status: Value) -> String {
    for field in ["LatestDeliveryTime", "StartLoggingTime", "LatestDigestDeliveryTime"] {
        if let Some(time) = status[field].as_str() {
            let time: jiff::Timestamp = time.parse().unwrap();
            status[field] = json!(time.as_second());
        }
    }
    status.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudtrail_says_of_a_delivery_every_command_says() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    desk.run("drift").expect_code(0);

    let answers = |status: Value| {
        emulator.proxy().calm();
        emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 1000, Trouble::Answer(on_the_wire(status)));
    };
    answers(serde_json::from_str(STATUS).unwrap());
    for command in ["drift", "plan", "apply --yes"] {
        let report = desk.run(&format!("{command} --format json")).expect_code(2).json();
        let first = &report["findings"][0];
        assert_eq!((&first["code"], &first["harm"]), (&json!("delivery-fails"), &json!("logs-lost")), "{report:#}");
        assert_eq!(
            (&first["since"], &first["until"]),
            (&json!("2026-11-20T10:02:11Z"), &json!("2026-12-20T10:02:11Z"))
        );
        let message = first["message"].as_str().unwrap();
        assert!(message.contains("AccessDenied") && message.contains("not the policies of bucket"), "{message}");
        assert!(message.contains("resource control policy, which was not read"), "{message}");
        assert_eq!(report["in_sync"], false);
        let codes: Vec<&str> =
            report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["delivery-fails", "digest-delivery-fails"]);
    }
    let human = desk.run("drift").expect_code(2).out;
    assert!(human.contains("Wrong now\n  logs-lost: logs are being lost\n    delivery-fails: "), "{human}");
    let explained = desk.run("explain --live").expect_code(2).out;
    assert!(explained.starts_with("logs-lost delivery-fails: "), "{explained}");
    let round = desk.run("reconcile --once --format json").expect_code(2).json();
    assert_eq!(
        (&round["in_sync"], &round["findings"][0]["code"]),
        (&json!(false), &json!("delivery-fails")),
        "{round:#}"
    );
    let said = desk.run("reconcile --once").expect_code(2).out;
    assert!(said.starts_with("round 1: needs approval"), "{said}");
    let check = desk.run("check --format json").expect_code(2).out;
    assert!(check.contains("is logging, but nothing arrives since 2026-11-20T10:02:11Z: AccessDenied"), "{check}");

    // No error, and nothing for forty days.
    let ago = |days: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days)).to_string();
    answers(json!({"IsLogging": true, "LatestDeliveryTime": ago(40), "StartLoggingTime": ago(90)}));
    for command in ["drift", "plan", "apply --yes", "reconcile --once"] {
        let report = desk.run(&format!("{command} --format json")).expect_code(2).json();
        assert_eq!(report["findings"][0]["code"], "delivery-stale", "{report:#}");
    }

    // Notifications and events for a log group that is not wanted are nobody's concern; what arrives is.
    answers(json!({
        "IsLogging": true, "LatestDeliveryTime": ago(0), "StartLoggingTime": ago(90),
        "LatestNotificationError": "AuthorizationError",
    }));
    desk.run("drift").expect_code(0);
}
