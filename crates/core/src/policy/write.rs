//! Policy documents as JSON text, their elements in AWS's customary order and without a value between: sizes are
//! measured and estates hashed for 10,000 accounts.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::document::{ActionElement, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement};

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(None)?;
        if let Some(version) = &self.version {
            object.serialize_entry("Version", version)?;
        }
        if let Some(id) = &self.id {
            object.serialize_entry("Id", id)?;
        }
        object.serialize_entry("Statement", &self.statements)?;
        object.end()
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { sid, effect, principal, action, resource, condition } = self;
        let mut object = to.serialize_map(None)?;
        if let Some(sid) = sid {
            object.serialize_entry("Sid", sid)?;
        }
        object.serialize_entry("Effect", effect.as_str())?;
        match principal {
            Some(PrincipalElement::Is(who)) => object.serialize_entry("Principal", &Who(who))?,
            Some(PrincipalElement::IsNot(who)) => object.serialize_entry("NotPrincipal", &Who(who))?,
            None => {}
        }
        match action {
            ActionElement::Is(list) => object.serialize_entry("Action", &OneOrMany(list))?,
            ActionElement::IsNot(list) => object.serialize_entry("NotAction", &OneOrMany(list))?,
        }
        match resource {
            Some(ResourceElement::Is(list)) => object.serialize_entry("Resource", &OneOrMany(list))?,
            Some(ResourceElement::IsNot(list)) => object.serialize_entry("NotResource", &OneOrMany(list))?,
            None => {}
        }
        if !condition.is_empty() {
            let by_key: BTreeMap<&String, Lists> = condition.iter().map(|(name, keys)| (name, Lists(keys))).collect();
            object.serialize_entry("Condition", &by_key)?;
        }
        object.end()
    }
}

/// A list of one is written as its element.
struct OneOrMany<'a>(&'a [String]);

impl Serialize for OneOrMany<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [single] => single.serialize(to),
            many => many.serialize(to),
        }
    }
}

struct Lists<'a>(&'a BTreeMap<String, Vec<String>>);

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, list)| (name, OneOrMany(list))))
    }
}

struct Who<'a>(&'a Principals);

impl Serialize for Who<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Principals::Anyone => to.serialize_str("*"),
            Principals::Listed(by_kind) => Lists(by_kind).serialize(to),
        }
    }
}
