//! The page, rendered from `templates/dashboard.html.hbs`: no script, no request, and no more than a size.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Dashboard;
use super::coverage::{Part, parts};
use super::missing::missing;
use super::view::{Bounds, SectionView, TileView, sections, tiles};
use crate::report::text::escape;
use crate::report::text::html::{PageError, render};

const PAGE: &str = include_str!("../../../templates/dashboard.html.hbs");
const STYLE: &str = include_str!("../../../templates/dashboard.css");
/// The most bytes of a page.
pub const BYTES_MAX: usize = 500_000;
/// How much of each panel is tried, until the page is small enough.
const TRIED: [Bounds; 5] = [
    Bounds { rows: 15, chars: 160 },
    Bounds { rows: 15, chars: 80 },
    Bounds { rows: 10, chars: 60 },
    Bounds { rows: 5, chars: 40 },
    Bounds { rows: 2, chars: 30 },
];
/// Sentences about what the answers cover, and their characters.
const SENTENCES_MAX: usize = 40;
const SENTENCE_CHARS_MAX: usize = 1_000;

#[derive(Debug, Serialize)]
struct PageView {
    style: &'static str,
    style_hash: String,
    from: String,
    to: String,
    made: String,
    scope: String,
    is_whole: bool,
    is_covered: bool,
    parts: Vec<Part>,
    without_logs: usize,
    missing: Vec<String>,
    sentences: Vec<String>,
    tiles: Vec<TileView>,
    sections: Vec<SectionView>,
    version: &'static str,
}

/// Returns the page: it needs nothing else, and has at most 500,000 bytes.
///
/// # Errors
/// When the template is wrong.
pub fn page(dashboard: &Dashboard) -> Result<String, PageError> {
    let mut text = String::new();
    for bounds in TRIED {
        text = render(PAGE, &serde_json::to_value(view(dashboard, bounds)).unwrap_or_default())?;
        if text.len() <= BYTES_MAX {
            break;
        }
    }
    Ok(text)
}

fn view(dashboard: &Dashboard, bounds: Bounds) -> PageView {
    let coverage = &dashboard.coverage;
    let sentence = |text: String| -> String {
        let shown: String = escape::terminal(&text).chars().take(SENTENCE_CHARS_MAX).collect();
        if shown.chars().count() < SENTENCE_CHARS_MAX { shown } else { shown + "…" }
    };
    PageView {
        style: STYLE,
        style_hash: format!("sha256-{}", STANDARD.encode(Sha256::digest(STYLE.as_bytes()))),
        from: dashboard.from.strftime("%Y-%m-%d %H:%M").to_string(),
        to: dashboard.to.strftime("%Y-%m-%d %H:%M").to_string(),
        made: dashboard.made.strftime("%Y-%m-%d %H:%M").to_string(),
        scope: sentence(dashboard.scope.clone()),
        is_whole: dashboard.is_whole(),
        is_covered: coverage.is_whole,
        parts: parts(coverage),
        without_logs: coverage.without_logs.len(),
        missing: missing(dashboard).into_iter().take(SENTENCES_MAX).map(sentence).collect(),
        sentences: coverage.sentences().into_iter().take(SENTENCES_MAX).map(sentence).collect(),
        tiles: tiles(dashboard),
        sections: sections(dashboard, bounds),
        version: env!("CARGO_PKG_VERSION"),
    }
}
