//! What all templates have in common: a strict engine, faults with file and line, and files that replace compiled ones.
//! Pure.
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
    /// A template that may never end, or is too large to be one.
    #[error("the template {file} cannot be used: {why}")]
    Unbounded {
        /// The file's name.
        file: String,
        /// What it must not do.
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
    #[cfg(feature = "recorder")]
    recorder::note(file, values);
    engine.render(file, values).map_err(|error| BadTemplate::Render {
        file: file.to_owned(),
        line: error.line_no,
        why: why(&error),
    })
}

/// How deep blocks and parentheses may stand within each other; both are read by recursion.
const DEPTH_MAX: usize = 24;

/// How many loops may stand within each other: each multiplies how long it takes.
const LOOPS_MAX: usize = 2;

/// Refuses a template of a user that may take for ever, before it is read: one that is too large or too deep, that
/// calls templates (which may call themselves), or has loops in loops in loops.
///
/// # Errors
/// [`BadTemplate::Unbounded`].
pub fn refuse_unbounded(file: &str, text: &str, bytes_max: usize) -> Result<(), BadTemplate> {
    let refuse = |why: String| Err(BadTemplate::Unbounded { file: file.to_owned(), why });
    if text.len() > bytes_max {
        return refuse(format!("it has {} bytes, {bytes_max} are allowed", text.len()));
    }
    let (mut blocks, mut loops, mut deepest, mut most_loops): (usize, Vec<usize>, usize, usize) = (0, Vec::new(), 0, 0);
    for part in text.split("{{").skip(1) {
        let inside = part.split("}}").next().unwrap_or_default();
        let word = inside.trim_start_matches(['{', '~', '&']).trim_start();
        if word.starts_with('>') || word.trim_start_matches('#').trim_start().starts_with(['>', '*']) {
            return refuse("it calls partials, which may call themselves: write their text out".into());
        }
        if let Some(block) = word.strip_prefix('#').or_else(|| word.strip_prefix('^').filter(|rest| !rest.is_empty())) {
            blocks += 1;
            if block.trim_start().starts_with("each") {
                loops.push(blocks);
            }
        } else if word.starts_with('/') {
            if loops.last() == Some(&blocks) {
                loops.pop();
            }
            blocks = blocks.saturating_sub(1);
        }
        let mut open = 0_usize;
        let parentheses = inside.chars().map(|c| {
            open = if c == '(' {
                open + 1
            } else if c == ')' {
                open.saturating_sub(1)
            } else {
                open
            };
            open
        });
        deepest = deepest.max(blocks).max(parentheses.max().unwrap_or_default());
        most_loops = most_loops.max(loops.len());
    }
    if deepest > DEPTH_MAX {
        return refuse(format!("its blocks or parentheses are {deepest} deep, {DEPTH_MAX} are allowed"));
    }
    if most_loops > LOOPS_MAX {
        return refuse(format!("it has {most_loops} loops one within another, {LOOPS_MAX} are allowed"));
    }
    Ok(())
}

/// Renders a template into no more than so many bytes.
///
/// # Errors
/// [`BadTemplate::Render`], also where it would become larger.
pub fn render_within(
    engine: &Handlebars<'_>,
    file: &str,
    values: &impl Serialize,
    bytes_max: usize,
) -> Result<String, BadTemplate> {
    #[cfg(feature = "recorder")]
    recorder::note(file, values);
    let mut bounded = Bounded { bytes: Vec::new(), bytes_max };
    let rendered = engine.render_to_write(file, values, &mut bounded);
    let failed = |line, why| BadTemplate::Render { file: file.to_owned(), line, why };
    rendered.map_err(|error| match bounded.bytes.len() >= bytes_max {
        true => failed(None, format!("it would be more than {bytes_max} bytes")),
        false => failed(error.line_no, why(&error)),
    })?;
    String::from_utf8(bounded.bytes).map_err(|error| failed(None, error.to_string()))
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        let room = self.bytes_max.saturating_sub(self.bytes.len()).min(more.len());
        self.bytes.extend_from_slice(&more[..room]);
        if room < more.len() { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(room) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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

/// What each template was given on this thread, so that a test can hold the tables of the templates' READMEs to it.
#[cfg(feature = "recorder")]
pub mod recorder {
    use std::cell::RefCell;

    use serde::Serialize;
    use serde_json::Value;

    thread_local! {
        static GIVEN: RefCell<Vec<(String, Value)>> = const { RefCell::new(Vec::new()) };
    }

    /// Notes the values that a template is rendered with.
    pub fn note(file: &str, values: &impl Serialize) {
        if let Ok(values) = serde_json::to_value(values) {
            GIVEN.with_borrow_mut(|given| given.push((file.to_owned(), values)));
        }
    }

    /// Takes what was noted.
    pub fn take() -> Vec<(String, Value)> {
        GIVEN.take()
    }
}
