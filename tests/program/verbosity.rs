//! What `-v`, `-vv` and ORGTRAIL_LOG show on standard error, and what they never show.

use crate::run::{Desk, Said};
use crate::support::{Emulator, Trouble, World};

fn run(desk: &Desk, arguments: &str, filter: Option<&str>) -> Said {
    let mut command = desk.command(arguments);
    if let Some(filter) = filter {
        command.env("ORGTRAIL_LOG", filter);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test(flavor = "multi_thread")]
async fn phases_with_v_and_every_call_with_vv() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");

    let plain = run(&desk, "plan", None).expect_code(2);
    assert!(!plain.err.contains("read the organization:") && !plain.err.contains("operation="), "{}", plain.err);

    let phases = run(&desk, "plan -v", None).expect_code(2).err;
    for phase in ["read the organization: 3 accounts, 0 problems in ", "observe: begins", " calls in ", "plan: "] {
        assert!(phases.contains(phase), "{phase}: {phases}");
    }
    assert!(!phases.contains("operation="), "{phases}");

    emulator.proxy().clear();
    emulator.proxy().trouble("iam", "GetAccountSummary", 1, Trouble::Error(400, "Throttling"));
    let calls = run(&desk, "plan -vv", None).expect_code(2).err;
    let lines: Vec<&str> = calls.lines().filter(|line| line.contains("operation=")).collect();
    let made = emulator.proxy().calls();
    assert_eq!(lines.len(), made.len(), "{calls}");
    let throttled: Vec<_> = lines.iter().filter(|line| line.contains("operation=\"GetAccountSummary\"")).collect();
    let has = |line: &str, parts: &[&str]| parts.iter().all(|part| line.contains(part));
    let log = format!("account=\"{}\"", world.log());
    let first = ["service=\"iam\"", log.as_str(), "attempt=1", "status=400", "code=\"Throttling\"", "ms="];
    assert!(has(throttled[0], &first), "{throttled:?}");
    assert!(has(throttled[1], &["attempt=2", "status=200"]), "{throttled:?}");
    for line in &lines {
        assert!(has(line, &["service=", "region=", "attempt=", "ms=", "status="]), "{line}");
    }
    let secrets = made.iter().map(|call| call.access_key.as_str()).filter(|key| key.len() > 8);
    for secret in secrets.chain(["Signature", "Credential", "Security-Token", "SessionToken"]) {
        assert!(!calls.contains(secret), "{secret} is in the log");
    }

    // JSON, with the same fields.
    let json = run(&desk, "plan -vv --log-format json", None).expect_code(2).err;
    let call = json.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let call = call.into_iter().find(|line| line["operation"] == "DescribeOrganization").unwrap();
    assert_eq!(
        (&call["service"], &call["attempt"], &call["status"]),
        (&"organizations".into(), &1.into(), &200.into())
    );

    // ORGTRAIL_LOG adds to the flags, and decides about what it names.
    let both = run(&desk, "plan -v", Some("orgtrail::aws=debug")).expect_code(2).err;
    assert!(both.contains("operation=") && both.contains("read the organization: 3 accounts"), "{both}");
    let less = run(&desk, "plan -vv", Some("orgtrail::aws=off")).expect_code(2).err;
    assert!(!less.contains("operation=") && less.contains("read the organization: 3 accounts"), "{less}");
    let wrong = run(&desk, "plan", Some("orgtrail=shout")).expect_code(2).err;
    assert!(wrong.contains("ORGTRAIL_LOG is not a filter"), "{wrong}");
}
