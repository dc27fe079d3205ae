//! Writes a configuration as a commented `orgtrail.yaml`, from `templates/orgtrail.yaml.hbs`.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, no_escape};
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::organization::Organization;
use crate::report::text::escape;
use crate::template::{self, parameter};

const FILE: &str = "orgtrail.yaml.hbs";
const TEMPLATE: &str = include_str!("../../templates/orgtrail.yaml.hbs");

/// What comments say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Remarks {
    /// What is there already, a line each.
    pub found: Vec<String>,
    /// What of an adopted trail the configuration cannot say.
    pub inexpressible: Vec<String>,
    /// What the next plan changes beside taking over.
    pub remaining: Vec<String>,
    /// The configuration takes over what is there.
    pub adopts: bool,
}

/// Says why there is no text. It would be a mistake in the template.
#[derive(Debug, thiserror::Error)]
#[error("the template {FILE} cannot be rendered: {0}")]
pub struct NotWritten(#[from] handlebars::RenderError);

#[derive(Serialize)]
struct Values<'a> {
    config: &'a Config,
    remarks: &'a Remarks,
    /// The name of the log account: untrusted text, for a comment.
    log_account_name: &'a str,
    member_role_is_default: bool,
    key_alias_is_default: bool,
}

/// Returns the text. Readers, guard, daemon and tags are written as comments: the configuration must have their
/// defaults.
///
/// # Errors
/// [`NotWritten`] for a template that does not fit.
pub fn text(config: &Config, organization: &Organization, remarks: &Remarks) -> Result<String, NotWritten> {
    // Values are written by the two helpers only, each of which makes them inert in its place.
    let mut engine = template::engine(no_escape);
    engine.register_helper("yaml", Box::new(yaml));
    engine.register_helper("comment", Box::new(comment));
    let log = organization.accounts.get(config.accounts.log.as_str());
    let values = Values {
        config,
        remarks,
        log_account_name: log.map_or("", |account| account.name.as_str()),
        member_role_is_default: config.organization.member_role == "OrganizationAccountAccessRole",
        key_alias_is_default: config.bucket.key_alias == super::KEY_ALIAS_DEFAULT,
    };
    Ok(engine.render_template(TEMPLATE, &values)?)
}

/// `{{yaml value}}` writes a value as YAML: plain where that can mean nothing else, else as JSON, which is YAML too.
fn yaml(helper: &Helper, _: &Handlebars, _: &Context, _: &mut RenderContext, out: &mut dyn Output) -> HelperResult {
    match parameter(helper, "yaml")? {
        Value::String(text) if is_plain(text) => out.write(text)?,
        value => out.write(&flow(value))?,
    }
    Ok(())
}

/// Writes lists and maps in one line. A colon is always quoted there: it could end a key.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) && !text.contains(':') => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| format!("{key}: {}", flow(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// Tells whether YAML of every version reads this text as a text without quotes.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let first = |c: char| c.is_ascii_alphabetic() || c == '/';
    let rest = |c: char| c.is_ascii_alphanumeric() || "/-_.:".contains(c);
    text.starts_with(first)
        && text.chars().all(rest)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// `{{comment text}}` writes a text that stays in its line.
fn comment(helper: &Helper, _: &Handlebars, _: &Context, _: &mut RenderContext, out: &mut dyn Output) -> HelperResult {
    let text = parameter(helper, "comment")?.as_str().unwrap_or_default();
    out.write(&escape::terminal(text))?;
    Ok(())
}
