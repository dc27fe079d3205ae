//! Renders the policy templates of `policies/` strictly, and reads the result back as a policy.
//!
//! A missing variable, a fault of the template language and a result that is no policy are errors with the file's name
//! and, where the engine tells it, the line. Values are escaped as JSON text, so that no name can add a statement.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde::Serialize;

use super::document::{BadPolicy, PolicyDocument};
use crate::template;

/// The templates that are compiled in: file name -> text. `policies/README.md` says which variables each may use.
pub const EMBEDDED: [(&str, &str); 13] = [
    ("bucket.json.hbs", include_str!("../../policies/bucket.json.hbs")),
    ("key.json.hbs", include_str!("../../policies/key.json.hbs")),
    ("topic.json.hbs", include_str!("../../policies/topic.json.hbs")),
    ("reader.json.hbs", include_str!("../../policies/reader.json.hbs")),
    ("reader-trust.json.hbs", include_str!("../../policies/reader-trust.json.hbs")),
    ("member.json.hbs", include_str!("../../policies/member.json.hbs")),
    ("member-dynamic.json.hbs", include_str!("../../policies/member-dynamic.json.hbs")),
    ("log-group-role.json.hbs", include_str!("../../policies/log-group-role.json.hbs")),
    ("log-group-role-trust.json.hbs", include_str!("../../policies/log-group-role-trust.json.hbs")),
    ("queue.json.hbs", include_str!("../../policies/queue.json.hbs")),
    ("wake-role.json.hbs", include_str!("../../policies/wake-role.json.hbs")),
    ("wake-role-trust.json.hbs", include_str!("../../policies/wake-role-trust.json.hbs")),
    ("guard.json.hbs", include_str!("../../policies/guard.json.hbs")),
];

/// Says why a template gives no policy.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// The template gives no text.
    #[error(transparent)]
    Text(#[from] template::BadTemplate),
    /// The rendered text is not a policy.
    #[error("the template {file} renders a text that is not a policy: {why}")]
    Policy {
        /// The file's name.
        file: String,
        /// Where and why.
        why: BadPolicy,
    },
}

/// The templates in force: the compiled ones, each replaced by the user's where there is one.
pub struct Templates {
    engine: Handlebars<'static>,
}

impl Templates {
    /// Takes the compiled templates and replaces those for which `overrides` has a file of the same name.
    ///
    /// # Errors
    /// [`BadTemplate`] for a file that is no template or replaces none.
    pub fn new(overrides: &[(String, String)]) -> Result<Self, BadTemplate> {
        let mut engine = template::engine(template::json_text);
        engine.register_helper("json", Box::new(json_value));
        for (file, text) in template::in_force(&EMBEDDED, overrides)? {
            template::register(&mut engine, file, text)?;
        }
        Ok(Self { engine })
    }

    /// Renders one template and reads the result.
    ///
    /// # Errors
    /// [`BadTemplate`] with the file, and the line where the engine tells it.
    pub fn render(&self, file: &str, values: &impl Serialize) -> Result<PolicyDocument, BadTemplate> {
        let text = template::render(&self.engine, file, values)?;
        PolicyDocument::parse(&text).map_err(|why| BadTemplate::Policy { file: file.to_owned(), why })
    }
}

/// `{{json value}}` writes a value as JSON, so that a template can take a list whole.
fn json_value(
    helper: &Helper,
    _: &Handlebars,
    _: &Context,
    _: &mut RenderContext,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&template::parameter(helper, "json")?.to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(text: &str) -> String {
        let overrides = [("topic.json.hbs".to_owned(), text.to_owned())];
        match Templates::new(&overrides) {
            Ok(templates) => templates.render("topic.json.hbs", &json!({"name": "a\"b"})).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_broken_override_names_file_line_and_variable() {
        let missing = fault("{\n\"Statement\": [{\"Sid\":\"{{trail.arn}}\"}]}");
        assert!(
            missing.contains("topic.json.hbs") && missing.contains("line 2") && missing.contains("trail.arn"),
            "{missing}"
        );
        let missing = fault("{\n\"Statement\": {{json trails}}}");
        assert!(missing.contains("line 2") && missing.contains("trails"), "{missing}");
        let syntax = fault("{\n{{#each");
        assert!(syntax.contains("topic.json.hbs is broken"), "{syntax}");
        let no_json = fault("{{name}}");
        assert!(no_json.contains("not a policy"), "{no_json}");
    }

    #[test]
    fn a_file_that_replaces_nothing_is_an_error() {
        let overrides = [("buckets.json.hbs".to_owned(), "{}".to_owned())];
        let error = Templates::new(&overrides).err().unwrap().to_string();
        assert!(error.contains("buckets.json.hbs") && error.contains("bucket.json.hbs"), "{error}");
    }

    #[test]
    fn values_cannot_leave_their_string() {
        let text = r#"{"Statement":[{"Effect":"Deny","Action":"{{name}}"}]}"#;
        let templates = Templates::new(&[("topic.json.hbs".to_owned(), text.to_owned())]).unwrap();
        let hostile = json!({"name": "x\",\"Effect\":\"Allow"});
        let document = templates.render("topic.json.hbs", &hostile).unwrap();
        assert_eq!(document.statements.len(), 1);
        assert_eq!(document.to_value()["Statement"][0]["Action"], "x\",\"Effect\":\"Allow");
    }
}
