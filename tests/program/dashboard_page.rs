//! The dashboard's page in a real browser: on a desk, on a phone, on paper, light and dark, with hostile names and with
//! more of them than fit.

use std::fs;

use serde_json::{Value, json};

use crate::browser::{Browser, View, too_faint};
use crate::dashboard::{ACCOUNT, deliver, digests, event};
use crate::recorded::Folder;

const FROM: &str = "2026-11-18T00:00:00Z";
const TO: &str = "2026-11-20T00:00:00Z";
/// What an attacker may call a user, or a program.
const HOSTILE: &str =
    "</td><script>window.hacked = 1</script><img src=http://127.0.0.1:9/x onerror='window.hacked = 2'>\u{202e}";

/// What must hold, as expressions that are true, each with what it is about.
const RULES: [(&str, &str); 9] = [
    ("no script has run", "typeof window.hacked === 'undefined'"),
    ("no picture is loaded", "document.images.length === 0 && document.scripts.length === 0"),
    ("it is no wider than the window", "document.documentElement.scrollWidth <= window.innerWidth"),
    (
        "there is one first heading, and no level is left out",
        "(() => { const levels = Array.from(document.querySelectorAll('h1,h2,h3,h4')).map((h) => Number(h.tagName[1])); \
         return levels.filter((l) => l === 1).length === 1 && levels[0] === 1 \
         && levels.every((l, n) => n === 0 || l <= levels[n - 1] + 1); })()",
    ),
    (
        "ids are there once",
        "new Set(Array.from(document.querySelectorAll('[id]')).map((e) => e.id)).size === document.querySelectorAll('[id]').length",
    ),
    (
        "links lead to something",
        "Array.from(document.querySelectorAll('a')).every((a) => document.getElementById(a.hash.slice(1)))",
    ),
    (
        "what can be scrolled can be reached",
        "Array.from(document.querySelectorAll('.wide')).every((r) => r.tabIndex === 0)",
    ),
    (
        "each panel shows how it is asked",
        "Array.from(document.querySelectorAll('.panel')).every((p) => p.querySelectorAll('details pre').length === 2)",
    ),
    (
        "no text of a cell is cut off or overlaps",
        "Array.from(document.querySelectorAll('td > span, .tiles b, .tiles span, p, li')).every((e) => \
         getComputedStyle(e).display === 'inline' || e.scrollWidth <= e.clientWidth + 1)",
    ),
];

fn root_and_hostile() -> Vec<Value> {
    let hostile = json!({
        "type": "IAMUser", "principalId": "X", "accountId": ACCOUNT, "userName": HOSTILE,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{HOSTILE}"),
    });
    let named = |id: &str, source: &str, name: &str, more: Value| {
        let mut fields = json!({
            "userIdentity": hostile, "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
            "readOnly": false, "userAgent": HOSTILE, "sourceIPAddress": HOSTILE, "requestParameters": { "name": HOSTILE.repeat(500) },
        });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(id, "2026-11-19T10:00:00Z", "x", fields)
    };
    vec![
        named("h1", "cloudtrail", "StopLogging", json!({})),
        named("h2", "cloudtrail", HOSTILE, json!({ "errorCode": format!("AccessDenied{HOSTILE}") })),
        named("h3", "iam", "CreateUser", json!({ "requestParameters": { "userName": "n".repeat(20_000) } })),
        named("h4", "s3", "DeleteBucket", json!({ "tlsDetails": { "tlsVersion": "TLSv1.1" } })),
        named(
            "h5",
            "signin",
            "ConsoleLogin",
            json!({ "responseElements": { "ConsoleLogin": "Failure" }, "errorMessage": HOSTILE }),
        ),
        event("r1", "2026-11-18T09:00:00Z", "x", json!({ "userIdentity": { "type": "Root", "accountId": ACCOUNT } })),
    ]
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn everybody_can_read_the_dashboard_on_a_desk_on_a_phone_and_on_paper() {
    let browser = Browser::find();
    let folder = Folder::new();
    let logs = folder.path("logs");
    deliver(&logs, &root_and_hostile());
    let hours: Vec<Value> = (0..48)
        .map(|hour| {
            let time = format!("2026-11-{:02}T{:02}:30:00Z", 18 + hour / 24, hour % 24);
            event(&format!("n{hour}"), &time, &format!("user{}", hour % 7), json!({}))
        })
        .collect();
    deliver(&logs, &hours);
    digests(&logs, ACCOUNT, ("2026-11-16T00:00:00Z", TO), |end| end != "2026-11-19T05:00:00Z");
    folder.must(3, &["dashboard", "--place", "logs", "--from", FROM, "--to", TO, "--output", "page.html"]);
    let page = folder.path("page.html");
    assert!(fs::metadata(&page).unwrap().len() <= 500_000);
    let mut expressions: Vec<&str> = RULES.iter().map(|(_, expression)| *expression).collect();
    let faint = too_faint("");
    expressions.extend([
        faint.as_str(),
        "document.querySelectorAll('svg.chart rect').length",
        "document.body.innerText",
    ]);
    expressions.extend(["getComputedStyle(document.querySelector('nav')).display"]);
    for (window, dark, media, picture) in [
        ((1200, 1400), false, "screen", "dashboard.png"),
        ((1200, 1400), true, "screen", "dashboard-dark.png"),
        ((360, 800), false, "screen", "dashboard-phone.png"),
        ((360, 800), true, "screen", "dashboard-phone-dark.png"),
        ((800, 1100), true, "print", "dashboard-print.png"),
    ] {
        let report = browser.open_as(page.to_str().unwrap(), View { window, dark, picture }, media, &expressions);
        let (rules, rest) = report.values.split_at(RULES.len());
        let broken: Vec<&str> =
            RULES.iter().zip(rules).filter(|(_, value)| **value != true).map(|((rule, _), _)| *rule).collect();
        assert!(broken.is_empty(), "{picture}: {broken:?}");
        assert_eq!(rest[0], json!([]), "{picture}: too faint");
        assert!(rest[1].as_u64() > Some(40), "{picture}: the charts have bars: {}", rest[1]);
        let text = rest[2].as_str().unwrap();
        assert!(text.contains("<script>window.hacked = 1</script>") && text.contains("\\u{202e}"), "{text}");
        assert!(text.contains("Not whole") && text.contains("1 use of root: 1 done, 0 attempted"), "{text}");
        assert_eq!(rest[3] == "none", media == "print", "{picture}");
        assert_eq!(report.errors, Vec::<String>::new(), "{picture}: the console has errors");
        assert_eq!(report.requests.len(), 1, "only the page itself was asked for: {report:?}");
    }
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn of_50_000_callers_the_first_are_shown_and_the_others_counted() {
    let browser = Browser::find();
    let folder = Folder::new();
    let logs = folder.path("logs");
    let one = |at: usize| {
        // The first ones call more, so that there is an order.
        let fields =
            json!({ "errorCode": "AccessDenied", "sourceIPAddress": format!("10.{}.{}.7", at / 250, at % 250) });
        event(&format!("e{at}"), "2026-11-19T10:00:00Z", &format!("{at:05}-{}", "n".repeat(40)), fields)
    };
    let mut all: Vec<Value> = (0..50_000).map(one).collect();
    // Without an event before nobody would be known to be new.
    all.push(event("before", "2026-11-17T10:00:00Z", "before", json!({})));
    deliver(&logs, &all);
    digests(&logs, ACCOUNT, ("2026-11-16T00:00:00Z", TO), |_| true);
    folder.must(0, &["dashboard", "--place", "logs", "--from", FROM, "--to", TO, "--output", "page.html"]);
    let page = folder.path("page.html");
    let size = fs::metadata(&page).unwrap().len();
    assert!(size <= 500_000, "{size}");
    let text = "document.body.innerText";
    let fits = "document.documentElement.scrollWidth <= window.innerWidth";
    let view = View { window: (360, 800), dark: false, picture: "dashboard-many.png" };
    let report = browser.open_as(page.to_str().unwrap(), view, "screen", &[text, fits]);
    let shown = report.values[0].as_str().unwrap();
    assert!(shown.contains("50,000 callers") && shown.contains("and 49,985 more"), "{shown}");
    assert!(shown.contains("50,000 denied calls") && shown.contains("50,000 new principals"), "{shown}");
    assert_eq!(report.values[1], true);
    assert_eq!(report.errors, Vec::<String>::new());
}
