//! Words for one error of the schema check: what is wrong, and what to write instead.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::place::{Document, display_path, join};
use crate::config::schema::formats::FORMATS;
use crate::config::suggest::{listed, nearest};

use super::lookup::Lookup;
use super::{SchemaViolation, telling};

pub(super) struct Explainer<'a> {
    pub schema: &'a Value,
    pub document: &'a Document,
    pub text: &'a str,
}

impl Explainer<'_> {
    /// Words one error; an unknown field each is a misfit of its own.
    pub fn explain(&self, error: &ValidationError<'_>) -> Vec<SchemaViolation> {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().map(|field| self.unknown_field(error, at, field)).collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![self.missing_field(error, at, property.as_str().unwrap_or_default())]
            }
            ValidationErrorKind::Type { kind } => vec![self.wrong_type(at, &types_of(kind))],
            ValidationErrorKind::AnyOf { context } => self.any_of(at, context),
            ValidationErrorKind::OneOfNotValid { context } => {
                let choices = context.iter().flatten().filter_map(constant);
                vec![self.wrong_choice(at, choices.collect())]
            }
            ValidationErrorKind::Constant { expected_value } => vec![self.wrong_choice(at, vec![expected_value])],
            ValidationErrorKind::Enum { options } => {
                vec![self.wrong_choice(at, options.as_array().map(|o| o.iter().collect()).unwrap_or_default())]
            }
            ValidationErrorKind::UniqueItems => self.repeated_items(at),
            kind => vec![misfit(at, self.other(at, kind, error))],
        }
    }

    fn unknown_field(&self, error: &ValidationError<'_>, at: &str, field: &str) -> SchemaViolation {
        let pointer = join(at, field);
        let place = if at.is_empty() { String::new() } else { format!(" in `{}`", display_path(at)) };
        let remark =
            Diagnostic::new(Code::UnknownField, &pointer, format!("there is no field `{field}`{place}")).on_name();
        let known: Vec<&str> = self
            .schema_around(error)
            .and_then(|schema| schema.get("properties")?.as_object())
            .map(|fields| fields.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let guess = nearest(field, known.iter().copied());
        let help = match (guess, self.lookup().section_with(field)) {
            (Some(guess), _) => format!("did you mean `{guess}`?"),
            (None, Some(section)) => {
                format!("`{field}` is a field of `{section}`: is it indented as far as the other fields there?")
            }
            (None, None) => format!("the fields are {}", listed(known)),
        };
        let tainted = std::iter::once(pointer).chain(guess.map(|guess| join(at, guess))).collect();
        SchemaViolation { remark: remark.help(help), tainted, text_meant: None }
    }

    fn missing_field(&self, error: &ValidationError<'_>, at: &str, field: &str) -> SchemaViolation {
        let place = if at.is_empty() { "the file".to_owned() } else { format!("`{}`", display_path(at)) };
        let remark = Diagnostic::new(Code::MissingField, at, format!("{place} has no field `{field}`")).on_name();
        let schema = self.schema_around(error).and_then(|schema| schema.get("properties")?.get(field));
        // JSON is YAML too, and its quotes keep digits a text.
        let example = schema.and_then(|schema| self.lookup().sample(schema));
        let line = example.map_or_else(|| format!("`{field}`"), |example| format!("a line like `{field}: {example}`"));
        let meaning = schema.and_then(|schema| schema.get("description")?.as_str()).map(first_sentence);
        let help = format!("add {line}{}", meaning.map(|meaning| format!(": {meaning}")).unwrap_or_default());
        SchemaViolation { remark: remark.help(help), tainted: vec![join(at, field)], text_meant: None }
    }

    fn wrong_type(&self, at: &str, expected: &[JsonType]) -> SchemaViolation {
        let found = self.document.value.pointer(at).unwrap_or(&Value::Null);
        let expected: Vec<JsonType> = expected.iter().copied().filter(|kind| *kind != JsonType::Null).collect();
        let wanted = expected.iter().map(|kind| type_words(*kind)).collect::<Vec<_>>().join(" or ");
        let message = format!("{} must be {wanted}, here it is {}", self.subject(at), found_words(found));
        let remark = Diagnostic::new(Code::WrongType, at, message);
        let written = self.written(at);
        let is_word = found.is_number() || found.is_boolean();
        let text_meant = (expected.contains(&JsonType::String) && is_word).then(|| written.to_owned());
        let help = expected.first().and_then(|kind| type_help(*kind, found, written));
        SchemaViolation {
            remark: match help {
                Some(help) => remark.help(help),
                None => remark,
            },
            tainted: vec![at.to_owned()],
            text_meant,
        }
    }

    /// Follows the alternative that was probably meant: the one whose type fits.
    fn any_of(&self, at: &str, branches: &[Vec<ValidationError<'static>>]) -> Vec<SchemaViolation> {
        let (other, meant): (Vec<_>, Vec<_>) =
            branches.iter().partition(|errors| errors.iter().any(|error| !types_missed(error, at).is_empty()));
        let mut types: Vec<JsonType> = other
            .into_iter()
            .flatten()
            .flat_map(|error| types_missed(error, at))
            .filter(|t| *t != JsonType::Null)
            .collect();
        types.dedup();
        let Some(errors) = meant.first() else {
            return vec![self.wrong_type(at, &types)];
        };
        let mut misfits: Vec<SchemaViolation> = telling(errors).flat_map(|error| self.explain(error)).collect();
        if let [SchemaViolation { remark: Diagnostic { code: Code::WrongValue, help: Some(help), .. }, .. }] =
            misfits.as_mut_slice()
        {
            for kind in types {
                help.push_str(", or ");
                help.push_str(type_words(kind));
            }
        }
        misfits
    }

    fn wrong_choice(&self, at: &str, choices: Vec<&Value>) -> SchemaViolation {
        let found = self.document.value.pointer(at).unwrap_or(&Value::Null);
        if at == "/version" {
            return misfit(at, unsupported_version(found));
        }
        let words: Vec<String> = choices.iter().map(|choice| plain(choice)).collect();
        let guess = found.as_str().and_then(|found| nearest(found, words.iter().map(String::as_str)));
        let message = format!("{} cannot be {}", self.subject(at), found_words(found));
        let all = listed(words.iter().map(String::as_str));
        let help = match guess {
            Some(guess) if words.len() > 1 => format!("did you mean `{guess}`? The choices are {all}"),
            _ if words.len() == 1 => format!("write {all}"),
            _ => format!("the choices are {all}"),
        };
        misfit(at, Diagnostic::new(Code::WrongValue, at, message).help(help))
    }

    fn repeated_items(&self, at: &str) -> Vec<SchemaViolation> {
        let items = self.document.value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let repeated = items.iter().enumerate().filter_map(|(n, item)| {
            let first = items[..n].iter().position(|earlier| earlier == item)?;
            let message = format!("{} stands twice in {}", found_words(item), self.subject(at));
            let remark = Diagnostic::new(Code::Conflict, join(at, &n.to_string()), message);
            let remark = remark.because(join(at, &first.to_string()), "first here").help("keep one of the two");
            Some(SchemaViolation { remark, tainted: vec![at.to_owned()], text_meant: None })
        });
        repeated.collect()
    }

    fn other(&self, at: &str, kind: &ValidationErrorKind, error: &ValidationError<'_>) -> Diagnostic {
        let subject = self.subject(at);
        let found = self.document.value.pointer(at).unwrap_or(&Value::Null);
        let message = match kind {
            ValidationErrorKind::Format { format } => {
                let check = FORMATS.iter().find(|known| known.name == format).map(|known| known.check);
                let why = check.zip(found.as_str()).and_then(|(check, text)| check(text).err());
                why.unwrap_or_else(|| format!("{subject} is not well formed"))
            }
            ValidationErrorKind::MinLength { limit: 1 } | ValidationErrorKind::MinItems { limit: 1 } => {
                format!("{subject} must not be empty")
            }
            ValidationErrorKind::MaxLength { limit } => format!("{subject} may have {limit} characters at most"),
            ValidationErrorKind::MaxItems { limit } => format!("{subject} may have {limit} items at most"),
            ValidationErrorKind::Minimum { limit } => {
                format!("{subject} must be {limit} or more, here it is {}", found_words(found))
            }
            ValidationErrorKind::Maximum { limit } => {
                format!("{subject} must be {limit} or less, here it is {}", found_words(found))
            }
            _ => format!("{subject} is not allowed: {}", error.masked()),
        };
        Diagnostic::new(Code::WrongValue, at, message)
    }

    /// Finds the sections that may be left out and of which only the name is there. They mean neither their defaults
    /// nor, as a written `null` does, that they are left out: whoever writes the name wants the section.
    pub fn empty_sections(&self) -> impl Iterator<Item = SchemaViolation> {
        let written = self.document.places.iter().filter(|(_, place)| place.key.is_some() && place.value.is_empty());
        let empty = written.filter(|(at, _)| self.document.value.pointer(at).is_some_and(Value::is_null));
        empty.filter_map(|(at, _)| self.empty_section(at))
    }

    fn empty_section(&self, at: &str) -> Option<SchemaViolation> {
        let (parent, field) = at.rsplit_once('/')?;
        let may_be_null = self.lookup().at(parent)?.get("properties")?.get(field)?.get("anyOf").is_some();
        let section = self.lookup().at(at)?;
        section.get("properties").filter(|_| may_be_null)?;
        let required = section.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let help = match listed(required.iter().filter_map(Value::as_str)) {
            _ if required.is_empty() => format!("write `{field}: {{}}` to take its defaults, or leave the line out"),
            fields => format!("write its fields below it, at least {fields}, or leave the line out"),
        };
        let message = format!("{} must be a section with fields, here it is empty", self.subject(at));
        Some(misfit(at, Diagnostic::new(Code::WrongType, at, message).help(help)))
    }

    /// Returns how a message calls a value: by its path.
    fn subject(&self, at: &str) -> String {
        if at.is_empty() { "the file".into() } else { format!("`{}`", display_path(at)) }
    }

    /// Returns the text of a value as it stands in the file.
    fn written(&self, at: &str) -> &str {
        let place = self.document.places.get(at);
        place.and_then(|place| self.text.get(place.value.clone())).unwrap_or_default()
    }

    /// Returns the schema object that holds the keyword which failed.
    fn schema_around(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let (object, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(object)
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup { root: self.schema }
    }
}

/// Returns the first sentence of a description, to go on with after a colon.
fn first_sentence(description: &str) -> String {
    let sentence = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut rest = sentence.chars();
    rest.next().map(|first| first.to_lowercase().chain(rest).collect()).unwrap_or_default()
}

fn misfit(at: &str, remark: Diagnostic) -> SchemaViolation {
    SchemaViolation { remark, tainted: vec![at.to_owned()], text_meant: None }
}

fn unsupported_version(found: &Value) -> Diagnostic {
    let message = format!("this version of orgtrail does not know version {} of the format", plain(found));
    let help = "write `version: 1`, or use a version of orgtrail that knows the format";
    Diagnostic::new(Code::UnsupportedVersion, "/version", message).help(help)
}

fn constant<'e>(error: &'e ValidationError<'_>) -> Option<&'e Value> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => Some(expected_value),
        _ => None,
    }
}

/// Returns the types that a value should have had, when an error says that its own is none of them.
fn types_missed(error: &ValidationError<'_>, at: &str) -> Vec<JsonType> {
    if error.instance_path().as_str() != at {
        return Vec::new();
    }
    match error.kind() {
        ValidationErrorKind::Type { kind } => types_of(kind),
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let missed = |errors: &Vec<ValidationError<'static>>| -> Vec<JsonType> {
                errors.iter().flat_map(|error| types_missed(error, at)).collect()
            };
            let missed: Vec<Vec<JsonType>> = context.iter().map(missed).collect();
            if missed.iter().any(Vec::is_empty) { Vec::new() } else { missed.concat() }
        }
        _ => Vec::new(),
    }
}

fn types_of(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(set) => set.iter().collect(),
    }
}

fn type_words(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Array => "a list",
        JsonType::Object => "a section with fields",
    }
}

/// How many characters of a wrong text a message repeats.
const QUOTED_CHARS_MAX: usize = 60;

fn found_words(value: &Value) -> String {
    match value {
        Value::Null => "empty".into(),
        Value::Bool(truth) => format!("`{truth}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() > QUOTED_CHARS_MAX => {
            format!("{:?}…", text.chars().take(QUOTED_CHARS_MAX).collect::<String>())
        }
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a section with fields".into(),
    }
}

/// Writes a value without the quotes of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_help(expected: JsonType, found: &Value, written: &str) -> Option<String> {
    match (expected, found) {
        (_, Value::Null) => Some("write a value, or leave the line out to take the default".into()),
        (JsonType::String, Value::Number(_) | Value::Bool(_)) => Some(format!("put it in quotes: \"{written}\"")),
        (JsonType::Boolean, Value::String(_)) => {
            Some("write `true` or `false` without quotes; `yes`, `no`, `on` and `off` are texts in YAML".into())
        }
        (JsonType::Integer, Value::String(text)) if text.parse::<u32>().is_ok() => {
            Some(format!("write it without quotes: {text}"))
        }
        (JsonType::Array, Value::String(_) | Value::Number(_)) => Some(format!("write it as a list: [{written}]")),
        _ => None,
    }
}
