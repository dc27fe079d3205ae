//! The daemon's page in a real browser: on a desk and on a phone, light and dark, with nothing
//! loaded from elsewhere, to be used with the keyboard, and to be read by everybody (WCAG 2.2, level AA).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::browser::{Browser, View, too_faint};
use crate::recorded::{CONFIG, Folder, MEMBER};

/// What an attacker may call an account.
const HOSTILE: &str =
    "</td><script>window.hacked = 1</script><img src=http://127.0.0.1:9/x onerror='window.hacked = 2'>";

/// A daemon that observes an estate in which nothing has been made yet, so that everything waits.
struct Daemon(Child);

impl Daemon {
    fn start(folder: &Folder) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command
            .args(["reconcile", "--observe", "--listen", "127.0.0.1:0"])
            .arg("--estate")
            .arg(folder.path("estate.json"));
        command
            .arg("--config")
            .arg(folder.path("orgtrail.yaml"))
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| line.unwrap().strip_prefix("status at ").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        (Self(child), address.unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What must hold on each page, as expressions that are true, each with what it is about.
const RULES: [(&str, &str); 14] = [
    ("no script has run", "typeof window.hacked === 'undefined'"),
    ("the language is said", "document.documentElement.lang === 'en'"),
    ("the title says more than the product", "document.title.length > 'orgtrail'.length + 3"),
    (
        "there is one of each landmark",
        "['header', 'nav', 'main', 'footer'].every((name) => document.querySelectorAll('body > ' + name + ', header > ' \
         + name).length === 1)",
    ),
    (
        "the skip link leads to the content",
        "document.querySelector('.skip').hash === '#' + document.querySelector('main').id",
    ),
    (
        "there is one first heading, and no level is left out",
        "(() => { const levels = Array.from(document.querySelectorAll('h1,h2,h3,h4,h5,h6')).map((h) => Number(h.tagName[1])); \
         return levels.filter((l) => l === 1).length === 1 && levels[0] === 1 \
         && levels.every((l, n) => n === 0 || l <= levels[n - 1] + 1); })()",
    ),
    (
        "ids are there once",
        "new Set(Array.from(document.querySelectorAll('[id]')).map((e) => e.id)).size === document.querySelectorAll('[id]').length",
    ),
    (
        "sections, navigation and charts have names",
        "Array.from(document.querySelectorAll('section, nav, [role=region], [role=img]')).every((e) => (e.ariaLabel || \
         document.getElementById(e.getAttribute('aria-labelledby'))?.textContent || '').trim() !== '')",
    ),
    (
        "tables have headings of columns, and each row of accounts has one",
        "Array.from(document.querySelectorAll('table')).every((t) => t.querySelectorAll('thead th[scope=col]').length \
         === t.rows[1].cells.length) && Array.from(document.querySelectorAll('[aria-labelledby=accounts] tbody tr'))\
         .every((r) => r.querySelector('th[scope=row]'))",
    ),
    // So that it can be scrolled with the keyboard.
    (
        "what can be scrolled can be reached",
        "Array.from(document.querySelectorAll('.wide')).every((r) => r.tabIndex === 0)",
    ),
    (
        "links have words, and a focus that can be seen",
        "Array.from(document.querySelectorAll('a')).every((a) => { a.focus(); const s = getComputedStyle(a); \
         return a.textContent.trim() !== '' && document.activeElement === a && s.outlineStyle !== 'none'; })",
    ),
    (
        "nobody is kept from making it larger",
        "!/user-scalable|maximum-scale/.test(document.querySelector('meta[name=viewport]').content)",
    ),
    ("it is no wider than the window", "document.documentElement.scrollWidth <= window.innerWidth"),
    // Colour is not all that tells states apart: each has its words.
    (
        "states have words",
        "Array.from(document.querySelectorAll('td.good, td.notice, td.bad, .tally li')).every((e) => e.textContent.trim() !== '')",
    ),
];

/// Finds bars that are too faint, with what [`too_faint`] knows.
const FAINT_BARS: &str = "for (const bar of document.querySelectorAll('rect')) {
        const found = ratio(numbers(getComputedStyle(bar).fill), behind(bar.closest('svg')));
        if (found < 3) faint.push(`${found.toFixed(2)} bar ${bar.getAttribute('class')}`);
    }
";

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn everybody_can_read_the_pages_on_a_desk_and_on_a_phone_light_and_dark() {
    let browser = Browser::find();
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder.edit(|organization, _| {
        organization.accounts.get_mut(MEMBER).unwrap().name = HOSTILE.into();
    });
    let (_daemon, address) = Daemon::start(&folder);
    // The first round is over in a moment; the page says so.
    while {
        let report =
            browser.open(&address, View::on_a_desk("status.png"), &["document.querySelectorAll('.plan li').length"]);
        report.values[0].as_u64() == Some(0)
    } {}
    let mut expressions: Vec<&str> = RULES.iter().map(|(_, expression)| *expression).collect();
    let faint = too_faint(FAINT_BARS);
    expressions.extend([faint.as_str(), "document.querySelectorAll('rect').length", "document.body.innerText"]);
    // The measure itself is measured, by a text that is as faint as a line.
    expressions.extend(["document.querySelector('footer').style.color = 'var(--line)'", &faint]);
    let accounts = format!("{address}accounts");
    for (page, window, dark, picture) in [
        (&address, (1200, 1400), false, "status.png"),
        (&address, (1200, 1400), true, "status-dark.png"),
        (&address, (400, 900), false, "status-phone.png"),
        (&accounts, (1200, 1400), true, "accounts-dark.png"),
        (&accounts, (400, 900), false, "accounts-phone.png"),
    ] {
        let report = browser.open(page, View { window, dark, picture }, &expressions);
        let (rules, rest) = report.values.split_at(RULES.len());
        let broken: Vec<&str> =
            RULES.iter().zip(rules).filter(|(_, value)| **value != true).map(|((rule, _), _)| *rule).collect();
        assert!(broken.is_empty(), "{picture}: {broken:?}");
        assert_eq!(rest[0], serde_json::json!([]), "{picture}: too faint");
        assert_ne!(rest[4], serde_json::json!([]), "{picture}: a faint text is not found");
        assert!(*page == accounts || rest[1].as_u64() > Some(0), "{picture}: the chart has a bar");
        let is_whole = *page != accounts || rest[2].as_str().unwrap().contains(HOSTILE);
        assert!(is_whole, "{picture}: a name is text: {}", rest[2]);
        let elsewhere = report.requests.iter().find(|url| !url.starts_with(&address) && !url.starts_with("data:"));
        assert_eq!(elsewhere, None, "{picture}");
    }
}
