//! What is known of a resource, a person, a session, a key or an event: the answer of `orgtrail who`, with links.

use serde_json::{Value, json};

use super::filters::Filters;
use super::{Frame, PageError, page, shown, time_fields};
use crate::report::who::WhoAnswer;
use crate::report::who::page_data;

const PAGE_TEMPLATE: &str = include_str!("../../../templates/explore-who.html.hbs");

/// What can be asked: the name in addresses, and the words, which a phone shows whole.
pub const KINDS: [(&str, &str); 8] = [
    ("resource", "who changed this resource"),
    ("activity", "what this actor did"),
    ("session", "who used this session (ARN)"),
    ("key", "who used this access key"),
    ("event", "who is behind this event (id)"),
    ("remains", "what of this actor still stands"),
    ("last-used", "when this actor was used last"),
    ("actions", "which IAM actions it used"),
];

/// Returns the page; without an answer it asks for a question.
///
/// # Errors
/// When the template is wrong.
pub fn html(frame: &Frame, filters: &Filters, answer: Option<&WhoAnswer>) -> Result<String, PageError> {
    let subject = filters.get("subject").unwrap_or_default();
    let kind = filters.get("kind").unwrap_or("resource");
    let option = |(name, words): &(&str, &str)| json!({"name": name, "words": words, "is_chosen": *name == kind});
    let data = json!({
        "title": if subject.is_empty() { "Who did it".to_owned() } else { format!("Who: {}", shown(subject)) },
        "subject": subject,
        "kinds": KINDS.iter().map(option).collect::<Vec<_>>(),
        "time": time_fields(filters, frame),
        "is_empty": answer.is_some_and(WhoAnswer::is_empty),
        "events": events(filters, kind, subject),
        "answer": answer.map(|answer| page_data(answer, Some(&event_address))),
    });
    page(PAGE_TEMPLATE, "Who did it", frame, data)
}

/// Returns the address of an event.
fn event_address(id: &str) -> String {
    Filters::default().with("id", id).address("event")
}

/// Returns where the events themselves are. `None`: no search finds them by this.
fn events(filters: &Filters, kind: &str, subject: &str) -> Option<Value> {
    let name = match kind {
        "activity" | "remains" | "last-used" | "actions"
            if subject.contains(":role/") || subject.contains(":user/") =>
        {
            "actor"
        }
        // The answer leads to it.
        "event" => return None,
        _ => "text",
    };
    (!subject.is_empty()).then(|| filters.without("kind").without("subject").with(name, subject).address("").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a window of 360 pixels has room for beside the arrow of a list, in letters.
    const LETTERS_MAX: usize = 32;

    #[test]
    fn a_phone_shows_each_kind_of_question_whole() {
        for (_, words) in KINDS {
            assert!(words.chars().count() <= LETTERS_MAX, "{words}");
        }
    }
}
