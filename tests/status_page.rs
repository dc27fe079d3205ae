//! The daemon's page in a real browser, where Chromium is installed: on a desk and on a phone, with nothing loaded from
//! elsewhere, and to be used with the keyboard.

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod program;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

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

/// Opens a page, evaluates the expressions one after the other, and leaves a picture in the folder of build artefacts.
fn open(chromium: &str, page: &str, (window, picture): (&str, &str), expressions: &[&str]) -> Value {
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser.py");
    let picture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(picture);
    let mut command = Command::new("python3");
    command.env("BROWSER_WINDOW", window).arg(driver).args([chromium, page]).arg(&picture).args(expressions);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::metadata(picture).unwrap().len() > 1000);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_page_can_be_read_on_a_desk_and_on_a_phone() {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let Some(chromium) = names.into_iter().find(|path| PathBuf::from(path).exists()) else {
        eprintln!("no Chromium here: the page was not opened");
        return;
    };
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder.edit(|organization, _| {
        organization.accounts.get_mut(MEMBER).unwrap().name = HOSTILE.into();
    });
    let (_daemon, address) = Daemon::start(&folder);
    // The first round is over in a moment; the page says so.
    let page = loop {
        let report =
            open(chromium, &address, ("1200,1400", "status.png"), &["document.querySelectorAll('.plan li').length"]);
        if report["values"][0].as_u64() > Some(0) {
            break address;
        }
    };
    let expressions = [
        "String(window.hacked)",
        "document.querySelectorAll('h1').length",
        "document.documentElement.lang",
        "Array.from(document.querySelectorAll('table')).every((t) => t.querySelector('th[scope=col]'))",
        // What can be scrolled can be reached and has a name, so that it can be scrolled with the keyboard.
        "Array.from(document.querySelectorAll('.wide')).every((r) => r.tabIndex === 0 \
         && (r.ariaLabel || document.getElementById(r.getAttribute('aria-labelledby'))))",
        "document.querySelector('.skip').getAttribute('href') === '#' + document.querySelector('main').id",
        "getComputedStyle(document.querySelector('h1')).color !== getComputedStyle(document.querySelector('p')).color",
        "document.documentElement.scrollWidth <= window.innerWidth",
        "document.querySelectorAll('rect').length",
    ];
    for size in [("1200,1400", "status.png"), ("400,900", "status-phone.png")] {
        let report = open(chromium, &page, size, &expressions);
        let values = report["values"].as_array().unwrap();
        assert_eq!(values[0], "undefined", "no script has run: {report}");
        assert_eq!((&values[1], &values[2]), (&1.into(), &"en".into()), "{report}");
        assert!(values[3..8].iter().all(|value| value == true), "{size:?}: {report}");
        assert!(values[8].as_u64() > Some(0), "the chart has a bar: {report}");
        let elsewhere = |url: &&Value| {
            let url = url.as_str().unwrap();
            !url.starts_with(&page) && !url.starts_with("data:")
        };
        assert_eq!(report["requests"].as_array().unwrap().iter().find(elsewhere), None, "{report}");
    }
    let all = open(chromium, &format!("{page}accounts"), ("400,900", "accounts.png"), &["document.body.innerText"]);
    assert!(all["values"][0].as_str().unwrap().contains(HOSTILE), "a name is text: {all}");
}
