//! The timeline of a resource as a picture: a lane for each one that had the name, with a mark for what happened to it.
//!
//! Marks of one kind that are close together are one, with a number, so that the picture stays small however much
//! happened. Places are shares of the width: the text keeps its size in a narrow window.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chain::cut;
use super::said;
use crate::investigate::answer::{EndingAnswer, IncarnationAnswer, OutcomeAnswer, ResourceAnswer, StepAnswer};
use crate::report::text::words::{count, grouped};

/// The most lanes; of more the last ones are drawn.
const LANES_MAX: usize = 12;
/// Where marks stand, in thousandths of the width: nothing of them is cut off at the ends.
const LEFT: i128 = 25;
const RIGHT: i128 = 975;
/// How far apart marks of a lane are at least: closer ones stand above each other.
const APART: i128 = 40;
/// The room of a label in a window of 360 pixels, and in one of at least 720, where marks have their numbers too
/// (`templates/pictures.css`).
const LABEL_NARROW: i128 = 260;
const LABEL_WIDE: i128 = 120;
/// The height of a mark with the space above it, of the name of a lane, and of a label, in pixels.
const MARK: usize = 15;
const NAME: usize = 18;
const LABEL: usize = 34;
/// The longest title of a mark, in characters.
const TITLE_MAX: usize = 300;

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Created,
    Deleted,
    EndedByAws,
    Attempted,
    Perhaps,
    Changed,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Created, Self::Changed, Self::Deleted, Self::EndedByAws, Self::Attempted, Self::Perhaps];

    /// `None`: it is not drawn, as what only uses the resource.
    fn of(step: &StepAnswer) -> Option<Self> {
        if matches!(step.effect, "use" | "unknown") {
            return None;
        }
        Some(match (step.outcome, step.effect) {
            (OutcomeAnswer::NotDone, _) => Self::Attempted,
            (OutcomeAnswer::Unclear, _) => Self::Perhaps,
            _ if !step.is_certain || step.is_either => Self::Perhaps,
            // What it asks for waits, and can be taken back.
            (OutcomeAnswer::Done, "delete") if step.waits_until.is_some() => Self::Changed,
            (OutcomeAnswer::Done, "create") => Self::Created,
            (OutcomeAnswer::Done, "delete") if step.is_by_aws => Self::EndedByAws,
            (OutcomeAnswer::Done, "delete") => Self::Deleted,
            _ => Self::Changed,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::EndedByAws => "ended by AWS",
            Self::Attempted => "attempted",
            Self::Perhaps => "perhaps done",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::EndedByAws => "by-aws",
            Self::Attempted => "attempted",
            Self::Perhaps => "perhaps",
        }
    }

    /// The mark around the point 0 0; each has a shape of its own, so that its colour says nothing alone.
    fn path(self) -> &'static str {
        match self {
            Self::Created => "M-5 -6 L6 0 L-5 6 z",
            Self::Changed => "M0 -4 A4 4 0 1 1 0 4 A4 4 0 1 1 0 -4 z",
            Self::Deleted => "M-5 -5 L5 5 M5 -5 L-5 5",
            Self::EndedByAws => "M-6 -6 H6 V6 H-6 z M-3 -3 L3 3 M3 -3 L-3 3",
            Self::Attempted => "M0 -6 L6 0 L0 6 L-6 0 z",
            Self::Perhaps => "M-3 -2 A3 3 0 1 1 0 1 V3 M0 5 V6.5",
        }
    }
}

/// Marks that stand above each other.
struct Group<'a> {
    at: i128,
    steps: BTreeMap<Kind, Vec<&'a StepAnswer>>,
}

/// The time that the picture shows.
struct Axis {
    first: Timestamp,
    last: Timestamp,
}

impl Axis {
    fn place(&self, at: Timestamp) -> i128 {
        let nanos = |from: Timestamp| at.as_nanosecond() - from.as_nanosecond();
        match self.last.as_nanosecond() - self.first.as_nanosecond() {
            0 => 500,
            span => LEFT + nanos(self.first) * (RIGHT - LEFT) / span,
        }
    }

    /// Writes a time as short as this axis allows.
    fn short(&self, at: Timestamp) -> String {
        let is_same = |form: &str| self.first.strftime(form).to_string() == self.last.strftime(form).to_string();
        let form = match () {
            () if is_same("%F") => "%H:%M:%S",
            () if is_same("%Y") => "%m-%d %H:%M",
            () => "%F",
        };
        at.strftime(form).to_string()
    }
}

/// Returns the picture of what happened to a resource. `None`: too little happened for one.
pub(super) fn lanes(own: &ResourceAnswer) -> Option<Value> {
    let drawn: Vec<&IncarnationAnswer> = own.incarnations.iter().take(LANES_MAX).collect();
    let times = || drawn.iter().flat_map(|own| marks(own)).map(|(at, ..)| at);
    let axis = Axis { first: times().min()?, last: times().max()? };
    if times().count() < 2 {
        return None;
    }
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    let (mut all, mut y) = (Vec::new(), 0);
    // The first one above, as it is read.
    for (number, one) in drawn.iter().enumerate().rev() {
        for (_, kind, _) in marks(one) {
            *counts.entry(kind).or_default() += 1;
        }
        let name = if number == 0 { "the last one of this name" } else { "an earlier one" };
        let name = if own.incarnations.len() == 1 { "" } else { name };
        let Some(lane) = lane(one, &axis, y, name) else { continue };
        y += lane.0;
        all.push(lane.1);
    }
    let said: Vec<String> =
        Kind::ALL.iter().filter_map(|kind| Some(format!("{} {}", grouped(*counts.get(kind)?), kind.words()))).collect();
    let further = own.incarnations.len() - drawn.len();
    let words = format!("{} from {} to {}: {}", count(all.len(), "lane"), axis.first, axis.last, said.join(", "));
    Some(json!({
        "height": y,
        "lanes": all,
        "words": words,
        "begin": axis.first.to_string(),
        "end": axis.last.to_string(),
        "legend": Kind::ALL.iter().filter_map(|kind| Some(json!({
            "class": kind.class(), "path": kind.path(), "words": kind.words(), "count": grouped(*counts.get(kind)?),
        }))).collect::<Vec<_>>(),
        "further": (further > 0).then(|| format!("{} of this name are not drawn.", count(further, "earlier one"))),
    }))
}

/// Returns what is drawn of one, in order.
fn marks(own: &IncarnationAnswer) -> impl Iterator<Item = (Timestamp, Kind, &StepAnswer)> {
    own.steps.iter().filter_map(|step| Some((step.time.parse().ok()?, Kind::of(step)?, step)))
}

/// Returns the height of a lane and what is in it. `None`: nothing is.
fn lane(own: &IncarnationAnswer, axis: &Axis, y: usize, name: &str) -> Option<(usize, Value)> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (at, kind, step) in marks(own) {
        let at = axis.place(at);
        match groups.last_mut() {
            Some(group) if at - group.at < APART => group.steps.entry(kind).or_default().push(step),
            _ => groups.push(Group { at, steps: BTreeMap::from([(kind, vec![step])]) }),
        }
    }
    let (first, last) = (groups.first()?.at, groups.last()?.at);
    let highest = groups.iter().map(|group| group.steps.len()).max()?;
    let top = if name.is_empty() { y } else { y + NAME };
    let bar = top + highest * MARK;
    let has_ended = matches!(own.ending, EndingAnswer::Deleted | EndingAnswer::EndedByAws | EndingAnswer::Renamed);
    let texts = labels(&groups, axis, bar);
    let marks = groups.iter().flat_map(|group| {
        group.steps.iter().enumerate().map(move |(level, (kind, steps))| {
            json!({
                "x": percent(group.at), "y": bar - level * MARK, "class": kind.class(), "path": kind.path(),
                "number": (steps.len() > 1).then(|| grouped(steps.len())),
                "title": title(*kind, steps),
            })
        })
    });
    let value = json!({
        "name": name,
        "name_y": y + 12,
        "y": bar,
        "from": percent(if own.created.is_some() { first } else { 0 }),
        "to": percent(last),
        // Nothing says that it is gone: the lane goes on.
        "rest": (!has_ended).then(|| percent(1000)),
        "marks": marks.collect::<Vec<_>>(),
        "texts": texts,
    });
    Some((bar - y + LABEL + 6, value))
}

fn percent(thousandths: i128) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// Returns the titles of marks: of one what it was, of several how many from when to when.
fn title(kind: Kind, steps: &[&StepAnswer]) -> String {
    let text = match steps {
        [one] => format!("{} {}: {}", one.time, kind.words(), said::step(one)),
        [first, .., last] => {
            format!("{} {}, {} to {}", grouped(steps.len()), kind.words(), first.time, last.time)
        }
        [] => String::new(),
    };
    cut(&text, TITLE_MAX)
}

/// Returns the labels below a lane: those that have room in a narrow window, and those that need a wide one. What began
/// and ended it comes first.
fn labels(groups: &[Group<'_>], axis: &Axis, bar: usize) -> Vec<Value> {
    let mut by_weight: Vec<&Group<'_>> = groups.iter().collect();
    by_weight.sort_by_key(|group| group.steps.keys().next().copied());
    let mut placed: Vec<(i128, Value)> = Vec::new();
    for (room, class) in [(LABEL_NARROW, "label"), (LABEL_WIDE, "label wide")] {
        for group in &by_weight {
            // Near an end a label begins or ends at its mark: it takes room on one side only.
            if placed.iter().all(|(at, _)| (at - group.at).abs() >= room) {
                placed.push((group.at, label(group, axis, bar, class)));
            }
        }
    }
    placed.into_iter().map(|(_, value)| value).collect()
}

fn label(group: &Group<'_>, axis: &Axis, bar: usize, class: &str) -> Value {
    let total: usize = group.steps.values().map(Vec::len).sum();
    let kind = group.steps.keys().next().copied().unwrap_or(Kind::Changed);
    let words = match (group.steps.len(), total) {
        (1, 1) => kind.words().to_owned(),
        (1, _) => format!("{} {}", grouped(total), kind.words()),
        _ => format!("{} +{}", kind.words(), grouped(total - 1)),
    };
    let first = group.steps.values().flatten().filter_map(|step| step.time.parse::<Timestamp>().ok()).min();
    let anchor = match group.at {
        ..150 => "start",
        850.. => "end",
        _ => "middle",
    };
    json!({
        "x": percent(group.at), "words_y": bar + 20, "time_y": bar + 33, "class": class, "anchor": anchor,
        "words": words, "time": first.map(|at| axis.short(at)).unwrap_or_default(),
    })
}
