//! Opens pages in a real browser. A test that needs it is ignored by default: see CONTRIBUTING.md.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A browser that is installed.
pub struct Browser {
    program: PathBuf,
}

/// How a page is opened.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Width and height in CSS pixels.
    pub window: (u32, u32),
    /// The person wants it dark.
    pub dark: bool,
    /// The name of the picture that is left in the folder of build artefacts.
    pub picture: &'a str,
}

impl<'a> View<'a> {
    /// A light page on a desk.
    pub fn on_a_desk(picture: &'a str) -> Self {
        Self { window: (1200, 1400), dark: false, picture }
    }
}

/// What a page had to say.
#[derive(Debug)]
pub struct Report {
    /// One value an expression.
    pub values: Vec<Value>,
    /// Every address that was asked for.
    pub requests: Vec<String>,
    /// What the console has as an error: a script's, and what a Content Security Policy refused.
    pub errors: Vec<String>,
}

impl Browser {
    /// Finds the browser where packages put it.
    #[track_caller]
    pub fn find() -> Self {
        let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let found = names.into_iter().map(PathBuf::from).find(|path| path.exists());
        let program =
            found.unwrap_or_else(|| panic!("this test needs Chromium: install it (`apt-get install chromium`)"));
        Self { program }
    }

    /// Opens a page, a file or an address, and evaluates the expressions one after the other.
    pub fn open(&self, page: &str, view: View<'_>, expressions: &[&str]) -> Report {
        self.opened(page, view, &[], expressions)
    }

    /// Opens a page as a medium shows it, `print` or `screen`, in a window of exactly this size.
    pub fn open_as(&self, page: &str, view: View<'_>, media: &str, expressions: &[&str]) -> Report {
        self.opened(page, view, &[("BROWSER_MEDIA", media), ("BROWSER_EXACT", "1")], expressions)
    }

    /// Opens a page, and from there another one, by an address relative to it. Only the second one is reported about.
    pub fn open_inside(&self, page: &str, inside: &str, view: View<'_>, media: &str, expressions: &[&str]) -> Report {
        let more = [("BROWSER_MEDIA", media), ("BROWSER_EXACT", "1"), ("BROWSER_INSIDE", inside)];
        self.opened(page, view, &more, expressions)
    }

    fn opened(&self, page: &str, view: View<'_>, more: &[(&str, &str)], expressions: &[&str]) -> Report {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser.py");
        let picture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(view.picture);
        let mut command = Command::new("python3");
        command.env("BROWSER_WINDOW", format!("{},{}", view.window.0, view.window.1));
        command.envs(more.iter().copied());
        command.env("BROWSER_SCHEME", if view.dark { "dark" } else { "light" });
        command.arg(driver).arg(&self.program).arg(page).arg(&picture).args(expressions);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::metadata(picture).unwrap().len() > 1000);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let texts =
            |name: &str| said[name].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        Report {
            values: said["values"].as_array().unwrap().clone(),
            requests: texts("requests"),
            errors: texts("errors"),
        }
    }
}

/// The beginning of [`too_faint`].
const FAINT_TEXTS: &str = "(() => {
    const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
    const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const colour = numbers(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
    const faint = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const e = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || e.namespaceURI.endsWith('svg')) continue;
        const found = ratio(numbers(getComputedStyle(e).color), behind(e));
        if (found < 4.5) faint.push(`${found.toFixed(2)} ${e.tagName}.${e.className}: ${texts.currentNode.data}`);
    }
";

/// Returns an expression for the texts whose contrast with what is behind them is too small, as the browser paints
/// them. `more` is a script that adds others to `faint`; it has `ratio`, `numbers` and `behind`.
pub fn too_faint(more: &str) -> String {
    [FAINT_TEXTS, more, "return faint; })()"].concat()
}
