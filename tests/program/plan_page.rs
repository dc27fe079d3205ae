//! The page of a plan in a real browser: filters are clicked, nothing is loaded, and the names
//! that people gave their accounts stay text.

use crate::browser::{Browser, View};
use crate::recorded::{CONFIG, Folder, MEMBER};

/// What an attacker may call an account.
const HOSTILE: &str =
    "</script><script>window.hacked = 1</script><img src=http://127.0.0.1:9/x onerror='window.hacked = 2'>";

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn filters_show_what_they_name_and_nothing_is_loaded() {
    let browser = Browser::find();
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder.edit(|organization, _| {
        organization.accounts.get_mut(MEMBER).unwrap().name = HOSTILE.into();
    });
    folder.must(2, &["plan", "--format", "html", "--output", "plan.html"]);

    let shown = "Array.from(document.querySelectorAll('details.change')).filter((c) => c.checkVisibility()).length";
    let all = "document.querySelectorAll('details.change').length";
    let filters = "document.getElementById('filters').checkVisibility()";
    let no_safe = "document.querySelector('input[value=safe]').click()";
    let member = format!("document.querySelector('button[data-account=\"{MEMBER}\"]').click()");
    let about_member = format!(
        "Array.from(document.querySelectorAll('details.change')).filter((c) => c.checkVisibility())\
         .every((c) => c.dataset.accounts.includes('{MEMBER}'))"
    );
    let named = format!("document.querySelector('button[data-account=\"{MEMBER}\"]').textContent");
    let expressions =
        [filters, all, shown, no_safe, shown, no_safe, &member, shown, &about_member, &named, "String(window.hacked)"];
    let page = folder.path("plan.html");
    let report = browser.open(page.to_str().unwrap(), View::on_a_desk("plan.png"), &expressions);

    let values = &report.values;
    let number = |at: usize| values[at].as_u64().unwrap();
    assert_eq!(values[0], true, "{report:?}");
    assert!(number(1) > 5 && number(2) == number(1), "everything is shown at first: {report:?}");
    assert!(number(4) < number(2), "safe changes are hidden: {report:?}");
    assert!((1..number(2)).contains(&number(7)), "one account has some of the changes: {report:?}");
    assert_eq!(values[8], true, "{report:?}");
    assert_eq!(values[9], format!("{HOSTILE} {MEMBER}"), "a name is text: {report:?}");
    assert_eq!(values[10], "undefined", "no script but the page's own has run: {report:?}");
    assert_eq!(report.requests.len(), 1, "only the page itself was asked for: {report:?}");
    assert!(report.requests[0].ends_with("/plan.html"), "{report:?}");
}

#[test]
#[ignore = "needs Chromium; run with `cargo test --test program -- --ignored`"]
fn the_pages_of_a_proof_and_of_coverage_fit_a_phone() {
    let browser = Browser::find();
    let case = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/2026-11/21-verify-after-a-trail-was-replaced");
    let (bucket, keys) = (format!("{case}/bucket"), format!("{case}/public-keys.json"));
    let folder = Folder::new();
    let to = "2024-05-01T05:00:00Z";
    folder.must(0, &["verify", &bucket, "--keys", &keys, "--to", to, "--output", "proof.html"]);
    let from = "2024-05-01T00:00:00Z";
    folder.must(0, &["coverage", &bucket, "--from", from, "--to", to, "--output", "coverage.html"]);
    let fits = "document.documentElement.scrollWidth <= window.innerWidth";
    let cut = "Array.from(document.querySelectorAll('td, p, li, code')).filter((e) => e.scrollWidth > e.clientWidth + 1 \
               && getComputedStyle(e).display !== 'inline').map((e) => e.textContent)";
    for page in ["proof.html", "coverage.html"] {
        for window in [(390, 844), (1280, 1400)] {
            let view = View { window, dark: false, picture: &format!("{page}-{}.png", window.0) };
            let report = browser.open(folder.path(page).to_str().unwrap(), view, &[fits, cut]);
            assert_eq!(report.values, [serde_json::json!(true), serde_json::json!([])], "{page} at {window:?}");
            assert_eq!(report.requests.len(), 1, "only the page itself was asked for: {report:?}");
        }
    }
}
