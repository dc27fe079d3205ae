//! What all templates have in common: a strict engine, faults with file and line, and files that replace compiled ones. Pure.
//!
//! What a template is for, which are compiled in, and how values are escaped, is told by `policy::template` and
//! `report::template`.

use handlebars::{Handlebars, Helper, RenderError, RenderErrorReason};
use serde::Serialize;
use serde_json::Value;

/// Says why a template gives no text.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// The text is not a template.
    #[error("the template {file} is broken{}: {why}", at(.line))]
    Syntax {
        /// The file's name.
        file: String,
        /// The line, where the engine knows it.
        line: Option<usize>,
        /// The engine's words.
        why: String,
    },
    /// A variable does not exist, or a helper failed.
    #[error("the template {file} cannot be rendered{}: {why}", at(.line))]
    Render {
        /// The file's name.
        file: String,
        /// The line, where the engine knows it.
        line: Option<usize>,
        /// What is missing.
        why: String,
    },
    /// A file that replaces no template.
    #[error("{file} replaces no template; the templates are {}", known.join(", "))]
    Unknown {
        /// The file's name.
        file: String,
        /// The templates that there are.
        known: Vec<&'static str>,
    },
}

fn at(line: &Option<usize>) -> String {
    line.map(|line| format!(" in line {line}")).unwrap_or_default()
}

/// Returns an engine for which a variable that does not exist is an error.
pub fn engine(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(escape);
    engine
}

/// Returns the texts in force, by file name: the compiled ones, then those that replace them.
///
/// # Errors
/// [`BadTemplate::Unknown`] for a file that replaces none.
pub fn in_force<'a>(
    embedded: &[(&'static str, &'a str)],
    overrides: &'a [(String, String)],
) -> Result<Vec<(&'a str, &'a str)>, BadTemplate>
where
    'static: 'a,
{
    let mut all: Vec<(&'a str, &'a str)> = embedded.to_vec();
    for (file, text) in overrides {
        if !embedded.iter().any(|(name, _)| name == file) {
            let known = embedded.iter().map(|(name, _)| *name).collect();
            return Err(BadTemplate::Unknown { file: file.clone(), known });
        }
        all.push((file, text));
    }
    Ok(all)
}

/// Gives a template to the engine, in the place of an earlier one of the same name.
///
/// # Errors
/// [`BadTemplate::Syntax`].
pub fn register(engine: &mut Handlebars<'static>, file: &str, text: &str) -> Result<(), BadTemplate> {
    engine.register_template_string(file, text).map_err(|error| BadTemplate::Syntax {
        file: file.to_owned(),
        line: error.pos().map(|(line, _)| line),
        why: error.reason().to_string(),
    })
}

/// Renders a template.
///
/// # Errors
/// [`BadTemplate::Render`].
pub fn render(engine: &Handlebars<'_>, file: &str, values: &impl Serialize) -> Result<String, BadTemplate> {
    engine.render(file, values).map_err(|error| BadTemplate::Render {
        file: file.to_owned(),
        line: error.line_no,
        why: why(&error),
    })
}

fn why(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => format!("there is no variable `{name}` here"),
        other => other.to_string(),
    }
}

/// Returns the first parameter of a helper.
///
/// # Errors
/// Where the template gives none, or names a value that does not exist.
pub fn parameter<'h>(helper: &'h Helper<'_>, name: &'static str) -> Result<&'h Value, RenderError> {
    let parameter = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex(name, 0))?;
    if parameter.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(parameter.relative_path().cloned()).into());
    }
    Ok(parameter.value())
}

/// Escapes a value for the inside of a text in double quotes, which JSON and YAML write alike.
pub fn json_text(value: &str) -> String {
    let quoted = Value::String(value.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
