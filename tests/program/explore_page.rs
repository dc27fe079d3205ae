//! `orgtrail explore` in a real browser: on a desk, on a phone and on paper, light and dark, with hostile text, with
//! nothing loaded from elsewhere, and without any script.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::browser::{Browser, View, too_faint};
use crate::explore::{ACCOUNT, Explorer, archive, deliver, event};
use crate::recorded::Folder;

/// What must hold on each page, as expressions that are true, each with what it is about.
const RULES: [(&str, &str); 13] = [
    ("no script has run, and none is there", "typeof window.hacked === 'undefined' && document.scripts.length === 0"),
    ("the language is said", "document.documentElement.lang === 'en'"),
    ("it is no wider than the window", "document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
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
        "there is one of each landmark",
        "['header', 'main', 'footer'].every((name) => document.querySelectorAll('body > ' + name).length === 1)",
    ),
    (
        "links lead inside",
        "Array.from(document.querySelectorAll('a[href]')).every((a) => new URL(a.href.baseVal ?? a.href, location.href)\
         .pathname.startsWith(location.pathname.replace(/[^/]*$/, '')))",
    ),
    (
        "fields have labels",
        "Array.from(document.querySelectorAll('input:not([type=hidden]), select, textarea')).every((f) => f.labels.length === 1)",
    ),
    (
        "forms ask and never send",
        "Array.from(document.forms).every((f) => f.method === 'get' && new URL(f.action).origin === location.origin)",
    ),
    (
        "what can be scrolled can be reached",
        "Array.from(document.querySelectorAll('.wide')).every((r) => r.tabIndex === 0)",
    ),
    (
        "lists show each of their options whole",
        "(() => { const pen = document.createElement('canvas').getContext('2d'); \
         return Array.from(document.querySelectorAll('select')).every((list) => { const style = getComputedStyle(list); \
         pen.font = `${style.fontSize} ${style.fontFamily}`; const room = list.clientWidth - parseFloat(style.paddingLeft) \
         - parseFloat(style.paddingRight); /* paper has no lists */ \
         return list.clientWidth === 0 || Array.from(list.options).every((one) => pen.measureText(one.text).width <= room); }); })()",
    ),
    ("the token is not in the address", "!location.href.includes('token')"),
    (
        "no text of a cell is cut off",
        "Array.from(document.querySelectorAll('td > span, p, li, dd')).every((e) => \
         getComputedStyle(e).display === 'inline' || e.scrollWidth <= e.clientWidth + 1)",
    ),
];

/// Writes a text as an address has it.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").unwrap();
        all
    })
}

/// Opens a page in each way, and returns its text on a desk.
fn looked_at(browser: &Browser, explorer: &Explorer, page: &str, name: &str) -> String {
    let mut expressions: Vec<&str> = RULES.iter().map(|(_, expression)| *expression).collect();
    let faint = too_faint("");
    expressions.extend([faint.as_str(), "document.body.innerText"]);
    let mut text = String::new();
    for (window, dark, media, way) in [
        ((1280, 1400), false, "screen", ""),
        ((1280, 1400), true, "screen", "-dark"),
        ((360, 900), false, "screen", "-phone"),
        ((800, 1100), true, "print", "-print"),
    ] {
        let picture = format!("explore-{name}{way}.png");
        let view = View { window, dark, picture: &picture };
        let report = browser.open_inside(&explorer.address, page, view, media, &expressions);
        let (rules, rest) = report.values.split_at(RULES.len());
        let broken: Vec<&str> =
            RULES.iter().zip(rules).filter(|(_, value)| **value != true).map(|((rule, _), _)| *rule).collect();
        assert!(broken.is_empty(), "{picture}: {broken:?}");
        assert_eq!(rest[0], json!([]), "{picture}: too faint");
        // The console also says that a page has no answer, by its status.
        let errors: Vec<&String> = report.errors.iter().filter(|error| !error.contains("a status of 400")).collect();
        assert_eq!(errors, Vec::<&String>::new(), "{picture}: the console has errors");
        let own = explorer.address.split("/?").next().unwrap();
        assert!(report.requests.iter().all(|url| url.starts_with(own)), "{picture}: {:?}", report.requests);
        if way.is_empty() {
            text = rest[1].as_str().unwrap().to_owned();
        }
    }
    text
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn everybody_can_read_the_pages_on_a_desk_on_a_phone_and_on_paper() {
    let browser = Browser::find();
    let folder = archive();
    let explorer = Explorer::start(&folder, &[]);
    // Neither the address nor the history has the token.
    let view = View::on_a_desk("explore-first.png");
    let first =
        browser.open_as(&explorer.address, view, "screen", &["location.search", "history.length", "document.title"]);
    // The other one in the history is the blank page that the browser begins with.
    assert_eq!(first.values, [json!(""), json!(2), json!("Events – orgtrail explore")]);
    for (name, page, words) in [
        ("events", "./", "126 events: 124 done, 2 attempted"),
        ("facet", "./?outcome=attempted", "2 events: 0 done, 2 attempted"),
        ("hostile", "./?text=window.hacked", "<script>window.hacked = 1</script>"),
        ("event", "event?id=done", "arn:aws:s3:::acme-files"),
        ("event-hostile", "event?id=hostile", "\\u{202e}"),
        (
            "person",
            &format!("who?kind=activity&subject={}", encoded(&format!("arn:aws:iam::{ACCOUNT}:user/bob"))),
            "acme-files",
        ),
        ("chain", "who?kind=event&subject=done", "user/bob"),
        ("resource", "who?kind=resource&subject=bucket+acme-files", "user/ann"),
        ("who", "who", "Who did it"),
        ("sql", "sql", "Prepared questions"),
        ("saved", "sql?name=who-deleted&p.what=acme-files&ask=1", "DeleteBucket"),
        (
            "rows",
            &format!(
                "sql?ask=1&sql={}",
                encoded("SELECT event_id, event_name, record FROM events ORDER BY event_time")
            ),
            "126 rows",
        ),
        ("error", &format!("sql?ask=1&sql={}", encoded(&format!("SELECT {}", "<script>".repeat(500)))), "No answer"),
        ("message", "./?from=nothing", "is no time"),
    ] {
        let text = looked_at(&browser, &explorer, page, name);
        assert!(text.contains(words), "{words} in {name}: {text}");
    }
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn of_50_000_actors_the_first_are_shown_and_the_others_counted() {
    let browser = Browser::find();
    let folder = Folder::new();
    let one =
        |at: usize| event(&format!("e{at}"), "2026-11-19T10:00:00Z", &format!("{at:05}-{}", "n".repeat(40)), json!({}));
    let all: Vec<Value> = (0..50_000).map(one).collect();
    deliver(&folder.path("logs"), &all);
    let explorer = Explorer::start(&folder, &[]);
    let text = looked_at(&browser, &explorer, "./", "many");
    assert!(text.contains("50,000 events") && text.contains("49,990 more; exactly:"), "{text}");
    let last = encoded(&format!("arn:aws:iam::{ACCOUNT}:user/49999-{}", "n".repeat(40)));
    assert!(looked_at(&browser, &explorer, &format!("./?actor={last}"), "one-of-many").contains("1 event:"));
}
