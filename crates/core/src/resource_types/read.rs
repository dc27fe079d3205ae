//! Reads a file of resource types, strictly: what cannot be read is an error with its line and what to write instead.

use serde_json::{Map, Value};

use super::pattern::{PLACEHOLDERS, Pattern};
use super::place::PlacePath;
use super::schema::{NameScope, ResourceCall, ResourceEffect, without_version};
use crate::config::suggest::nearest;
use crate::config::yaml_file::{YamlFile, YamlProblem, pointer_to};
use crate::config::{Code, ConfigErrors};

/// The types of one file.
const TYPES_MAX: usize = 1_000;
/// The values of one list, such as words, forms or paths.
const LIST_MAX: usize = 64;
/// The rows of calls of one type.
const ROWS_MAX: usize = 500;
/// The longest text of a file, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

const TYPE_FIELDS: [&str; 14] = [
    "words",
    "source",
    "forms",
    "typed",
    "ids",
    "names",
    "ignore_case",
    "default_parent",
    "at",
    "parent",
    "note",
    "data_events",
    "replace",
    "calls",
];

/// A type as one file has it: where a field is `None` or empty, the file does not say it.
#[derive(Debug, Default)]
pub(super) struct TypeEntry {
    pub name: String,
    /// The JSON pointer of the type in its file.
    pub pointer: String,
    pub place: String,
    pub words: Vec<String>,
    /// The event source. `None`: not said.
    pub source: Option<String>,
    pub forms: Vec<Pattern>,
    pub typed: Vec<Pattern>,
    pub ids: Vec<Pattern>,
    /// The scope of names. `None`: not said.
    pub names: Option<NameScope>,
    /// Capitals do not count. `None`: not said.
    pub ignores_case: Option<bool>,
    /// The parent of those that name none. `None`: not said.
    pub default_parent: Option<String>,
    /// What has to be known. `None`: nothing.
    pub note: Option<String>,
    /// Its calls are data events. `None`: not said.
    pub data_events: Option<bool>,
    /// What earlier files say of the type does not count any more.
    pub replaces: bool,
    pub calls: Vec<CallEntry>,
}

/// A call as one file has it. Its source is empty where only an earlier file says it.
#[derive(Debug)]
pub(super) struct CallEntry {
    pub call: ResourceCall,
    /// The JSON pointer of its row.
    pub pointer: String,
}

/// Reads the types of a file.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn read(file: &YamlFile, named: &str) -> Result<Vec<TypeEntry>, ConfigErrors> {
    let mut reader = Reader { file, named, problems: Vec::new() };
    let types = reader.types();
    if reader.problems.is_empty() { Ok(types) } else { Err(file.errors(reader.problems)) }
}

struct Reader<'f> {
    file: &'f YamlFile,
    /// The name of the file.
    named: &'f str,
    problems: Vec<YamlProblem>,
}

impl Reader<'_> {
    fn types(&mut self) -> Vec<TypeEntry> {
        let root = self.file.value().clone();
        let Some(types) = self.map(&root, "", &["types"]).and_then(|root| root.get("types").cloned()) else {
            self.missing("", "types", "begin the file with `types:`, and a type in each line below it");
            return Vec::new();
        };
        let Some(types) = types.as_object() else {
            self.wrong("/types", "`types` is no map", "write `AWS::Service::Type:` in each line below it");
            return Vec::new();
        };
        if types.len() > TYPES_MAX {
            self.wrong("/types", &format!("the file has more than {TYPES_MAX} types"), "split the file");
            return Vec::new();
        }
        types.iter().map(|(name, value)| self.one_type(name, value)).collect()
    }

    fn one_type(&mut self, name: &str, value: &Value) -> TypeEntry {
        let pointer = pointer_to("/types", name);
        let parts: Vec<&str> = name.split("::").collect();
        let is_part = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if parts.len() != 3 || !parts.iter().all(is_part) {
            let help = "write it as CloudFormation does: `AWS::S3::Bucket`";
            self.name(Code::BadName, &pointer, &format!("`{name}` is no name of a type"), help);
        }
        let mut entry = TypeEntry { name: name.to_owned(), place: self.place(&pointer), ..TypeEntry::default() };
        let Some(fields) = self.map(value, &pointer, &TYPE_FIELDS) else { return entry };
        entry.words = self.texts(fields, &pointer, "words");
        entry.source = self.source(fields, &pointer);
        entry.forms = self.patterns(fields, &pointer, "forms");
        entry.typed = self.patterns(fields, &pointer, "typed");
        entry.ids = self.patterns(fields, &pointer, "ids");
        entry.names = self.scope(fields, &pointer);
        entry.ignores_case = self.flag(fields, &pointer, "ignore_case");
        entry.default_parent = self.text(fields, &pointer, "default_parent");
        entry.data_events = self.flag(fields, &pointer, "data_events");
        entry.note = self.text(fields, &pointer, "note");
        entry.replaces = self.flag(fields, &pointer, "replace").unwrap_or(false);
        let defaults = Defaults {
            at: self.paths(fields, &pointer, "at"),
            parent: self.paths(fields, &pointer, "parent"),
            source: entry.source.clone(),
        };
        entry.calls = self.calls(fields, &pointer, &defaults);
        entry.pointer = pointer;
        entry
    }

    fn calls(&mut self, fields: &Map<String, Value>, pointer: &str, defaults: &Defaults) -> Vec<CallEntry> {
        let pointer = pointer_to(pointer, "calls");
        let rows = match fields.get("calls") {
            None => return Vec::new(),
            Some(Value::Array(rows)) if rows.len() <= ROWS_MAX => rows,
            Some(_) => {
                let message = format!("`calls` is no list of at most {ROWS_MAX} rows");
                self.wrong(&pointer, &message, "write rows such as `- {delete: DeleteBucket}`");
                return Vec::new();
            }
        };
        let mut calls: Vec<CallEntry> = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let pointer = pointer_to(&pointer, &at.to_string());
            for entry in self.row(row, &pointer, defaults) {
                let twin =
                    |own: &&CallEntry| own.call.event == entry.call.event && own.call.source == entry.call.source;
                if let Some(twin) = calls.iter().find(twin) {
                    let (event, first) = (&entry.call.event, twin.call.effect.as_str());
                    let message = format!("`{event}` stands here a second time; {} says `{first}`", twin.call.place);
                    self.wrong(&pointer, &message, "keep one of the two, with every place in `at`");
                } else {
                    calls.push(entry);
                }
            }
        }
        calls
    }

    /// Reads a row: `{change: [PutRolePolicy, DeleteRolePolicy], policy: request.policyDocument}`.
    fn row(&mut self, row: &Value, pointer: &str, defaults: &Defaults) -> Vec<CallEntry> {
        let effects = ResourceEffect::NAMED.map(|(_, word)| word);
        let known: Vec<&str> = effects
            .into_iter()
            .chain(["at", "also", "parent", "policy", "source", "renamed", "regions", "also_regions"])
            .collect();
        let Some(fields) = self.map(row, pointer, &known) else { return Vec::new() };
        let named = ResourceEffect::NAMED.into_iter().filter(|(_, word)| fields.contains_key(*word));
        let named: Vec<(ResourceEffect, &str)> = named.collect();
        let &[(effect, word)] = named.as_slice() else {
            let message = format!("the row has {} effects", named.len());
            let help = format!("write one of {} with the names of calls", effects.join(", "));
            self.wrong(pointer, &message, &help);
            return Vec::new();
        };
        let own = self.paths(fields, pointer, "at");
        let mut at = if own.is_empty() { defaults.at.clone() } else { own };
        at.extend(self.paths(fields, pointer, "also"));
        if at.is_empty() && !fields.contains_key("at") {
            self.wrong(
                pointer,
                "nothing says where the resource is named",
                "add `at: request.…` to the row or the type",
            );
        }
        let parent = self.paths(fields, pointer, "parent");
        let parent = if parent.is_empty() { defaults.parent.clone() } else { parent };
        let policy = self.paths(fields, pointer, "policy").pop();
        let renamed = self.paths(fields, pointer, "renamed").pop();
        let also_regions = self.paths(fields, pointer, "also_regions");
        let is_here_too = !also_regions.is_empty();
        let regions = if is_here_too { also_regions } else { self.paths(fields, pointer, "regions") };
        let source = self.source(fields, pointer).or_else(|| defaults.source.clone()).unwrap_or_default();
        let events = self.texts(fields, pointer, word);
        let place = self.place(pointer);
        let call = |event: String| ResourceCall {
            event,
            source: source.clone(),
            effect,
            at: at.clone(),
            parent: parent.clone(),
            policy: policy.clone(),
            renamed: renamed.clone(),
            regions: regions.clone(),
            is_here_too,
            place: place.clone(),
        };
        let mut calls = Vec::new();
        for event in events {
            let is_name = event.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !is_name || without_version(&event) != event {
                let help = "write the call's name as the API has it, without a version behind it";
                self.wrong(&pointer_to(pointer, word), &format!("`{event}` is no name of a call"), help);
            }
            calls.push(CallEntry { call: call(event), pointer: pointer.to_owned() });
        }
        calls
    }

    fn source(&mut self, fields: &Map<String, Value>, pointer: &str) -> Option<String> {
        let source = self.text(fields, pointer, "source")?;
        let name = source.strip_suffix(".amazonaws.com");
        let is_name =
            |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
        if !name.is_some_and(|name| !name.is_empty() && is_name(name)) {
            let help = "write the `eventSource` of its records: `s3.amazonaws.com`";
            self.wrong(&pointer_to(pointer, "source"), &format!("`{source}` is no event source"), help);
        }
        Some(source)
    }

    fn scope(&mut self, fields: &Map<String, Value>, pointer: &str) -> Option<NameScope> {
        let word = self.text(fields, pointer, "names")?;
        let found = NameScope::NAMED.iter().find(|(_, own)| *own == word).map(|(scope, _)| *scope);
        if found.is_none() {
            let words = NameScope::NAMED.map(|(_, word)| word).join(", ");
            self.wrong(
                &pointer_to(pointer, "names"),
                &format!("`{word}` is no scope of names"),
                &format!("write {words}"),
            );
        }
        found
    }

    fn patterns(&mut self, fields: &Map<String, Value>, pointer: &str, field: &str) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for text in self.texts(fields, pointer, field) {
            match Pattern::read(&text) {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => {
                    let message = format!("`{text}` cannot be read: {why}");
                    self.wrong(&pointer_to(pointer, field), &message, &format!("placeholders are {PLACEHOLDERS}"));
                }
            }
        }
        patterns
    }

    fn paths(&mut self, fields: &Map<String, Value>, pointer: &str, field: &str) -> Vec<PlacePath> {
        let mut paths = Vec::new();
        for text in self.texts(fields, pointer, field) {
            match PlacePath::read(&text) {
                Ok(path) => paths.push(path),
                Err(why) => {
                    let message = format!("the path `{text}` cannot be read: {why}");
                    let help = "write it as `request.instancesSet.items.instanceId`";
                    self.wrong(&pointer_to(pointer, field), &message, help);
                }
            }
        }
        paths
    }

    /// Reads a text or a list of texts; none where the field is not there.
    fn texts(&mut self, fields: &Map<String, Value>, pointer: &str, field: &str) -> Vec<String> {
        let list = match fields.get(field) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one) => vec![one],
        };
        let texts: Option<Vec<String>> = list.iter().map(|value| text_of(value)).collect();
        match texts.filter(|texts| texts.len() <= LIST_MAX) {
            Some(texts) => texts,
            None => {
                let message = format!("`{field}` is no text and no list of at most {LIST_MAX} texts");
                let help = format!("write a text of 1 to {TEXT_BYTES_MAX} bytes, or several in brackets");
                self.wrong(&pointer_to(pointer, field), &message, &help);
                Vec::new()
            }
        }
    }

    fn text(&mut self, fields: &Map<String, Value>, pointer: &str, field: &str) -> Option<String> {
        let value = fields.get(field)?;
        let text = text_of(value);
        if text.is_none() {
            let help = format!("write a text of 1 to {TEXT_BYTES_MAX} bytes");
            self.wrong(&pointer_to(pointer, field), &format!("`{field}` is no text"), &help);
        }
        text
    }

    fn flag(&mut self, fields: &Map<String, Value>, pointer: &str, field: &str) -> Option<bool> {
        let value = fields.get(field)?;
        if value.as_bool().is_none() {
            self.wrong(&pointer_to(pointer, field), &format!("`{field}` is no flag"), "write true or false");
        }
        value.as_bool()
    }

    /// Returns the fields of a map, and notes those that mean nothing.
    fn map<'v>(&mut self, value: &'v Value, pointer: &str, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(fields) = value.as_object() else {
            self.wrong(pointer, "this is no map of fields", &format!("its fields are {}", known.join(", ")));
            return None;
        };
        for field in fields.keys().filter(|field| !known.contains(&field.as_str())) {
            let help = match nearest(field, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", known.join(", ")),
            };
            let kind = if known.contains(&"policy") { "effect or field" } else { "field" };
            let message = format!("there is no {kind} `{field}`");
            self.name(Code::UnknownField, &pointer_to(pointer, field), &message, &help);
        }
        Some(fields)
    }

    fn place(&self, pointer: &str) -> String {
        format!("{}:{}", self.named, self.file.line(pointer))
    }

    fn wrong(&mut self, pointer: &str, message: &str, help: &str) {
        self.problems.push(YamlProblem::of_value(Code::WrongValue, pointer, message, help));
    }

    fn name(&mut self, code: Code, pointer: &str, message: &str, help: &str) {
        self.problems.push(YamlProblem::of_name(code, pointer, message, help));
    }

    fn missing(&mut self, pointer: &str, field: &str, help: &str) {
        let message = format!("the field `{field}` is missing");
        self.problems.push(YamlProblem::of_value(Code::MissingField, pointer, message, help));
    }
}

/// What rows without a field of their own have.
struct Defaults {
    at: Vec<PlacePath>,
    parent: Vec<PlacePath>,
    source: Option<String>,
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES_MAX).map(str::to_owned)
}
