//! `orgtrail.yaml`: what a person may write, its defaults, and checks that point at line and column.
//!
//! A text goes through four stages: `yaml` reads it into values with their places; `shape` holds them to the JSON
//! Schema that is derived from the types of [`schema`]; `check` applies the rules across fields; the findings of all
//! stages are reported together. Nothing here knows the organization: what depends on its accounts is checked where
//! they are known.

mod check;
mod diagnostic;
mod finding;
pub mod inert;
pub mod names;
mod place;
pub mod schema;
mod shape;
pub mod suggest;
mod yaml;
pub mod yaml_file;

pub use finding::{Code, ConfigErrors, ConfigFinding, Related};
pub use schema::{Config, json_schema};

use diagnostic::Diagnostic;
use place::{Document, Lines};
use serde_json::Value;
use shape::Shape;

/// The size in bytes of the largest text that [`parse`] takes for a configuration.
pub const SIZE_BYTES_MAX: usize = yaml::SIZE_BYTES_MAX;

/// Reads a configuration. `file` is the name that messages give the text.
///
/// # Errors
/// Everything that is wrong with the text, not only the first thing.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    review(text, file).map(|(config, _)| config)
}

/// Reads a configuration and says what is right in it and may still surprise.
///
/// # Errors
/// Everything that is wrong with the text, not only the first thing.
pub fn review(text: &str, file: &str) -> Result<(Config, Vec<ConfigFinding>), ConfigErrors> {
    // A byte order mark is no part of the text; editors do not count it either.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (document, mut findings) = yaml::read(text);
    if let Some(document) = document {
        let lines = Lines::of(text);
        match judge(&document, text) {
            Ok(config) if findings.is_empty() => {
                let remarks = check::advise(&config).into_iter();
                let advice = remarks.map(|remark| remark.locate(&document, &lines, text)).collect();
                return Ok((config, advice));
            }
            Ok(_) => {}
            Err(remarks) => findings.extend(remarks.into_iter().map(|remark| remark.locate(&document, &lines, text))),
        }
    }
    Err(ConfigErrors::new(file, text, findings))
}

/// Returns the line and the column, from 1, at which a field such as `aws_config.administrator` stands, else the
/// section that has its default. `None`: neither is there.
pub fn position(text: &str, field: &str) -> Option<(usize, usize)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (document, _) = yaml::read(text);
    let document = document?;
    let mut at = field.split('.').fold(String::new(), |at, step| place::join(&at, step));
    while !document.places.contains_key(&at) {
        at.truncate(at.rfind('/')?);
    }
    let place = document.places.get(&at).filter(|_| !at.is_empty())?;
    Some(Lines::of(text).position(text, place.of_field().start))
}

/// Turns values into a configuration, or says all that is wrong with them.
fn judge(document: &Document, text: &str) -> Result<Config, Vec<Diagnostic>> {
    if document.value.is_null() {
        let remark = Diagnostic::new(Code::MissingField, "", "the file is empty");
        return Err(vec![remark.help("`orgtrail init` writes a configuration to begin with")]);
    }
    let shape = Shape::current().map_err(|why| vec![Diagnostic::new(Code::WrongValue, "", why)])?;
    let misfits = shape.misfits(document, text);
    if misfits.is_empty() {
        let config = config(document.value.clone())?;
        let remarks = check::check(&config);
        return if remarks.is_empty() { Ok(config) } else { Err(remarks) };
    }
    let mut remarks: Vec<Diagnostic> = misfits.iter().map(|misfit| misfit.remark.clone()).collect();
    if let Some(version) = remarks.iter().find(|remark| remark.code == Code::UnsupportedVersion) {
        // Whatever else does not fit may be right in that version.
        return Err(vec![version.clone()]);
    }
    if let Some(repaired) = shape.repair(document, text, misfits)
        && let Ok(config) = config(repaired.value)
    {
        remarks.extend(check::check(&config).into_iter().filter(|remark| !remark.depends_on(&repaired.made_up)));
    }
    Err(remarks)
}

/// Reads values that fit the schema. The schema is derived from the same types, so this fails only where a type is
/// stricter than its schema.
fn config(value: Value) -> Result<Config, Vec<Diagnostic>> {
    serde_json::from_value(value).map_err(|error| vec![Diagnostic::new(Code::WrongValue, "", error.to_string())])
}

#[cfg(test)]
mod tests;
