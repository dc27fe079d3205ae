//! What rules found, for a terminal and as markdown.

use super::{Detected, said};
use crate::detect::{DetectionFinding, Level};
use crate::report::text::escape;
use crate::report::text::page::{BAD, FAINT, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words::grouped;

/// Findings that are shown; machine formats have all.
const SHOWN_MAX: usize = 100;

/// Returns the text for a terminal of a width.
pub fn human(detected: &Detected, width: usize) -> String {
    let mut page = Page::new(width);
    page.line(0, &[Span(STRONG, &said::head(detected))]);
    for finding in detected.findings.iter().take(SHOWN_MAX) {
        one(&mut page, finding);
    }
    if let Some(more) = more(detected) {
        page.gap();
        page.line(0, &[Span(NOTICE, &more)]);
    }
    let not_whole = detected.not_whole();
    if !not_whole.is_empty() {
        page.gap();
        page.line(0, &[Span(NOTICE, "It is not known that nothing else rings:")]);
        not_whole.iter().for_each(|why| page.line(2, &[Span(NOTICE, why)]));
    }
    page.gap();
    for sentence in covered(detected) {
        page.line(0, &[Span(FAINT, &sentence)]);
    }
    page.finish()
}

fn one(page: &mut Page, finding: &DetectionFinding) {
    let style = match finding.level {
        Level::Critical | Level::High => BAD,
        Level::Medium => NOTICE,
        Level::Low | Level::Informational => PLAIN,
    };
    let level = finding.level.as_str().to_uppercase();
    page.heading(&[Span(style, &level), Span(PLAIN, "  "), Span(STRONG, &finding.headline())]);
    page.line(2, &[Span(PLAIN, &said::deed(finding))]);
    page.line(2, &[Span(PLAIN, &said::events(finding))]);
    if !finding.next_step.is_empty() {
        page.line(2, &[Span(PLAIN, &format!("Next: {}", finding.next_step))]);
    }
    page.line(2, &[Span(FAINT, &said::rule(finding))]);
    page.verbatim(2, &finding.command);
}

/// Says that there are more findings than are shown. `None`: all are.
fn more(detected: &Detected) -> Option<String> {
    let more = detected.findings.len().saturating_sub(SHOWN_MAX);
    (more > 0).then(|| format!("… and {} more findings (--format json has all).", grouped(more)))
}

fn covered(detected: &Detected) -> Vec<String> {
    let mut all = said::beside(detected);
    all.extend(detected.coverage.sentences());
    all
}

/// Returns the text as markdown.
pub fn markdown(detected: &Detected) -> String {
    let mut text = format!("# Detections\n\n{}\n", escape::markdown(&said::head(detected)));
    for finding in detected.findings.iter().take(SHOWN_MAX) {
        let lines =
            [said::deed(finding), said::events(finding), said::rule(finding)].map(|line| escape::markdown(&line));
        text += &format!("\n## {}: {}\n\n", finding.level.as_str(), escape::markdown(&finding.headline()));
        text += &format!("- {}\n", lines.join("\n- "));
        if !finding.next_step.is_empty() {
            text += &format!("- Next: {}\n", escape::markdown(&finding.next_step));
        }
        text += &format!("- {}\n", escape::markdown_code(&finding.command));
    }
    let rest = more(detected).into_iter().chain(detected.not_whole()).chain(covered(detected));
    for line in rest {
        text += &format!("\n{}\n", escape::markdown(&line));
    }
    text
}
