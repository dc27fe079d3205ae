//! The same policy with another meaning: one element of one statement at a time.

use std::collections::BTreeMap;

use orgtrail::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};
use orgtrail::policy::{PolicyDocument, SID_PREFIX};

use super::OUTSIDER;

/// A policy in other words.
pub(super) struct Reworded {
    /// The element that was changed.
    pub part: &'static str,
    /// It means something else.
    pub is_other: bool,
    pub document: PolicyDocument,
}

/// Of a policy that others write into too, only our statements are damaged.
pub(super) fn shared(document: &PolicyDocument) -> Vec<Reworded> {
    let is_ours = |statement: &Statement| statement.sid.as_deref().is_some_and(|sid| sid.starts_with(SID_PREFIX));
    let mut all = reworded(document, &is_ours);
    // What becomes of a statement of ours that has lost its name depends on what it says.
    all.retain(|one| one.part != "sid");
    all
}

/// All of a policy that is ours alone.
pub(super) fn own(document: &PolicyDocument) -> Vec<Reworded> {
    reworded(document, &|_| true)
}

/// A policy that lets everybody in.
pub(super) fn open() -> PolicyDocument {
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    PolicyDocument::parse(all).unwrap()
}

fn reworded(document: &PolicyDocument, is_ours: &dyn Fn(&Statement) -> bool) -> Vec<Reworded> {
    let PolicyDocument { version, id, statements } = document;
    let has_variable = document.to_value().to_string().contains("${");
    let mut all = vec![
        // The older language knows no variables.
        Reworded {
            part: if has_variable { "version" } else { "version.no_variables" },
            is_other: has_variable,
            document: PolicyDocument {
                version: version.is_none().then(|| "2012-10-17".to_owned()),
                ..document.clone()
            },
        },
        Reworded {
            part: "id",
            is_other: false,
            document: PolicyDocument { id: super::other(id, "theirs".to_owned()), ..document.clone() },
        },
    ];
    for (place, statement) in statements.iter().enumerate().filter(|(_, statement)| is_ours(statement)) {
        let mut without = document.clone();
        without.statements.remove(place);
        all.push(Reworded { part: "statements", is_other: true, document: without });
        for (part, is_other, changed) in others(statement) {
            let mut with = document.clone();
            with.statements[place] = changed;
            all.push(Reworded { part, is_other, document: with });
        }
    }
    all
}

type Other = (&'static str, bool, Statement);

fn others(statement: &Statement) -> Vec<Other> {
    let Statement { sid, effect, principal, action, resource, condition } = statement;
    let mut all: Vec<Other> = vec![
        ("sid", false, Statement { sid: super::other(sid, "Theirs".to_owned()), ..statement.clone() }),
        ("effect", true, Statement { effect: opposite(*effect), ..statement.clone() }),
    ];
    let more = |list: &[String]| list.iter().cloned().chain(["s3:DeleteObject".to_owned()]).collect();
    let action_of = |action| Statement { action, ..statement.clone() };
    let (with_more, turned) = match action {
        ActionElement::Is(list) => (ActionElement::Is(more(list)), ActionElement::IsNot(list.clone())),
        ActionElement::IsNot(list) => (ActionElement::IsNot(more(list)), ActionElement::Is(list.clone())),
    };
    let harmless = ActionElement::Is(vec!["sts:GetCallerIdentity".into()]);
    all.extend([with_more, turned, harmless].map(|action| ("action", true, action_of(action))));
    if principal.is_some() {
        let outsider = BTreeMap::from([("AWS".to_owned(), vec![OUTSIDER.to_owned()])]);
        let of_outsider = Some(PrincipalElement::Is(Principals::Listed(outsider)));
        all.push(("principal", true, Statement { principal: of_outsider, ..statement.clone() }));
    }
    if resource.is_some() {
        let elsewhere = Some(ResourceElement::Is(vec!["arn:aws:s3:::elsewhere".into()]));
        all.push(("resource", true, Statement { resource: elsewhere, ..statement.clone() }));
    }
    all.extend(
        conditions(condition)
            .into_iter()
            .map(|condition| ("condition", true, Statement { condition, ..statement.clone() })),
    );
    all
}

fn opposite(effect: Effect) -> Effect {
    match effect {
        Effect::Allow => Effect::Deny,
        Effect::Deny => Effect::Allow,
    }
}

type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Every value changed and every key lost, one at a time; or a condition that never holds.
fn conditions(condition: &Condition) -> Vec<Condition> {
    if condition.is_empty() {
        let never = BTreeMap::from([("aws:CurrentTime".to_owned(), vec!["2020-01-01T00:00:00Z".to_owned()])]);
        return vec![BTreeMap::from([("DateLessThan".to_owned(), never)])];
    }
    let mut all = Vec::new();
    for (operator, by_key) in condition {
        for (key, values) in by_key {
            let other = if values == &["false"] { "true".to_owned() } else { format!("{}x", values[0]) };
            let (mut changed, mut lost) = (condition.clone(), condition.clone());
            changed.get_mut(operator).unwrap().get_mut(key).unwrap()[0] = other;
            lost.get_mut(operator).unwrap().remove(key);
            lost.retain(|_, by_key| !by_key.is_empty());
            all.extend([changed, lost]);
        }
    }
    all
}
