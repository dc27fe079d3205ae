//! The page of `orgtrail who` in a real browser: the pictures of chains and timelines on a desk, on a phone and on
//! paper, light and dark, with hostile text and with very many calls.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::{Browser, View, too_faint};
use crate::explore::{ACCOUNT, HOSTILE, OTHER, archive, deliver, event};
use crate::recorded::Folder;

/// What must hold on each page, as expressions that are true, each with what it is about.
const RULES: [(&str, &str); 8] = [
    ("no script has run, and none is there", "typeof window.hacked === 'undefined' && document.scripts.length === 0"),
    ("it is no wider than the window", "document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
    ("it is small", "document.documentElement.outerHTML.length < 300000"),
    (
        "each picture has words",
        "Array.from(document.querySelectorAll('svg[role=img]')).every((s) => s.getAttribute('aria-label') && \
         s.querySelector(':scope > title').textContent === s.getAttribute('aria-label'))",
    ),
    (
        "what is in a box stays in it",
        "Array.from(document.querySelectorAll('ol.chain svg')).every((s) => { \
         const box = s.querySelector('rect').getBBox(); \
         return Array.from(s.querySelectorAll('text:not(.beside)')).every((t) => { const own = t.getBBox(); \
         return own.x >= box.x && own.x + own.width <= box.x + box.width && own.y + own.height <= box.y + box.height; }); })",
    ),
    (
        "words beside an arrow stay beside it",
        "Array.from(document.querySelectorAll('ol.chain text.beside')).every((t) => { const own = t.getBBox(); \
         return own.x + own.width <= 105 && own.y >= 0 && own.y + own.height <= t.ownerSVGElement.viewBox.baseVal.height; })",
    ),
    (
        "labels of a timeline are inside and apart",
        "Array.from(document.querySelectorAll('figure.lanes > svg')).every((s) => { const room = s.getBoundingClientRect(); \
         const all = Array.from(s.querySelectorAll('text.label')).map((t) => t.getBoundingClientRect()).filter((r) => r.width); \
         return all.every((r) => r.left >= room.left - 1 && r.right <= room.right + 1 && r.bottom <= room.bottom + 1) && \
         all.every((a, n) => all.every((b, m) => n === m || a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 2 || b.bottom <= a.top + 2)); })",
    ),
    (
        "marks do not lie on each other",
        "Array.from(document.querySelectorAll('figure.lanes > svg')).every((s) => { \
         const all = Array.from(s.querySelectorAll('svg.mark path')).map((p) => p.getBoundingClientRect()); \
         return all.every((a, n) => all.every((b, m) => n === m || a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1)); })",
    ),
];

/// Writes the page of an answer, opens it in each way, and returns its text on a desk with the values of `more`.
fn looked_at(browser: &Browser, folder: &Folder, subject: &[&str], name: &str, more: &[&str]) -> (String, Vec<Value>) {
    let page = folder.path(&format!("{name}.html"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.args(["who", "--place"]).arg(folder.path("logs")).arg("--output").arg(&page).args(subject);
    command.args(["--from", "2026-11-18T00:00:00Z", "--to", "2026-11-20T00:00:00Z"]);
    command.env_clear().env("HOME", folder.path("")).current_dir(folder.path(""));
    let done = command.output().unwrap();
    assert!(matches!(done.status.code(), Some(0 | 3)), "{done:?}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains("<script") && !html.contains("style=\""), "{name}");
    // Texts of drawings count too: their colour is what they are filled with.
    let faint = too_faint(
        "for (const e of document.querySelectorAll('svg text')) {
            const found = ratio(numbers(getComputedStyle(e).fill), behind(e));
            if (found < 4.5) faint.push(`${found.toFixed(2)} ${e.className.baseVal}: ${e.textContent}`);
        }",
    );
    let mut expressions: Vec<&str> = RULES.iter().map(|(_, expression)| *expression).collect();
    expressions.extend([faint.as_str(), "document.body.innerText"]);
    expressions.extend(more);
    let (mut text, mut values) = (String::new(), Vec::new());
    for (window, dark, media, way) in [
        ((1280, 1400), false, "screen", ""),
        ((1280, 1400), true, "screen", "-dark"),
        ((360, 900), false, "screen", "-phone"),
        ((800, 1100), true, "print", "-print"),
    ] {
        let picture = format!("who-{name}{way}.png");
        let report =
            browser.open_as(page.to_str().unwrap(), View { window, dark, picture: &picture }, media, &expressions);
        let (rules, rest) = report.values.split_at(RULES.len());
        let broken: Vec<&str> =
            RULES.iter().zip(rules).filter(|(_, value)| **value != true).map(|((rule, _), _)| *rule).collect();
        assert!(broken.is_empty(), "{picture}: {broken:?}");
        assert_eq!(rest[0], json!([]), "{picture}: too faint");
        assert_eq!(report.errors, Vec::<String>::new(), "{picture}: the console has errors");
        if way.is_empty() {
            text = rest[1].as_str().unwrap().to_owned();
            values = rest[2..].to_vec();
        }
    }
    (text, values)
}

/// The access key of a session, and the record of the call that gave it out.
fn assumed(id: &str, time: &str, caller: Value, role: &str, name: &str, key: &str) -> Value {
    let fields = json!({
        "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "userIdentity": caller,
        "requestParameters": { "roleArn": role, "roleSessionName": name },
        "responseElements": {
            "credentials": { "accessKeyId": key, "expiration": "Nov 19, 2026 11:00:00 AM" },
            "assumedRoleUser": { "assumedRoleId": format!("AROAX:{name}"), "arn": of_session(role, name) },
        },
    });
    event(id, time, "x", fields)
}

fn of_session(role: &str, name: &str) -> String {
    format!("{}/{name}", role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"))
}

/// Whoever calls in a session of a role.
fn session(role: &str, name: &str, key: &str, began: &str) -> Value {
    let account = role.split(':').nth(4).unwrap();
    json!({
        "type": "AssumedRole", "principalId": format!("AROAX:{name}"), "accountId": account, "accessKeyId": key,
        "arn": of_session(role, name),
        "sessionContext": {
            "sessionIssuer": { "type": "Role", "principalId": "AROAX", "arn": role, "accountId": account, "userName": "x" },
            "attributes": { "creationDate": began, "mfaAuthenticated": "false" },
        },
    })
}

fn bucket(id: &str, time: &str, user: &str, call: &str, more: Value) -> Value {
    let mut fields =
        json!({ "eventName": call, "readOnly": false, "requestParameters": { "bucketName": "acme-files" } });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(id, time, user, fields)
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn the_chain_and_the_timeline_are_pictures_that_everybody_can_read() {
    let browser = Browser::find();
    let folder = archive();
    let boxes = "Array.from(document.querySelectorAll('ol.chain')).map((c) => Array.from(c.querySelectorAll('title')).map((t) => t.textContent))";
    let marks = "Array.from(document.querySelectorAll('svg.mark title')).map((t) => t.textContent)";
    let (text, values) = looked_at(&browser, &folder, &["bucket", "acme-files"], "bucket", &[boxes, marks]);
    assert!(text.contains("Deleted 2026-11-19T10:20:00Z") && text.contains("created 1"), "{text}");
    let ended = values[0][0].as_array().unwrap();
    let is_said = |at: usize, parts: &[&str]| {
        let title = ended[at].as_str().unwrap();
        assert!(parts.iter().all(|part| title.contains(part)), "{parts:?}: {title}");
    };
    assert_eq!(ended.len(), 3, "{ended:?}");
    is_said(0, &["IAM user: user/bob", ACCOUNT]);
    is_said(
        1,
        &["AssumeRole, 2026-11-19T10:00:00Z, proven by key; then session of a role: role/deploy", "session \"night\""],
    );
    is_said(2, &["2026-11-19T10:20:00Z", "the call: DeleteBucket"]);
    let marks = values[1].as_array().unwrap();
    for (mark, said) in marks.iter().zip(["created: CreateBucket", "attempted: DeleteBucket", "deleted: DeleteBucket"])
    {
        assert!(mark.as_str().unwrap().contains(said), "{marks:?}");
    }
    // The table is still there.
    assert!(text.contains("event tried"), "{text}");
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn pictures_stay_small_and_readable_with_hostile_names_long_chains_and_very_many_calls() {
    let browser = Browser::find();
    let folder = Folder::new();
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let roles = [
        role(ACCOUNT, "path/that-is/very-long/and-goes-on/administrator-of-the-production-environment"),
        role(OTHER, HOSTILE),
        role(OTHER, &"n".repeat(600)),
    ];
    let names = ["night\u{200b}\u{202e}".to_owned(), HOSTILE.to_owned(), "漢".repeat(60)];
    let keys = ["ASIAEXAMPLEEXAMPLE01", "ASIAEXAMPLEEXAMPLE02", "ASIAEXAMPLEEXAMPLE03"];
    let user = json!({ "type": "IAMUser", "principalId": "AIDAX", "accountId": ACCOUNT, "userName": HOSTILE,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{HOSTILE}") });
    let began = |at: usize| format!("2026-11-19T10:0{at}:00Z");
    let own = |at: usize| session(&roles[at], &names[at], keys[at], &began(at));
    let mut all = vec![
        assumed("a0", &began(0), user, &roles[0], &names[0], keys[0]),
        assumed("a1", &began(1), own(0), &roles[1], &names[1], keys[1]),
        assumed("a2", &began(2), own(1), &roles[2], &names[2], keys[2]),
        bucket("gone", "2026-11-19T10:20:00Z", "x", "DeleteBucket", json!({ "userIdentity": own(2) })),
    ];
    // Two earlier ones of this name, and hundreds of changes of the last one.
    all.push(bucket("made0", "2026-11-18T01:00:00Z", "ann", "CreateBucket", json!({})));
    all.push(bucket("gone0", "2026-11-18T02:00:00Z", "ann", "DeleteBucket", json!({})));
    all.push(bucket("made1", "2026-11-18T03:00:00Z", "ann", "CreateBucket", json!({})));
    all.push(bucket("gone1", "2026-11-18T03:00:01Z", "ann", "DeleteBucket", json!({})));
    all.push(bucket("made2", "2026-11-18T09:00:00Z", HOSTILE, "CreateBucket", json!({})));
    all.extend((0..400).map(|at| {
        let error = if at % 7 == 0 { json!({ "errorCode": "AccessDenied" }) } else { json!({}) };
        let time = format!("2026-11-18T{:02}:{:02}:00Z", 10 + at / 60, at % 60);
        bucket(&format!("c{at:03}"), &time, "ann", "PutBucketTagging", error)
    }));
    deliver(&folder.path("logs"), &all);
    let counts = "[document.querySelectorAll('figure.lanes > svg > line.life').length, document.querySelectorAll('svg.mark').length, \
                  Math.max(...Array.from(document.querySelectorAll('ol.chain'), (c) => c.children.length))]";
    let (text, values) = looked_at(&browser, &folder, &["bucket", "acme-files"], "hostile", &[counts]);
    let [lanes, marks, boxes] = [0, 1, 2].map(|at| values[0][at].as_u64().unwrap());
    assert_eq!((lanes, boxes), (3, 5), "{values:?}");
    assert!(marks < 60, "{marks} marks");
    // However few marks there are, nothing is left out of what they count.
    assert!(text.contains("changed 342") && text.contains("attempted 58"), "{text}");
    assert!(text.contains("\\u{202e}") && text.contains("\\u{200b}"), "{text}");
}
