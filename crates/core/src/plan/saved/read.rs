//! Reads the JSON of a plan part by part, so that an error names the part and the entry, and refuses what contradicts
//! itself.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{ChangeJson, FORMAT_VERSION, SavedPlan, Summary};
use crate::plan::{Action, Harm};
use crate::policy::json::read_strict;

/// Says why a text is not the JSON of a plan.
#[derive(Debug, thiserror::Error)]
pub enum BadPlan {
    /// Cut off, or no JSON at all.
    #[error("it is no JSON, or cut off")]
    Json(#[source] serde_json::Error),
    /// Another file.
    #[error("it is JSON, but not a plan of orgtrail")]
    Foreign,
    /// A plan of another version.
    #[error("it is of format version {0}, and this program reads version {FORMAT_VERSION}")]
    Version(u64),
    /// A part that was changed by hand, or damaged.
    #[error("its part `{part}` is not as orgtrail writes it")]
    Readable {
        /// The field.
        part: &'static str,
        /// What does not fit, and in which entry.
        #[source]
        why: BadPart,
    },
    /// A part that this program does not know.
    #[error("its part `{0}` is not known to this version of orgtrail; a later one may have written it")]
    Unknown(String),
}

/// What does not fit in a part.
#[derive(Debug, thiserror::Error)]
pub enum BadPart {
    /// The whole part.
    #[error("{0}")]
    Whole(String),
    /// One entry of a list.
    #[error("entry {number}{}: {why}", .address.as_ref().map(|address| format!(", {address}")).unwrap_or_default())]
    Entry {
        /// Its number, from 1.
        number: usize,
        /// Its address; not set where it has none.
        address: Option<String>,
        /// What does not fit.
        why: String,
    },
}

/// The parts of a JSON document, taken out one after the other.
pub struct Parts(Map<String, Value>);

impl Parts {
    /// Takes the JSON of a plan, or of a report of `drift`, apart.
    ///
    /// # Errors
    /// [`BadPlan`] for what is of another kind or version.
    pub fn of(text: &str) -> Result<Self, BadPlan> {
        let value: Value = read_strict(text).map_err(BadPlan::Json)?;
        let Value::Object(parts) = value else { return Err(BadPlan::Foreign) };
        let names = ["fingerprint", "changes", "in_sync", "organization", "deployment"];
        if names.iter().any(|name| !parts.contains_key(*name)) {
            return Err(BadPlan::Foreign);
        }
        match parts.get("format_version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(FORMAT_VERSION) => Ok(Self(parts)),
            Some(other) => Err(BadPlan::Version(other)),
            None => Err(BadPlan::Foreign),
        }
    }

    /// Takes a part out; the value of its type that says nothing where it is not there.
    ///
    /// # Errors
    /// [`BadPlan::Readable`] for another type.
    pub fn take<T: DeserializeOwned + Default>(&mut self, part: &'static str) -> Result<T, BadPlan> {
        if self.0.contains_key(part) { self.required(part) } else { Ok(T::default()) }
    }

    /// Returns the name of a part: the one of before where only that is there.
    fn name(&self, name: &'static str, before: &'static str) -> &'static str {
        if self.0.contains_key(name) || !self.0.contains_key(before) { name } else { before }
    }

    fn required<T: DeserializeOwned>(&mut self, part: &'static str) -> Result<T, BadPlan> {
        let value = self.0.remove(part).ok_or_else(|| BadPlan::whole(part, "it is missing"))?;
        serde_json::from_value(value).map_err(|why| BadPlan::whole(part, why))
    }

    /// Takes a list out, and looks at each entry of it.
    fn list<T: DeserializeOwned>(
        &mut self,
        part: &'static str,
        look: impl Fn(&T) -> Result<(), &'static str>,
    ) -> Result<Vec<T>, BadPlan> {
        let entries: Vec<Value> = self.take(part)?;
        let read = |(at, value): (usize, Value)| {
            let address = value["address"].as_str().map(str::to_owned);
            let entry: Result<T, String> =
                serde_json::from_value(value).map_err(|why: serde_json::Error| why.to_string());
            let looked = entry.and_then(|entry| look(&entry).map(|()| entry).map_err(str::to_owned));
            looked.map_err(|why| BadPlan::Readable { part, why: BadPart::Entry { number: at + 1, address, why } })
        };
        entries.into_iter().enumerate().map(read).collect()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`BadPlan::Unknown`] where something is left.
    pub fn end(self) -> Result<(), BadPlan> {
        self.0.into_iter().next().map_or(Ok(()), |(name, _)| Err(BadPlan::Unknown(name)))
    }
}

impl BadPlan {
    /// Says that a part as a whole does not fit.
    pub fn whole(part: &'static str, why: impl ToString) -> Self {
        Self::Readable { part, why: BadPart::Whole(why.to_string()) }
    }
}

impl SavedPlan {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// [`BadPlan`] for anything that `orgtrail plan --format json` has not written.
    pub fn parse(text: &str) -> Result<Self, BadPlan> {
        let mut parts = Parts::of(text)?;
        let plan = Self::take(&mut parts)?;
        // A report of `drift` is a plan that says more.
        for more in ["comparison", "who", "unsent"] {
            parts.0.remove(more);
        }
        parts.end()?;
        Ok(plan)
    }

    /// Takes a plan out of a document that may say more.
    ///
    /// # Errors
    /// As [`SavedPlan::parse`].
    pub fn take(parts: &mut Parts) -> Result<Self, BadPlan> {
        let says_worst = parts.0.contains_key("worst_harm");
        let plan = Self {
            format_version: parts.required("format_version")?,
            tool_version: parts.take("tool_version")?,
            organization: parts.required("organization")?,
            deployment: parts.required("deployment")?,
            options: parts.take("options")?,
            fingerprint: parts.required("fingerprint")?,
            in_sync: parts.required("in_sync")?,
            complete: parts.take("complete")?,
            worst_harm: parts.take("worst_harm")?,
            summary: parts.required("summary")?,
            changes: parts.list("changes", ChangeJson::look)?,
            violations: parts.list("violations", |_| Ok(()))?,
            unproven: parts.list("unproven", |_| Ok(()))?,
            findings: parts.list("findings", |_| Ok(()))?,
            problems: parts.list("problems", |_| Ok(()))?,
            blockers: parts.list("blockers", |_| Ok(()))?,
            leftovers: parts.take("leftovers")?,
            kept: parts.list("kept", |_| Ok(()))?,
            other_trails: parts.list(parts.name("other_trails", "evidence"), |_| Ok(()))?,
            headroom: parts.list("headroom", |_| Ok(()))?,
        };
        let counted = Summary::count(plan.changes.iter().map(|change| change.action), plan.summary.unchanged);
        if plan.summary != counted {
            return Err(BadPlan::whole("summary", "it does not count what `changes` has"));
        }
        if plan.in_sync && !plan.changes.is_empty() {
            return Err(BadPlan::whole("in_sync", "it is true, although `changes` has some"));
        }
        let harms = plan.changes.iter().filter_map(|change| change.harm);
        let worst = harms.chain(plan.findings.iter().map(|finding| finding.harm)).min();
        if says_worst
            && plan.worst_harm.is_none_or(|said| worst.is_some_and(|worst| worst < said))
            && worst.is_some_and(Harm::does_harm)
        {
            return Err(BadPlan::whole("worst_harm", "something in the plan does more harm"));
        }
        Ok(plan)
    }
}

impl ChangeJson {
    /// Looks for what no plan says of a change.
    fn look(&self) -> Result<(), &'static str> {
        match self.action {
            Action::Update if self.fields.is_empty() => Err("it is an update in which no field differs"),
            Action::Retire if !self.fields.is_empty() => Err("it is a removal that changes fields"),
            _ if self.risk.is_empty() => Err("it names no risk; a change without one is `safe`"),
            _ => Ok(()),
        }
    }
}
