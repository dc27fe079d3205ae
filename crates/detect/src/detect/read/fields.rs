//! Reads the fields of a document, and notes what is wrong with them, each with its line.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::document::Document;
use super::duration::microseconds;
use crate::config::suggest::nearest;
use crate::config::yaml_file::pointer_to;
use crate::detect::field::Field;
use crate::detect::level::Level;
use crate::detect::problem::RuleProblem;
use crate::detect::rule::RuleMeta;
use crate::detect::sigma::Condition;

/// The longest text of a rule, in bytes.
const TEXT_BYTES_MAX: usize = 10_000;

/// The fields of a document.
pub(in crate::detect) struct FieldReader<'d> {
    document: &'d Document,
    /// The object that is read, by its JSON pointer; empty for the document itself.
    at: String,
    name: Option<String>,
    pub problems: Vec<RuleProblem>,
}

/// What every rule says of itself. The level may be missing where a rule only serves a correlation.
#[derive(Debug, Clone)]
pub(in crate::detect) struct Meta {
    /// The id. `None`: only the name is there.
    pub id: Option<String>,
    /// The name of Sigma, which correlations may use. `None`: there is none.
    pub name: Option<String>,
    /// The level. `None`: there is none.
    pub level: Option<Level>,
    pub rest: RuleMeta,
}

impl<'d> FieldReader<'d> {
    pub fn of(document: &'d Document) -> Self {
        let text = |name: &str| document.value().get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("id").or_else(|| text("name")).or_else(|| text("title"));
        Self { document, at: String::new(), name, problems: Vec::new() }
    }

    /// Reads an object within the document, by its JSON pointer; `name` is what its problems are about.
    pub fn within(document: &'d Document, at: String, name: Option<String>) -> Self {
        Self { document, at, name, problems: Vec::new() }
    }

    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// Notes a problem of the value at a JSON pointer, which begins at the object that is read.
    pub fn problem(&mut self, pointer: &str, message: &str) {
        let line = self.document.line(&format!("{}{pointer}", self.at));
        let (file, rule) = (self.document.file.clone(), self.name.clone());
        self.problems.push(RuleProblem { file, line, rule, message: message.to_owned() });
    }

    pub fn problems_at(&mut self, pointer: &str, messages: Vec<String>) {
        messages.iter().for_each(|message| self.problem(pointer, message));
    }

    pub fn is_fine(&self) -> bool {
        self.problems.is_empty()
    }

    /// Refuses every field that is not among some.
    pub fn only(&mut self, known: &[&str]) {
        let Some(fields) = self.object().and_then(Value::as_object) else { return };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let near = nearest(name, known.iter().copied());
            let instead = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            self.problem(&pointer_to("", name), &format!("unknown field `{name}`{instead}"));
        }
    }

    pub fn get(&self, name: &str) -> Option<&'d Value> {
        self.object()?.get(name).filter(|value| !value.is_null())
    }

    fn object(&self) -> Option<&'d Value> {
        self.document.value().pointer(&self.at)
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) if text.len() <= TEXT_BYTES_MAX => Some(text.trim_end().to_owned()),
            Value::String(_) => self.no(name, "it is too long"),
            _ => self.no(name, "it is no text"),
        }
    }

    /// Returns a text that has to be there.
    pub fn needed(&mut self, name: &str) -> Option<String> {
        let text = self.text(name).filter(|text| !text.trim().is_empty());
        if text.is_none() && self.get(name).is_none_or(Value::is_string) {
            self.problem(&pointer_to("", name), &format!("`{name}` is missing"));
        }
        text
    }

    pub fn texts(&mut self, name: &str) -> Vec<String> {
        match self.get(name) {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => self.no(name, "it is no list of texts").unwrap_or_default(),
        }
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        value.as_bool().or_else(|| self.no(name, "it is neither true nor false"))
    }

    /// Returns a number from 1 to some other one.
    pub fn count(&mut self, name: &str, most: usize) -> Option<usize> {
        let value = self.get(name)?.as_u64().and_then(|count| usize::try_from(count).ok());
        value
            .filter(|count| (1..=most).contains(count))
            .or_else(|| self.no(name, &format!("it is no number from 1 to {most}")))
    }

    /// Returns a time in microseconds, of at most some days.
    pub fn duration(&mut self, name: &str, days_max: i64) -> Option<i64> {
        let text = self.text(name)?;
        let time = microseconds(&text).filter(|time| *time <= days_max * 86_400_000_000);
        time.or_else(|| self.no(name, &format!("it is no time such as 30s, 10m, 6h or 7d, of at most {days_max}d")))
    }

    pub fn level(&mut self) -> Option<Level> {
        let text = self.text("level")?;
        match text.parse() {
            Ok(level) => Some(level),
            Err(error) => self.no("level", &error.to_string()),
        }
    }

    pub fn fields(&mut self, name: &str) -> Vec<Field> {
        let mut found = Vec::new();
        for text in self.texts(name) {
            match Field::read(&text) {
                Ok(field) => found.push(field),
                Err(problem) => self.problem(&pointer_to("", name), &problem),
            }
        }
        found
    }

    /// Reads what every rule says of itself.
    pub fn meta(&mut self) -> Meta {
        let (id, name, title) = (self.text("id"), self.text("name"), self.needed("title"));
        let level = self.level();
        if id.as_deref().or(name.as_deref()).is_none_or(|id| id.trim().is_empty()) {
            self.problem("", "`id` is missing");
        }
        let rest = RuleMeta {
            id: id.clone().or_else(|| name.clone()).unwrap_or_default(),
            title: title.unwrap_or_default(),
            level: level.unwrap_or(Level::Informational),
            author: self.text("author").unwrap_or_default(),
            description: self.text("description").unwrap_or_default(),
            references: self.texts("references"),
            tags: self.texts("tags"),
            false_positives: self.texts("falsepositives"),
            next_step: self.text("next_step").unwrap_or_default(),
        };
        Meta { id, name, level, rest }
    }

    /// Says that a rule which rings has no level.
    pub fn level_is_there(&mut self, meta: &Meta) {
        if meta.level.is_none() && self.get("level").is_none() {
            self.problem("", "`level` is missing");
        }
    }

    /// Reads the condition of a rule of ours or of an exclusion: see [`when`].
    pub fn condition(&mut self) -> Option<Arc<Condition>> {
        let Some(value) = self.get("when") else {
            self.problem("", "`when` is missing");
            return None;
        };
        match Condition::read(&when(value), self.get("sigma-version")) {
            Ok(condition) => Some(Arc::new(condition)),
            Err(problems) => {
                self.problems_at("/when", problems);
                None
            }
        }
    }

    /// Returns what changes where the meaning of the rule may have changed.
    pub fn fingerprint(&self) -> String {
        digest(&self.document.value().to_string())
    }

    fn no<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.problem(&pointer_to("", name), &format!("`{name}`: {message}"));
        None
    }
}

/// Returns the digest of a text, in hexadecimal.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Completes the short form of a condition: a map of fields, or a list of such maps of which one has to match.
pub(in crate::detect) fn when(value: &Value) -> Value {
    match value.get("condition") {
        Some(_) => value.clone(),
        None => json!({"selection": value, "condition": "selection"}),
    }
}
