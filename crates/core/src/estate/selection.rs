//! What event selectors choose, compared: what two have in common, and what one chooses that others do not.
//!
//! A condition names a field and, by operator, values: all operators must hold; of the values of `equals`,
//! `starts_with` and `ends_with` one is enough, and of the `not_` operators none may fit (CloudTrail API,
//! `AdvancedFieldSelector`). There are no wildcards. Where the words do not show it, two are taken to have something in
//! common, and one not to include another.

use std::collections::{BTreeMap, BTreeSet};

use super::trail::EventSelector;

type Operators = BTreeMap<String, BTreeSet<String>>;

/// Field -> its value in one event. What an event does not say is left out.
pub type Event<'a> = BTreeMap<&'a str, &'a str>;

impl EventSelector {
    /// Tells whether some event may be chosen by both.
    pub fn may_overlap(&self, other: &EventSelector) -> bool {
        let both = self.0.keys().filter(|field| other.0.contains_key(*field));
        both.into_iter().all(|field| may_meet(&self.0[field], &other.0[field]))
    }

    /// Tells whether every event that `other` chooses is chosen by this one too, as far as the words show it.
    pub fn includes(&self, other: &EventSelector) -> bool {
        self.0.iter().all(|(field, mine)| other.0.get(field).is_some_and(|theirs| implied(mine, theirs)))
    }

    /// Tells whether it chooses an event, whatever the event does not say.
    pub fn may_choose(&self, event: &Event<'_>) -> bool {
        self.0.iter().all(|(field, mine)| event.get(field.as_str()).is_none_or(|value| holds(mine, value)))
    }

    /// Returns values with a `*` or a `?`, each with its field and operator: CloudTrail takes them literally.
    pub fn wildcards(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(field, by_operator)| {
            by_operator.iter().flat_map(move |(operator, values)| {
                let wild = values.iter().filter(|value| value.contains(['*', '?']));
                wild.map(move |value| (field.as_str(), operator.as_str(), value.as_str()))
            })
        })
    }

    /// Returns the halves that read and that write, or itself where it chooses one of them already.
    fn halves(&self) -> Vec<EventSelector> {
        if self.0.contains_key("readOnly") {
            return vec![self.clone()];
        }
        ["true", "false"].map(|value| self.clone().with("readOnly", "equals", [value])).into()
    }

    /// Returns it in words: `management events that read`.
    pub fn words(&self) -> String {
        let kind = match self.values("eventCategory", "equals").next() {
            Some("Management") => "management events".to_owned(),
            Some("Data") => match self.values("resources.type", "equals").next() {
                Some(kind) => format!("data events of {kind}"),
                None => "data events".to_owned(),
            },
            Some("NetworkActivity") => "network activity events".to_owned(),
            _ => "events".to_owned(),
        };
        let which = match self.values("readOnly", "equals").collect::<Vec<_>>()[..] {
            ["true"] => " that read",
            ["false"] => " that write",
            _ => "",
        };
        let told = ["eventCategory", "resources.type", "readOnly"];
        let rest = self.0.iter().filter(|(field, _)| !told.contains(&field.as_str()));
        let rest: Vec<String> = rest.map(|(field, by_operator)| condition(field, by_operator)).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(" where {}", rest.join(" and ")) };
        format!("{kind}{which}{rest}")
    }
}

/// How many values of a condition are told.
const VALUES_MAX: usize = 3;

fn condition(field: &str, by_operator: &Operators) -> String {
    let operators = by_operator.iter().map(|(operator, values)| {
        let mut told: Vec<&str> = values.iter().take(VALUES_MAX).map(String::as_str).collect();
        if values.len() > VALUES_MAX {
            told.push("…");
        }
        format!("{field} {} {}", operator.replace('_', " "), told.join(" or "))
    });
    operators.collect::<Vec<_>>().join(" and ")
}

/// What one set of selectors and another have in common, and what only the second chooses; in words, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What both choose, or may.
    pub common: BTreeSet<String>,
    /// Some management events are among it.
    pub management: bool,
    /// Other events are among it.
    pub data: bool,
    /// What only the second chooses, or may.
    pub only_theirs: BTreeSet<String>,
}

/// Compares the selectors of ours with those of another trail.
pub fn compare<'a>(
    ours: impl Iterator<Item = &'a EventSelector> + Clone,
    theirs: impl Iterator<Item = &'a EventSelector>,
) -> Comparison {
    let mut compared = Comparison::default();
    for their in theirs {
        let halves = their.halves();
        let lacking = |half: &&EventSelector| !ours.clone().any(|our| our.includes(half));
        let (shared, only): (Vec<&EventSelector>, Vec<&EventSelector>) = (
            halves.iter().filter(|half| ours.clone().any(|our| our.may_overlap(half))).collect(),
            halves.iter().filter(lacking).collect(),
        );
        let words = |part: &[&EventSelector]| -> BTreeSet<String> {
            match part.len() == halves.len() {
                true => BTreeSet::from([their.words()]),
                false => part.iter().map(|half| half.words()).collect(),
            }
        };
        if !shared.is_empty() {
            compared.common.extend(words(&shared));
            compared.management |= their.is_management();
            compared.data |= !their.is_management();
        }
        if !only.is_empty() {
            // Of a part that is shared in part, only the rest is theirs alone.
            let part = |half: &&EventSelector| shared.contains(half);
            let (parts, wholes): (Vec<&EventSelector>, Vec<&EventSelector>) = only.into_iter().partition(part);
            if !wholes.is_empty() {
                compared.only_theirs.extend(words(&wholes));
            }
            if !parts.is_empty() {
                let rest =
                    words(&parts).into_iter().map(|words| format!("{words}, as far as no other trail chooses them"));
                compared.only_theirs.extend(rest);
            }
        }
    }
    compared
}

/// Tells whether some value may satisfy both conditions.
fn may_meet(one: &Operators, other: &Operators) -> bool {
    for (first, second) in [(one, other), (other, one)] {
        if let Some(values) = first.get("equals") {
            return values.iter().any(|value| holds(first, value) && holds(second, value));
        }
    }
    let starts = |by: &'_ Operators| by.get("starts_with").cloned().unwrap_or_default();
    let (mine, theirs) = (starts(one), starts(other));
    let meets = |a: &String, b: &String| a.starts_with(b.as_str()) || b.starts_with(a.as_str());
    if !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|a| theirs.iter().any(|b| meets(a, b))) {
        return false;
    }
    let left_out = |starts: &BTreeSet<String>, by: &Operators| {
        let not = by.get("not_starts_with");
        !starts.is_empty()
            && starts.iter().all(|a| not.is_some_and(|not| not.iter().any(|b| a.starts_with(b.as_str()))))
    };
    !left_out(&mine, other) && !left_out(&theirs, one)
}

/// Tells whether every value that satisfies `theirs` satisfies `mine`.
fn implied(mine: &Operators, theirs: &Operators) -> bool {
    if let Some(values) = theirs.get("equals") {
        return values.iter().filter(|value| holds(theirs, value)).all(|value| holds(mine, value));
    }
    mine.iter().all(|(operator, values)| {
        let same = theirs.get(operator).is_some_and(|others| match operator.starts_with("not_") {
            true => values.is_subset(others),
            false => others.is_subset(values),
        });
        let narrower = || match operator.as_str() {
            "starts_with" => theirs.get("starts_with").is_some_and(|starts| {
                starts.iter().all(|start| values.iter().any(|value| start.starts_with(value.as_str())))
            }),
            "not_starts_with" => theirs.get("starts_with").is_some_and(|starts| {
                let apart = |a: &str, b: &str| !a.starts_with(b) && !b.starts_with(a);
                starts.iter().all(|start| values.iter().all(|value| apart(start, value)))
            }),
            "not_equals" => values.iter().all(|value| !holds(theirs, value)),
            _ => false,
        };
        same || narrower()
    })
}

/// Tells whether a value satisfies a condition. An operator that is not known is taken to hold.
fn holds(by_operator: &Operators, value: &str) -> bool {
    by_operator.iter().all(|(operator, values)| {
        let any = |fits: &dyn Fn(&str) -> bool| values.iter().any(|one| fits(one));
        match operator.as_str() {
            "equals" => any(&|one| value == one),
            "not_equals" => !any(&|one| value == one),
            "starts_with" => any(&|one| value.starts_with(one)),
            "not_starts_with" => !any(&|one| value.starts_with(one)),
            "ends_with" => any(&|one| value.ends_with(one)),
            "not_ends_with" => !any(&|one| value.ends_with(one)),
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::trail::ReadWrite;

    fn management(which: ReadWrite) -> EventSelector {
        EventSelector::management(which, &[])
    }

    fn objects() -> EventSelector {
        let data = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        data.with("resources.type", "equals", ["AWS::S3::Object"])
    }

    fn of(ours: &[EventSelector], theirs: &[EventSelector]) -> (Vec<String>, Vec<String>) {
        let compared = compare(ours.iter(), theirs.iter());
        (compared.common.into_iter().collect(), compared.only_theirs.into_iter().collect())
    }

    #[test]
    fn writes_and_reads_share_nothing_and_all_and_reads_share_the_reads() {
        let (reads, writes, all) = (ReadWrite::ReadOnly, ReadWrite::WriteOnly, ReadWrite::All);
        let none: [&str; 0] = [];
        let (common, only) = of(&[management(writes)], &[management(reads)]);
        assert_eq!((common, only), (none.map(String::from).into(), vec!["management events that read".to_owned()]));
        let (common, only) = of(&[management(all)], &[management(reads)]);
        assert_eq!((common.join(""), only.len()), ("management events that read".into(), 0));
        let (common, only) = of(&[management(writes)], &[management(all)]);
        assert_eq!(common, ["management events that write"]);
        assert_eq!(only, ["management events that read"]);
        let (common, only) = of(&[management(writes), management(reads)], &[management(all)]);
        assert_eq!((common.join(""), only.len()), ("management events".into(), 0));
    }

    #[test]
    fn a_source_that_ours_leaves_out_is_theirs_alone() {
        let ours = EventSelector::management(ReadWrite::All, &["kms.amazonaws.com".to_owned()]);
        let (common, only) = of(&[ours], &[management(ReadWrite::All)]);
        assert_eq!(common, ["management events"]);
        assert_eq!(only, ["management events, as far as no other trail chooses them"]);
    }

    #[test]
    fn data_events_are_compared_by_type_and_by_the_start_of_the_arn() {
        let arn = |operator: &str, value: &str| objects().with("resources.ARN", operator, [value]);
        let a = arn("starts_with", "arn:aws:s3:::a/");
        assert!(!a.may_overlap(&arn("starts_with", "arn:aws:s3:::b/")));
        assert!(a.may_overlap(&arn("starts_with", "arn:aws:s3:::a/logs/")));
        assert!(!a.may_overlap(&arn("not_starts_with", "arn:aws:s3:::a")));
        assert!(!a.may_overlap(&arn("equals", "arn:aws:s3:::b/1")));
        assert!(objects().includes(&a) && !a.includes(&objects()));
        assert!(
            a.includes(&arn("starts_with", "arn:aws:s3:::a/logs/")) && a.includes(&arn("equals", "arn:aws:s3:::a/1"))
        );
        assert!(
            arn("not_starts_with", "arn:aws:s3:::b").includes(&a)
                && !arn("not_starts_with", "arn:aws:s3:::a/x").includes(&a)
        );
        let tables = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        let tables = tables.with("resources.type", "equals", ["AWS::DynamoDB::Table"]);
        assert_eq!(of(&[objects()], &[tables]).1, ["data events of AWS::DynamoDB::Table"]);
    }

    #[test]
    fn an_event_is_chosen_by_what_it_says_without_wildcards() {
        let event = Event::from([("eventCategory", "Data"), ("resources.ARN", "arn:aws:s3:::acme-logs-1/x")]);
        assert!(objects().may_choose(&event));
        assert!(objects().with("resources.ARN", "not_equals", ["arn:aws:s3:::acme-logs-*/*"]).may_choose(&event));
        assert!(!objects().with("resources.ARN", "not_starts_with", ["arn:aws:s3:::acme-logs-"]).may_choose(&event));
        assert!(!management(ReadWrite::All).may_choose(&event));
    }
}
