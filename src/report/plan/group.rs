//! Folds what is the same in many accounts into one.
//!
//! Two changes are the same when their content is equal after the id and the name of the account that each is about
//! were replaced by a placeholder. What is printed for a folded group has the placeholders in it, so folding can hide
//! nothing: whatever differs in any other way is printed on its own.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use serde_json::Value;

use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource};
use crate::ids::{AccountId, Region};
use crate::organization::Organization;
use crate::plan::{Action, Change, FieldChange, Harm, Risk};

/// Stands for the id of the account that a change is about.
pub const ACCOUNT: &str = "<account>";

/// Stands for its name.
pub const ACCOUNT_NAME: &str = "<account name>";

/// What both placeholders begin with.
const PLACEHOLDER: &str = "<account";

/// Changes that are the same, as they are printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// What is the same: the change itself where there is only one.
    pub content: PrintedChange,
    /// The account that holds the resources; none where each is in the account that it is about.
    pub account: Option<AccountId>,
    /// The changes, in the order of the plan; never empty.
    pub members: Vec<&'a Change>,
    /// The account that each is about, in the same order.
    pub subjects: Vec<AccountId>,
}

impl Group<'_> {
    /// Returns the address, with `<account>` in it where the group stands for many.
    pub(in crate::report) fn address(&self) -> String {
        let account = self.account.as_ref().map_or(ACCOUNT, AccountId::as_str);
        let content = &self.content;
        let region = content.region.as_ref().map_or("global", |region| region.as_str());
        format!("{account}/{region}/{}/{}", content.kind, content.name)
    }
}

/// Returns the sign of an action, so that it is read without colour too.
pub fn mark(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Update => '~',
        Action::Adopt => '!',
        Action::Retire => '-',
    }
}

/// What of a change is printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrintedChange {
    /// What is done.
    pub action: Action,
    /// To what kind of resource.
    pub kind: Kind,
    /// Where; none for what is global.
    pub region: Option<Region>,
    /// The resource's name.
    pub name: String,
    /// What it risks.
    pub risk: BTreeSet<Risk>,
    /// What the drift does now.
    pub harm: Harm,
    /// What asked for it.
    pub reason: String,
    /// Path, before and after of each field.
    pub fields: Vec<(String, Value, Value)>,
}

/// Groups changes that are the same, in the order in which the first of each appears. Linear in the number of changes.
pub fn fold<'a>(changes: &'a [Change], organization: &Organization) -> Vec<Group<'a>> {
    let groups = group_by(changes, |change| key(change, organization));
    let group = |(key, members): (Key, Vec<&'a Change>)| {
        let subjects = members.iter().map(|change| subject(change, organization)).collect();
        match members.as_slice() {
            [only] => Group {
                content: content(only, &Own::nobody()),
                account: Some(only.address.account.clone()),
                members,
                subjects,
            },
            _ => Group { content: key.content, account: key.account, members, subjects },
        }
    };
    groups.into_iter().map(group).collect()
}

/// Groups items of the same key, in the order in which the first of each appears.
pub fn group_by<'a, T, K: Hash + Eq>(items: &'a [T], key: impl Fn(&T) -> K) -> Vec<(K, Vec<&'a T>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<&'a T>> = Vec::new();
    for item in items {
        let next = groups.len();
        let at = *places.entry(key(item)).or_insert(next);
        match groups.get_mut(at) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    let mut keyed: Vec<(usize, K)> = places.into_iter().map(|(key, at)| (at, key)).collect();
    keyed.sort_unstable_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, key)| key).zip(groups).collect()
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    content: PrintedChange,
    account: Option<AccountId>,
    /// Set for a change whose own text looks like a placeholder: it must not be taken for another's.
    alone: Option<Address>,
}

fn key(change: &Change, organization: &Organization) -> Key {
    let subject = subject(change, organization);
    let account = (subject != change.address.account).then(|| change.address.account.clone());
    let plain = content(change, &Own::nobody());
    if plain.has(PLACEHOLDER) {
        return Key { content: plain, account, alone: Some(change.address.clone()) };
    }
    Key { content: content(change, &Own::of(&subject, organization)), account, alone: None }
}

/// Returns the account that a change is about: the one whose logs a reader role reads, else the one that holds the
/// resource.
fn subject(change: &Change, organization: &Organization) -> AccountId {
    let tag = |resource: Option<&Resource>| -> Option<AccountId> { resource?.tags()?.get(ACCOUNT_TAG)?.parse().ok() };
    tag(change.desired())
        .or_else(|| tag(change.observed()))
        .unwrap_or_else(|| subject_of_address(&change.address, organization))
}

/// Returns the account that something at this address is about: the one whose id is in its name, else the one that
/// holds it.
pub fn subject_of_address(address: &Address, organization: &Organization) -> AccountId {
    named_account(&address.name, organization).unwrap_or_else(|| address.account.clone())
}

/// Returns the account of the organization whose id stands in a name, if there is exactly one.
fn named_account(name: &str, organization: &Organization) -> Option<AccountId> {
    let mut ids = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 12);
    let id = ids.next().filter(|_| ids.next().is_none())?;
    organization.accounts.get_key_value(id).map(|(id, _)| id.clone())
}

fn content(change: &Change, own: &Own) -> PrintedChange {
    let Change { address, operator: _, step: _, risk, harm, reason, depends_on: _ } = change;
    let Address { account: _, region, kind, name } = address;
    let field = |field: &FieldChange| {
        (own.hide(&field.path), own.hide_in(&field.before_json()), own.hide_in(&field.after_json()))
    };
    PrintedChange {
        action: change.action(),
        kind: *kind,
        region: region.clone(),
        name: own.hide(name),
        risk: risk.clone(),
        harm: *harm,
        reason: reason.clone(),
        fields: change.field_changes().iter().map(field).collect(),
    }
}

impl PrintedChange {
    fn has(&self, text: &str) -> bool {
        let in_field = |(path, before, after): &(String, Value, Value)| {
            path.contains(text) || value_has(before, text) || value_has(after, text)
        };
        self.name.contains(text) || self.fields.iter().any(in_field)
    }
}

fn value_has(value: &Value, text: &str) -> bool {
    match value {
        Value::String(it) => it.contains(text),
        Value::Array(list) => list.iter().any(|item| value_has(item, text)),
        Value::Object(object) => object.iter().any(|(name, item)| name.contains(text) || value_has(item, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The id and the name of one account, to be replaced by placeholders.
pub struct Own<'a> {
    id: &'a str,
    name: &'a str,
}

impl<'a> Own<'a> {
    /// Takes an account's id and, where the organization knows it, its name.
    pub fn of(id: &'a AccountId, organization: &'a Organization) -> Self {
        let name = organization.accounts.get(id).map_or("", |account| account.name.as_str());
        Self { id: id.as_str(), name }
    }

    /// Replaces nothing.
    fn nobody() -> Self {
        Self { id: "", name: "" }
    }

    /// Replaces the id and the name where they stand as words of their own.
    pub fn hide(&self, text: &str) -> String {
        let text = replace_word(text, self.id, ACCOUNT);
        // A name that the placeholder itself contains would be found in it.
        if ACCOUNT.contains(self.name) { text } else { replace_word(&text, self.name, ACCOUNT_NAME) }
    }

    fn hide_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(text)),
            Value::Array(list) => list.iter().map(|item| self.hide_in(item)).collect(),
            Value::Object(object) => {
                Value::Object(object.iter().map(|(name, item)| (self.hide(name), self.hide_in(item))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// Replaces `word` where no letter or digit stands directly before or after it.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    // Nothing is found of an empty word.
    let places = text.match_indices(word).take_while(|_| !word.is_empty());
    for (at, _) in places {
        let end = at + word.len();
        let before = text[..at].chars().next_back();
        let after = text[end..].chars().next();
        if !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric) {
            replaced.push_str(&text[from..at]);
            replaced.push_str(by);
            from = end;
        }
    }
    replaced.push_str(&text[from..]);
    replaced
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::report::plan::fixture::{DrawChange, account_id, change, organization, role_change};

    #[test]
    fn reader_roles_in_one_account_fold() {
        let organization = organization(12);
        let changes: Vec<Change> = (3..9).map(|n| role_change(Action::Create, n)).collect();
        let groups = fold(&changes, &organization);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].content.name, "CloudTrailReadLogs-<account>");
        assert_eq!(groups[0].account, Some(account_id(2)));
        assert_eq!(groups[0].subjects, (3..9).map(account_id).collect::<Vec<_>>());
        assert!(groups[0].content.fields[0].2.to_string().contains("arn:aws:iam::<account>:root"));
    }

    #[test]
    fn what_names_another_account_stays_apart() {
        let organization = organization(12);
        let trusting = |n: usize, stranger: &str| {
            change(Action::Update, n, Kind::Policy, "p").field("document", json!("old"), json!(stranger))
        };
        let changes = [trusting(3, "999999999999"), trusting(4, "888888888888"), trusting(5, "999999999999")];
        let groups = fold(&changes, &organization);
        assert_eq!(groups.iter().map(|g| g.members.len()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_name_that_looks_like_a_placeholder_is_not_folded() {
        let organization = organization(12);
        let with =
            |n: usize, text: &str| change(Action::Update, n, Kind::Policy, "p").field("x", json!(null), json!(text));
        let changes = [with(3, "<account>"), with(4, "<account>"), with(5, account_id(5).as_str())];
        assert_eq!(fold(&changes, &organization).len(), 3);
    }

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(replace_word("a-dev-developer-dev", "dev", "X"), "a-X-developer-X");
        assert_eq!(replace_word("abc", "", "X"), "abc");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled(of in proptest::collection::vec((1usize..13, 0usize..4, 0usize..3), 0..60)) {
            let organization = organization(12);
            let kinds = [Kind::Role, Kind::Policy, Kind::Trail];
            let changes: Vec<Change> = of
                .iter()
                .map(|(n, name, kind)| change(Action::Create, *n, kinds[*kind], &format!("n{name}")))
                .collect();
            let groups = fold(&changes, &organization);
            prop_assert_eq!(groups.iter().map(|g| g.members.len()).sum::<usize>(), changes.len());
            for group in &groups {
                prop_assert_eq!(group.members.len(), group.subjects.len());
                for (member, subject) in group.members.iter().zip(&group.subjects) {
                    let unfolded = group.content.name.replace(ACCOUNT, subject.as_str());
                    prop_assert_eq!(&member.address.name, &unfolded);
                    prop_assert_eq!(member.address.kind, group.content.kind);
                }
            }
        }
    }
}
