//! Renders the policy templates of `policies/` strictly, and reads the result back as a policy.
//!
//! A missing variable, a fault of the template language and a result that is no policy are errors with the file's name
//! and, where the engine tells it, the line. Values are escaped as JSON text, so that no name can add a statement.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde::Serialize;

use super::document::{BadPolicy, PolicyDocument};
use super::grants::{Attached, beyond};
use crate::template;

/// The size in bytes of the largest template of a policy: the largest document that AWS takes has 32 KiB.
const SIZE_BYTES_MAX: usize = 64 * 1024;

/// The size in bytes of the largest text that a template may render. It is far more than AWS takes, so that a document
/// that is too large is still told with its size.
const RENDERED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The templates that are compiled in: file name -> text. `policies/README.md` says which variables each may use.
pub const EMBEDDED: [(&str, &str); 15] = [
    ("bucket.json.hbs", include_str!("../../../../policies/bucket.json.hbs")),
    ("key.json.hbs", include_str!("../../../../policies/key.json.hbs")),
    ("lake.json.hbs", include_str!("../../../../policies/lake.json.hbs")),
    ("topic.json.hbs", include_str!("../../../../policies/topic.json.hbs")),
    ("reader.json.hbs", include_str!("../../../../policies/reader.json.hbs")),
    ("reader-trust.json.hbs", include_str!("../../../../policies/reader-trust.json.hbs")),
    ("member.json.hbs", include_str!("../../../../policies/member.json.hbs")),
    ("member-dynamic.json.hbs", include_str!("../../../../policies/member-dynamic.json.hbs")),
    ("log-group-role.json.hbs", include_str!("../../../../policies/log-group-role.json.hbs")),
    ("log-group-role-trust.json.hbs", include_str!("../../../../policies/log-group-role-trust.json.hbs")),
    ("queue.json.hbs", include_str!("../../../../policies/queue.json.hbs")),
    ("wake-role.json.hbs", include_str!("../../../../policies/wake-role.json.hbs")),
    ("config-role-trust.json.hbs", include_str!("../../../../policies/config-role-trust.json.hbs")),
    ("wake-role-trust.json.hbs", include_str!("../../../../policies/wake-role-trust.json.hbs")),
    ("guard.json.hbs", include_str!("../../../../policies/guard.json.hbs")),
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
    /// The template grants more than the compiled one, and --allow-grant does not name the statement.
    #[error(
        "the template {file} grants more than the compiled one{}: {statement} is not covered by it; take the grant out, or \
         allow it with --allow-grant {}", .line.map(|line| format!(", in line {line}")).unwrap_or_default(), .name.as_deref().unwrap_or("SID, after you gave it one")
    )]
    Grants {
        /// The file's name.
        file: String,
        /// The line of the statement's `Sid`, where it has one that is written there.
        line: Option<usize>,
        /// The statement's `Sid`.
        name: Option<String>,
        /// The statement, as JSON and cut to a line.
        statement: String,
    },
}

/// The templates in force: the compiled ones, each replaced by the user's where there is one.
pub struct Templates {
    engine: Handlebars<'static>,
    /// The compiled ones alone, and the texts that replace some of them.
    compiled: Handlebars<'static>,
    overrides: BTreeMap<String, String>,
    /// The `Sid`s of the statements that may grant more than the compiled templates do.
    allowed: BTreeSet<String>,
}

impl Templates {
    /// Takes the compiled templates and replaces those for which `overrides` has a file of the same name.
    ///
    /// # Errors
    /// [`BadTemplate`] for a file that is no template or replaces none.
    pub fn new(overrides: &[(String, String)]) -> Result<Self, BadTemplate> {
        Self::allowing(overrides, &[])
    }

    /// The same, with the `Sid`s of the statements of `overrides` that may grant more than the compiled templates do.
    ///
    /// # Errors
    /// [`BadTemplate`] for a file that is no template or replaces none.
    pub fn allowing(overrides: &[(String, String)], allowed: &[String]) -> Result<Self, BadTemplate> {
        for (file, text) in overrides {
            template::refuse_unbounded(file, text, SIZE_BYTES_MAX)?;
        }
        let engine = |overrides: &[(String, String)]| -> Result<Handlebars<'static>, BadTemplate> {
            let mut engine = template::engine(template::json_text);
            engine.register_helper("json", Box::new(json_value));
            for (file, text) in template::in_force(&EMBEDDED, overrides)? {
                template::register(&mut engine, file, text)?;
            }
            Ok(engine)
        };
        Ok(Self {
            engine: engine(overrides)?,
            compiled: engine(&[])?,
            overrides: overrides.iter().cloned().collect(),
            allowed: allowed.iter().cloned().collect(),
        })
    }

    /// Tells whether the user's file stands in the place of a compiled one.
    pub fn replaces(&self, file: &str) -> bool {
        self.overrides.contains_key(file)
    }

    /// Renders one template and reads the result.
    ///
    /// # Errors
    /// [`BadTemplate`] with the file, and the line where the engine tells it.
    pub fn render(&self, file: &str, values: &impl Serialize) -> Result<PolicyDocument, BadTemplate> {
        let rendered = document(&self.engine, file, values)?;
        if let Some(text) = self.overrides.get(file) {
            self.refuse_more(file, text, &rendered, &document(&self.compiled, file, values)?)?;
        }
        Ok(rendered)
    }

    /// What a stranger must not add to a document a template must not bring along, unless a person named it.
    fn refuse_more(
        &self,
        file: &str,
        text: &str,
        document: &PolicyDocument,
        base: &PolicyDocument,
    ) -> Result<(), BadTemplate> {
        let attached = if file.ends_with("-trust.json.hbs") { Attached::Trust } else { Attached::Other };
        for n in beyond(document, base, attached) {
            let Some(statement) = document.statements.get(n) else {
                continue;
            };
            if statement.sid.as_ref().is_some_and(|sid| self.allowed.contains(sid)) {
                continue;
            }
            let only = PolicyDocument { statements: vec![statement.clone()], ..PolicyDocument::default() };
            return Err(BadTemplate::Grants {
                file: file.to_owned(),
                line: statement.sid.as_deref().and_then(|sid| line_of(text, sid)),
                name: statement.sid.clone(),
                statement: cut(&only.to_value()["Statement"][0].to_string()),
            });
        }
        Ok(())
    }
}

fn document(engine: &Handlebars<'_>, file: &str, values: &impl Serialize) -> Result<PolicyDocument, BadTemplate> {
    let text = template::render_within(engine, file, values, RENDERED_BYTES_MAX)?;
    PolicyDocument::parse(&text).map_err(|why| BadTemplate::Policy { file: file.to_owned(), why })
}

/// Returns the line, from 1, in which a `Sid` is written.
fn line_of(text: &str, sid: &str) -> Option<usize> {
    let quoted = format!("\"{sid}\"");
    text.lines().position(|line| line.contains(&quoted)).map(|line| line + 1)
}

/// How many characters of a statement are shown.
const STATEMENT_CHARS_MAX: usize = 300;

fn cut(text: &str) -> String {
    match text.char_indices().nth(STATEMENT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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
        let hostile = json!({"name": "x\",\"Effect\":\"Allow", "topic": {"arn": "arn:t"}, "trail_arns": []});
        let document = templates.render("topic.json.hbs", &hostile).unwrap();
        assert_eq!(document.statements.len(), 1);
        assert_eq!(document.to_value()["Statement"][0]["Action"], "x\",\"Effect\":\"Allow");
    }

    const VALUES: &str = r#"{"topic": {"arn": "arn:t"}, "trail_arns": ["arn:a"]}"#;

    fn topic(statement: &str, allowed: &[&str]) -> Result<PolicyDocument, BadTemplate> {
        let compiled = include_str!("../../../../policies/topic.json.hbs");
        let more = compiled.replace("\"Statement\": [", &format!("\"Statement\": [\n{statement},\n"));
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let templates = Templates::allowing(&[("topic.json.hbs".to_owned(), more)], &allowed)?;
        templates.render("topic.json.hbs", &serde_json::from_str::<serde_json::Value>(VALUES).unwrap())
    }

    #[test]
    fn what_a_template_grants_beyond_the_compiled_one_is_refused_with_its_line_or_allowed_by_name() {
        let open =
            r#"{"Sid": "OrgtrailOpen", "Effect": "Allow", "Principal": "*", "Action": "SNS:*", "Resource": "*"}"#;
        let error = topic(open, &[]).unwrap_err().to_string();
        let parts = ["topic.json.hbs", "line 4", "--allow-grant OrgtrailOpen", "SNS:*"];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(topic(open, &["OrgtrailOpen"]).is_ok());
        assert!(topic(open, &["Other"]).is_err());
        let deny = open.replace("Allow", "Deny");
        assert!(topic(&deny, &[]).is_ok());
    }

    #[test]
    fn templates_that_would_never_end_or_be_too_large_are_errors() {
        let nested = "{{#if a}}".repeat(20_000) + &"{{/if}}".repeat(20_000);
        let parentheses = format!("{{{{json {}a{}}}}}", "(x ".repeat(5_000), ")".repeat(5_000));
        for (text, part) in [
            ("{{> topic.json.hbs}}", "partials"),
            ("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}", "partials"),
            ("{{~> topic.json.hbs}}", "partials"),
            ("{{#> topic.json.hbs}}{{/topic.json.hbs}}", "partials"),
            ("{{#each a}}{{#each b}}{{#each c}}x{{/each}}{{/each}}{{/each}}", "one within another"),
            (&nested, "bytes"),
            (&parentheses, "deep"),
            (&"{{#if a}}".repeat(100), "deep"),
            (&" ".repeat(SIZE_BYTES_MAX + 1), "bytes"),
        ] {
            let error = fault(text);
            assert!(error.contains(part), "{error}");
        }
        let doubled = format!("{{{{#each list}}}}{}{{{{/each}}}}", "x".repeat(30_000));
        let templates = Templates::new(&[("topic.json.hbs".to_owned(), doubled)]).unwrap();
        let error = templates.render("topic.json.hbs", &json!({"list": vec![0; 1_000]})).unwrap_err().to_string();
        assert!(error.contains("more than"), "{error}");
    }
}
