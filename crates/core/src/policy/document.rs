//! A policy document as plain data: read without loss of meaning, written one way.
//!
//! What belongs here: the grammar of AWS's JSON policies (IAM user guide, "Grammar of the IAM JSON policy language").
//! What two documents mean when compared is `canonical`; what they allow is `evaluate`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Says why a text is not a policy document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// The text is not JSON.
    #[error("the policy is not JSON: {0}")]
    NotJson(String),
    /// The JSON does not follow the policy grammar.
    #[error("the policy is malformed at {place}: {why}")]
    Malformed {
        /// Where, as a path such as `Statement[2].Action`.
        place: String,
        /// The rule that is broken.
        why: String,
    },
}

fn malformed<T>(place: impl Into<String>, why: impl Into<String>) -> Result<T, BadPolicy> {
    Err(BadPolicy::Malformed { place: place.into(), why: why.into() })
}

/// A policy document: identity, resource, trust, key or service control policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDocument {
    /// `2012-10-17`, `2008-10-17` or nothing, which means the older one (without policy variables).
    pub version: Option<String>,
    /// A label without meaning.
    pub id: Option<String>,
    /// The statements in the order of the text.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement's name; ours begin with [`crate::policy::SID_PREFIX`]; none where it has none.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Whom it concerns; none in identity policies.
    pub principal: Option<PrincipalElement>,
    /// What may be done.
    pub action: ActionElement,
    /// On what; none in trust policies.
    pub resource: Option<ResourceElement>,
    /// Operator -> condition key -> values. All of them must hold.
    pub condition: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

impl Effect {
    /// Returns the effect as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalElement {
    /// The listed principals.
    Is(Principals),
    /// Everybody but the listed principals.
    IsNot(Principals),
}

/// Everybody, or principals by kind (`AWS`, `Service`, `Federated`, `CanonicalUser`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principals {
    /// The bare `"*"`.
    Anyone,
    /// Kind -> values.
    Listed(BTreeMap<String, Vec<String>>),
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionElement {
    /// The listed actions.
    Is(Vec<String>),
    /// Every action but the listed ones.
    IsNot(Vec<String>),
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceElement {
    /// The listed resources.
    Is(Vec<String>),
    /// Every resource but the listed ones.
    IsNot(Vec<String>),
}

impl PolicyDocument {
    /// Reads a document from its text.
    ///
    /// # Errors
    /// [`BadPolicy`] with the place of the first fault: not JSON, an element twice, an unknown element, a wrong type.
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        let value = super::json::read_strict(text).map_err(|error| BadPolicy::NotJson(error.to_string()))?;
        Self::from_value(&value)
    }

    /// Reads a document from JSON that has been parsed already.
    ///
    /// # Errors
    /// [`BadPolicy::Malformed`] with the place of the first fault.
    pub fn from_value(value: &Value) -> Result<Self, BadPolicy> {
        let Value::Object(object) = value else {
            return malformed("the document", "it must be a JSON object");
        };
        let mut document = Self::default();
        for (name, value) in object {
            match name.as_str() {
                "Version" => document.version = Some(text_of(value, "Version")?),
                "Id" => document.id = Some(text_of(value, "Id")?),
                "Statement" => document.statements = statements_of(value)?,
                other => return malformed(other, "a policy has only `Version`, `Id` and `Statement`"),
            }
        }
        if !object.contains_key("Statement") {
            return malformed("the document", "it has no `Statement`");
        }
        Ok(document)
    }

    /// Returns the document as JSON, its elements in AWS's customary order.
    pub fn to_value(&self) -> Value {
        // Texts and lists of texts always have a form in JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Returns the text that is sent: without white space, because AWS counts characters.
    pub fn to_minified(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the text for people: indented by two spaces, with a final line end.
    pub fn to_pretty(&self) -> String {
        format!("{:#}\n", self.to_value())
    }

    /// Returns the size that AWS holds against its quotas, in bytes: the text without white space.
    pub fn size_bytes(&self) -> usize {
        self.to_minified().len()
    }

    /// Applies `change` to every text in the document that can hold a name: principals, resources, condition values.
    pub fn map_texts(&mut self, change: &mut dyn FnMut(&mut String)) {
        for statement in &mut self.statements {
            statement.map_texts(change);
        }
    }
}

impl Statement {
    fn map_texts(&mut self, change: &mut dyn FnMut(&mut String)) {
        if let Some(
            PrincipalElement::Is(Principals::Listed(by_kind)) | PrincipalElement::IsNot(Principals::Listed(by_kind)),
        ) = &mut self.principal
        {
            by_kind.values_mut().flatten().for_each(&mut *change);
        }
        if let Some(ResourceElement::Is(list) | ResourceElement::IsNot(list)) = &mut self.resource {
            list.iter_mut().for_each(&mut *change);
        }
        self.condition.values_mut().flat_map(BTreeMap::values_mut).flatten().for_each(change);
    }

    /// Returns the statement as JSON.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads one statement; `place` says where it stands, for errors.
    fn from_value(value: &Value, place: &str) -> Result<Self, BadPolicy> {
        let Value::Object(object) = value else {
            return malformed(place, "a statement must be a JSON object");
        };
        for name in object.keys() {
            if !STATEMENT_ELEMENTS.contains(&name.as_str()) {
                return malformed(
                    format!("{place}.{name}"),
                    format!("a statement has only {}", STATEMENT_ELEMENTS.join(", ")),
                );
            }
        }
        let sid = object.get("Sid").map(|v| text_of(v, &format!("{place}.Sid"))).transpose()?;
        let effect = match object.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return malformed(format!("{place}.Effect"), "it must be \"Allow\" or \"Deny\""),
        };
        let principal = either(object, place, ["Principal", "NotPrincipal"])?
            .map(|(name, negated, value)| {
                let who = principals_of(value, &format!("{place}.{name}"))?;
                Ok(if negated { PrincipalElement::IsNot(who) } else { PrincipalElement::Is(who) })
            })
            .transpose()?;
        let action = match either(object, place, ["Action", "NotAction"])? {
            Some((name, false, value)) => ActionElement::Is(texts_of(value, &format!("{place}.{name}"))?),
            Some((name, true, value)) => ActionElement::IsNot(texts_of(value, &format!("{place}.{name}"))?),
            None => return malformed(place, "it needs `Action` or `NotAction`"),
        };
        let resource = either(object, place, ["Resource", "NotResource"])?
            .map(|(name, negated, value)| {
                let list = texts_of(value, &format!("{place}.{name}"))?;
                Ok(if negated { ResourceElement::IsNot(list) } else { ResourceElement::Is(list) })
            })
            .transpose()?;
        let condition = match object.get("Condition") {
            Some(value) => condition_of(value, &format!("{place}.Condition"))?,
            None => BTreeMap::new(),
        };
        Ok(Self { sid, effect, principal, action, resource, condition })
    }
}

const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Finds which of an element and its negation is there; both at once are a fault.
fn either<'a>(
    object: &'a Map<String, Value>,
    place: &str,
    names: [&'static str; 2],
) -> Result<Option<(&'static str, bool, &'a Value)>, BadPolicy> {
    match (object.get(names[0]), object.get(names[1])) {
        (Some(_), Some(_)) => malformed(place, format!("it has both `{}` and `{}`", names[0], names[1])),
        (Some(value), None) => Ok(Some((names[0], false, value))),
        (None, Some(value)) => Ok(Some((names[1], true, value))),
        (None, None) => Ok(None),
    }
}

fn statements_of(value: &Value) -> Result<Vec<Statement>, BadPolicy> {
    match value {
        Value::Array(list) => {
            exactly(list.iter().enumerate().map(|(n, v)| Statement::from_value(v, &format!("Statement[{n}]"))))
        }
        Value::Object(_) => Ok(vec![Statement::from_value(value, "Statement")?]),
        _ => malformed("Statement", "it must be a statement or a list of statements"),
    }
}

/// Collects into no more room than is needed: of 10,000 accounts there are half a million short lists.
fn exactly<T>(items: impl ExactSizeIterator<Item = Result<T, BadPolicy>>) -> Result<Vec<T>, BadPolicy> {
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        list.push(item?);
    }
    Ok(list)
}

fn text_of(value: &Value, place: &str) -> Result<String, BadPolicy> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => malformed(place, "it must be a string"),
    }
}

fn texts_of(value: &Value, place: &str) -> Result<Vec<String>, BadPolicy> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => exactly(list.iter().map(|v| text_of(v, place))),
        _ => malformed(place, "it must be a string or a list of strings"),
    }
}

/// Condition values may be written as numbers and booleans too; AWS stores them as strings.
fn scalars_of(value: &Value, place: &str) -> Result<Vec<String>, BadPolicy> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => malformed(place, "it must be a string, a number, a boolean or a list of them"),
    };
    match value {
        Value::Array(list) => exactly(list.iter().map(scalar)),
        single => Ok(vec![scalar(single)?]),
    }
}

fn principals_of(value: &Value, place: &str) -> Result<Principals, BadPolicy> {
    match value {
        Value::String(text) if text == "*" => Ok(Principals::Anyone),
        Value::Object(object) => {
            let mut by_kind = BTreeMap::new();
            for (kind, value) in object {
                if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
                    return malformed(
                        format!("{place}.{kind}"),
                        "the kinds of principals are AWS, Service, Federated and CanonicalUser",
                    );
                }
                by_kind.insert(kind.clone(), texts_of(value, &format!("{place}.{kind}"))?);
            }
            Ok(Principals::Listed(by_kind))
        }
        _ => malformed(place, "it must be \"*\" or an object of principals by kind"),
    }
}

fn condition_of(value: &Value, place: &str) -> Result<BTreeMap<String, BTreeMap<String, Vec<String>>>, BadPolicy> {
    let Value::Object(operators) = value else {
        return malformed(place, "it must be an object of operators");
    };
    let mut condition = BTreeMap::new();
    for (operator, keys) in operators {
        let place = format!("{place}.{operator}");
        let Value::Object(keys) = keys else {
            return malformed(place, "it must be an object of condition keys");
        };
        let mut by_key = BTreeMap::new();
        for (key, values) in keys {
            by_key.insert(key.clone(), scalars_of(values, &format!("{place}.{key}"))?);
        }
        condition.insert(operator.clone(), by_key);
    }
    Ok(condition)
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Self::from_value(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        PolicyDocument::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_document_is_written_as_it_was_read() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Principal":"*","NotAction":"s3:Get*","Resource":["a","b"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
        assert_eq!(PolicyDocument::parse(text).unwrap().to_minified(), text);
    }

    #[test]
    fn scalars_in_conditions_become_strings() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{"k":true},"NumericLessThan":{"n":[3]}}}}"#;
        let document = PolicyDocument::parse(text).unwrap();
        assert_eq!(document.statements[0].condition["Bool"]["k"], ["true"]);
        assert_eq!(document.statements[0].condition["NumericLessThan"]["n"], ["3"]);
    }

    #[test]
    fn faults_name_their_place() {
        assert!(fault("[]").contains("JSON object"));
        assert!(fault("{").contains("not JSON"));
        assert!(fault(r#"{"Version":"2012-10-17"}"#).contains("no `Statement`"));
        let one = |statement: &str| fault(&format!(r#"{{"Statement":[{statement}]}}"#));
        assert!(one(r#"{"Effect":"allow","Action":"*"}"#).contains("Statement[0].Effect"));
        assert!(one(r#"{"Effect":"Allow","Action":7}"#).contains("Statement[0].Action"));
        assert!(one(r#"{"Effect":"Allow","Action":"*","Conditions":{}}"#).contains("Statement[0].Conditions"));
        assert!(one(r#"{"Effect":"Allow","Action":"*","NotAction":"*"}"#).contains("both"));
        assert!(one(r#"{"Effect":"Allow","Action":"*","Principal":"x"}"#).contains("Statement[0].Principal"));
        assert!(one(r#"{"Effect":"Allow","Effect":"Deny","Action":"*"}"#).contains("twice"));
    }
}
