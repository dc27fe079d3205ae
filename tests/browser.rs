//! The page of a plan in a real browser, where Chromium is installed: filters are clicked, nothing is loaded, and the names
//! that people gave their accounts stay text.

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use program::{Folder, MEMBER};
use serde_json::Value;

const CONFIG: &str = r#"version: 1
deployment: acme
accounts:
  log: "222222222222"
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
trails:
  - name: acme-org-trail
"#;

/// What an attacker may call an account.
const HOSTILE: &str =
    "</script><script>window.hacked = 1</script><img src=http://127.0.0.1:9/x onerror='window.hacked = 2'>";

/// Where Debian's package puts it.
fn chromium() -> Option<PathBuf> {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    names.into_iter().map(PathBuf::from).find(|path| path.exists())
}

/// Opens a page, evaluates the expressions one after the other, and leaves a picture in the folder of build artefacts.
fn open(chromium: &Path, page: &Path, expressions: &[&str]) -> Value {
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser.py");
    let picture = concat!(env!("CARGO_TARGET_TMPDIR"), "/plan.png");
    let output =
        Command::new("python3").arg(driver).args([chromium, page]).arg(picture).args(expressions).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::metadata(picture).unwrap().len() > 1000);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn filters_show_what_they_name_and_nothing_is_loaded() {
    let Some(chromium) = chromium() else {
        eprintln!("no Chromium here: the page was not opened");
        return;
    };
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
    let report = open(&chromium, &folder.path("plan.html"), &expressions);

    let values = report["values"].as_array().unwrap();
    let number = |at: usize| values[at].as_u64().unwrap();
    assert_eq!(values[0], true, "{report}");
    assert!(number(1) > 5 && number(2) == number(1), "everything is shown at first: {report}");
    assert!(number(4) < number(2), "safe changes are hidden: {report}");
    assert!((1..number(2)).contains(&number(7)), "one account has some of the changes: {report}");
    assert_eq!(values[8], true, "{report}");
    assert_eq!(values[9], format!("{HOSTILE} {MEMBER}"), "a name is text: {report}");
    assert_eq!(values[10], "undefined", "no script but the page's own has run: {report}");
    let requests = report["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1, "only the page itself was asked for: {report}");
    assert!(requests[0].as_str().unwrap().ends_with("/plan.html"), "{report}");
}
