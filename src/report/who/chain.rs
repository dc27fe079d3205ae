//! The chain of sessions behind a call as a picture: boxes from whoever began it to the call, and an arrow into each.
//!
//! A box with its arrow is a drawing of its own, so that a row of them wraps in a narrow window. Text in a drawing does
//! not wrap: it is put on lines here, and cut off; its title has more of it.

use serde_json::{Value, json};

use crate::investigate::answer::{OriginKind, Person, PersonHop, StepAnswer};
use crate::investigate::calls::{CallAnswer, SessionAnswer};
use crate::report::person;
use crate::report::text::escape;
use crate::report::text::words::count;

/// The width of the room for an arrow, in pixels. `templates/pictures.css` has the same numbers.
const ARROW: usize = 104;
/// The width of a box.
const BOX: usize = 224;
/// Columns of text in a box and beside an arrow, in a font whose letters are at most 7.4 and 6.7 pixels wide.
const BOX_COLUMNS: usize = 27;
const ARROW_COLUMNS: usize = 14;
/// The height of a line of text.
const LINE: usize = 16;
/// The least height of a box: there is room for the words beside its arrow.
const HEIGHT_MIN: usize = 128;
/// Lines of the name of a role or a person.
const NAME_LINES: usize = 3;
/// The most characters of a line: marks that take no room may be many.
const LINE_CHARS_MAX: usize = 60;
/// The longest title, in characters.
const TITLE_MAX: usize = 600;

/// What the chain leads to.
pub(super) struct Target {
    heading: &'static str,
    name: String,
    time: String,
    facts: Vec<String>,
}

impl Target {
    /// The call of a step.
    pub(super) fn of_step(own: &StepAnswer) -> Self {
        let place: Vec<&str> = own.accounts.iter().map(String::as_str).chain(own.region.as_deref()).collect();
        Self::of(&own.call, Some(&own.time), &place, own.source.as_deref())
    }

    /// A call.
    pub(super) fn of_call(own: &CallAnswer) -> Self {
        let place: Vec<&str> = [own.account.as_deref(), own.region.as_deref()].into_iter().flatten().collect();
        Self::of(&own.call, own.time.as_deref(), &place, own.source.as_deref())
    }

    /// The calls of a session.
    pub(super) fn of_session(own: &SessionAnswer) -> Self {
        let facts = vec![format!("until {}", own.last)];
        Self { heading: "the calls", name: count(own.calls, "call"), time: own.first.clone(), facts }
    }

    fn of(call: &str, time: Option<&str>, place: &[&str], source: Option<&str>) -> Self {
        let place = (!place.is_empty()).then(|| format!("in {}", place.join(" ")));
        let source = source.map(|source| format!("from {source}"));
        let facts = place.into_iter().chain(source).collect();
        Self { heading: "the call", name: call.to_owned(), time: time.unwrap_or("time not recorded").to_owned(), facts }
    }
}

/// A box, with the arrow into it.
struct Node {
    class: &'static str,
    heading: &'static str,
    name: String,
    facts: Vec<String>,
    /// The words above the arrow, the time and the words below. `None`: it is the first box.
    arrow: Option<(String, String, &'static str)>,
    is_proven: bool,
}

/// Returns the picture with the sentences of the chain behind a call.
pub(super) fn chain(own: &Person, target: Target) -> Value {
    let mut nodes = vec![origin(own)];
    nodes.extend(own.hops.iter().rev().map(session));
    let through = own.through.as_ref().map_or_else(|| "signs".to_owned(), |service| format!("through {service}"));
    nodes.push(Node {
        class: "target",
        heading: target.heading,
        name: target.name,
        facts: target.facts,
        arrow: Some((through, target.time, "")),
        is_proven: true,
    });
    let shown = |text: &String| escape::terminal(text).into_owned();
    // All are as high as the highest one: the arrows of a row are in line.
    let lines: Vec<Vec<(&str, String)>> = nodes.iter().map(lines).collect();
    let height = (lines.iter().map(Vec::len).max().unwrap_or(0) * LINE + 20).max(HEIGHT_MIN);
    json!({
        "nodes": nodes.iter().zip(lines).map(|(node, lines)| drawn(node, lines, height)).collect::<Vec<_>>(),
        "moved": person::moved(own).as_ref().map(shown),
        "lines": person::person(own).iter().map(shown).collect::<Vec<_>>(),
    })
}

/// Returns the box of whoever began the chain; where that is not known, of the first one who is.
fn origin(own: &Person) -> Node {
    let (class, heading) = match own.origin_kind {
        OriginKind::RootUser => ("origin", "root user"),
        OriginKind::IamUser if own.lost.is_some() => ("lost", "IAM user, by its id only"),
        OriginKind::IamUser => ("origin", "IAM user"),
        OriginKind::IdentityCenterUser => ("origin", "person, Identity Center"),
        OriginKind::Federated => ("origin", "of another provider"),
        OriginKind::Workload => ("origin", "workload"),
        OriginKind::Anonymous => ("lost", "anonymous"),
        OriginKind::Outside => ("lost", "outside the organization"),
        OriginKind::Unknown => ("lost", "who began it: not known"),
    };
    let first = own.origin.as_deref().or(own.hops.last().map(|hop| hop.caller.as_str())).unwrap_or(&own.actor);
    let (name, account) = of_arn(first);
    let source = own.hops.is_empty().then_some(own.source.as_ref()).flatten();
    let facts = account.map(|id| format!("account {id}")).into_iter().chain(source.map(|from| format!("from {from}")));
    Node { class, heading, name: name.to_owned(), facts: facts.collect(), arrow: None, is_proven: true }
}

/// Returns the box of a session.
fn session(own: &PersonHop) -> Node {
    let (name, account) = own.role.as_deref().map_or((own.call.as_str(), None), of_arn);
    let account = account.or(own.account.as_deref());
    let facts = [
        account.map(|id| format!("account {id}")),
        own.session_name.as_ref().map(|name| format!("session \"{name}\"")),
        own.source.as_ref().map(|from| format!("asked from {from}")),
    ];
    Node {
        class: if own.is_proven { "proven" } else { "claimed" },
        heading: "session of a role",
        name: name.to_owned(),
        facts: facts.into_iter().flatten().collect(),
        arrow: Some((own.call.clone(), own.time.clone(), if own.is_proven { "proven by key" } else { "claimed only" })),
        is_proven: own.is_proven,
    }
}

/// Returns what an ARN names, and its account; of another text the text.
fn of_arn(text: &str) -> (&str, Option<&str>) {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, _, _, account, name] if !name.is_empty() => (name, Some(*account).filter(|id| !id.is_empty())),
        _ => (text, None),
    }
}

/// Returns the lines of text in a box, each with its class.
fn lines(own: &Node) -> Vec<(&'static str, String)> {
    let mut lines = vec![("heading", own.heading.to_owned())];
    lines.extend(fitted(&own.name, BOX_COLUMNS, NAME_LINES).into_iter().map(|line| ("name", line)));
    let facts = own.facts.iter().flat_map(|fact| fitted(fact, BOX_COLUMNS, 2));
    lines.extend(facts.map(|line| ("fact", line)));
    lines
}

fn drawn(own: &Node, lines: Vec<(&str, String)>, height: usize) -> Value {
    let x = own.arrow.as_ref().map_or(0, |_| ARROW);
    let text = |(at, (class, text)): (usize, (&str, String))| json!({"x": x + 12, "y": 22 + at * LINE, "class": class, "text": text});
    let mut title = format!("{}: {}", own.heading, own.name);
    let arrow = own.arrow.as_ref().map(|(what, time, proof)| {
        let before = [what.as_str(), time, proof].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        title = format!("{}; then {title}", before.join(", "));
        let line = if own.is_proven { "solid" } else { "dashed" };
        arrow(height / 2, line, (what, time, proof))
    });
    for fact in &own.facts {
        title = format!("{title}, {fact}");
    }
    json!({
        "class": own.class,
        "is_led_to": arrow.is_some(),
        "width": x + BOX,
        "height": height,
        "x": x + 1,
        "box_width": BOX - 2,
        "box_height": height - 2,
        "arrow": arrow,
        "texts": lines.into_iter().enumerate().map(text).collect::<Vec<_>>(),
        "title": cut(&title, TITLE_MAX),
    })
}

/// Returns the words beside an arrow: what was called above it, when and how it is known below.
fn arrow(middle: usize, line: &str, (what, time, proof): (&str, &str, &str)) -> Value {
    let above = fitted(what, ARROW_COLUMNS, 2);
    let (day, hour) = time.split_once('T').unwrap_or((time, ""));
    let below = [day, hour].into_iter().flat_map(|part| fitted(part, ARROW_COLUMNS, 2));
    let below: Vec<String> = below.chain([proof.to_owned()]).filter(|line| !line.is_empty()).collect();
    let first = middle.saturating_sub(8 + above.len().saturating_sub(1) * LINE);
    let above = above.into_iter().enumerate().map(|(at, text)| json!({"y": first + at * LINE, "text": text}));
    let below = below.into_iter().enumerate().map(|(at, text)| json!({"y": middle + 18 + at * LINE, "text": text}));
    let end = ARROW - 2;
    json!({
        "y": middle,
        "class": line,
        "end": end - 6,
        "head": format!("M{} {} l8 5 l-8 5 z", end - 8, middle - 5),
        "texts": above.chain(below).collect::<Vec<_>>(),
    })
}

/// Puts a text on lines of some columns, broken behind a separator where one is near the end. What does not fit is cut
/// off, and said to be.
pub(super) fn fitted(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let text = escape::terminal(text);
    let mut rest: &str = text.trim();
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < lines_max {
        let end = line_end(rest, columns);
        let is_cut = lines.len() + 1 == lines_max && end < rest.len();
        if is_cut {
            let end = line_end_exactly(rest, columns - 1);
            lines.push(format!("{}…", &rest[..end]));
            break;
        }
        lines.push(rest[..end].trim().to_owned());
        rest = rest[end..].trim_start();
    }
    lines
}

/// Returns where a line of some columns ends, in bytes.
fn line_end(text: &str, columns: usize) -> usize {
    let whole = line_end_exactly(text, columns);
    if whole == text.len() {
        return whole;
    }
    let is_separator = |c: char| matches!(c, ' ' | '/' | ':' | ',' | '-' | '@' | '_' | '.');
    let near =
        text[..whole].char_indices().filter(|(_, c)| is_separator(*c)).map(|(at, c)| at + c.len_utf8()).next_back();
    near.filter(|end| *end * 2 > whole).unwrap_or(whole)
}

/// See [`line_end`]; wherever that is.
fn line_end_exactly(text: &str, columns: usize) -> usize {
    let mut width = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        width += textwrap::core::display_width(c.encode_utf8(&mut [0; 4]));
        // The first one always fits: a line must take something.
        if count > 0 && (width > columns || count >= LINE_CHARS_MAX) {
            return at;
        }
    }
    text.len()
}

/// Cuts a text off behind some characters, and says so.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    let text = escape::terminal(text);
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_put_on_lines_and_cut_off_whatever_is_in_them() {
        assert_eq!(fitted("role/deploy", 27, 3), ["role/deploy"]);
        assert_eq!(fitted("AssumeRoleWithWebIdentity", 14, 2), ["AssumeRoleWith", "WebIdentity"]);
        assert_eq!(
            fitted("role/a/path/that-is-long/deploy-production", 27, 3),
            ["role/a/path/that-is-long/", "deploy-production"]
        );
        let cut = fitted(&"n".repeat(500), 27, 3);
        assert!(
            cut.len() == 3 && cut[2].ends_with('…') && cut.iter().all(|line| line.chars().count() <= 27),
            "{cut:?}"
        );
        // Letters of two columns, letters that take no room, and marks that turn the text around.
        assert_eq!(fitted(&"漢".repeat(40), 27, 1)[0].chars().count(), 14);
        let stacked = fitted(&format!("a{}", "\u{301}".repeat(900)), 27, 2);
        assert!(stacked.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX + 1), "{stacked:?}");
        assert_eq!(fitted("a\u{202e}b", 27, 1), ["a\\u{202e}b"]);
        assert!(fitted(" ", 27, 3).is_empty());
    }

    #[test]
    fn a_box_says_what_an_arn_names_and_its_account() {
        assert_eq!(of_arn("arn:aws:iam::111111111111:role/deploy"), ("role/deploy", Some("111111111111")));
        assert_eq!(of_arn("arn:aws:iam:::"), ("arn:aws:iam:::", None));
        assert_eq!(of_arn("dora@example.com"), ("dora@example.com", None));
    }
}
