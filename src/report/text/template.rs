//! Renders the templates of `templates/`: the compiled ones, or the user's in their place.
//!
//! The name of a template decides how values are escaped: `*.md.hbs` as markdown, `*.html.hbs` as HTML. A variable that
//! does not exist is an error with the file and, where the engine tells it, the line.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde::Serialize;
use serde_json::Value;

use crate::report::text::escape;
use crate::report::text::lines::Line;
use crate::report::text::words;
pub use crate::template::BadTemplate;
use crate::template::{self, parameter};

/// The templates that are compiled in: file name -> text. `templates/README.md` says which values each may use.
pub const EMBEDDED: [(&str, &str); 5] = [
    ("plan.md.hbs", include_str!("../../../templates/plan.md.hbs")),
    ("plan.html.hbs", include_str!("../../../templates/plan.html.hbs")),
    ("apply.md.hbs", include_str!("../../../templates/apply.md.hbs")),
    ("audit.md.hbs", include_str!("../../../templates/audit.md.hbs")),
    ("audit.html.hbs", include_str!("../../../templates/audit.html.hbs")),
];

/// The templates in force.
pub struct Templates {
    markdown: Handlebars<'static>,
    html: Handlebars<'static>,
}

impl Templates {
    /// Takes the compiled templates and replaces those for which `overrides` has a file of the same name.
    ///
    /// # Errors
    /// [`BadTemplate`] for a file that is no template or replaces none.
    pub fn new(overrides: &[(String, String)]) -> Result<Self, BadTemplate> {
        let mut templates = Self { markdown: engine(escape::markdown), html: engine(escape::html) };
        for (file, text) in template::in_force(&EMBEDDED, overrides)? {
            let engine = if is_html(file) { &mut templates.html } else { &mut templates.markdown };
            template::register(engine, file, text)?;
        }
        Ok(templates)
    }

    /// Renders one template.
    ///
    /// # Errors
    /// [`BadTemplate::Render`] with the file, and the line where the engine tells it.
    pub fn render(&self, file: &str, values: &impl Serialize) -> Result<String, BadTemplate> {
        let engine = if is_html(file) { &self.html } else { &self.markdown };
        template::render(engine, file, values)
    }
}

fn is_html(file: &str) -> bool {
    file.ends_with(".html.hbs")
}

fn engine(escape: fn(&str) -> String) -> Handlebars<'static> {
    // No helper has the name of a value: the engine would take the value for the helper.
    let mut engine = template::engine(escape);
    engine.register_helper("counted", Box::new(plain::counted));
    engine.register_helper("grouped", Box::new(plain::grouped));
    engine.register_helper("sentence", Box::new(plain::sentence));
    engine.register_helper("mark_class", Box::new(plain::mark_class));
    engine.register_helper("code_span", Box::new(code_span));
    engine.register_helper("html_text", Box::new(html_text));
    engine.register_helper("account_ids", Box::new(account_ids));
    engine.register_helper("diff_block", Box::new(diff_helper));
    engine
}

/// Helpers that take values and write text; the macro makes a public type of each.
mod plain {
    use handlebars::handlebars_helper;

    use crate::report::text::words;

    handlebars_helper!(counted: |number: u64, noun: str| words::count(usize::try_from(number).unwrap_or(usize::MAX), noun));
    handlebars_helper!(grouped: |number: u64| words::grouped(usize::try_from(number).unwrap_or(usize::MAX)));
    // Escaped by the engine as any other text.
    handlebars_helper!(sentence: |texts: Vec<String>| words::list(&texts));

    // The class of a page's style for a mark.
    handlebars_helper!(mark_class: |mark: str| match mark {
        "+" => "added",
        "~" => "changed",
        "!" => "adopted",
        "-" => "removed",
        _ => "faint",
    });
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `{{code_span text}}` writes a text as a code span of markdown.
fn code_span(
    helper: &Helper,
    _: &Handlebars,
    _: &Context,
    _: &mut RenderContext,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&escape::markdown_code(&text_of(parameter(helper, "code_span")?)))?;
    Ok(())
}

/// `{{html_text text}}` writes a text for HTML within markdown, such as a summary line.
fn html_text(
    helper: &Helper,
    _: &Handlebars,
    _: &Context,
    _: &mut RenderContext,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&escape::html(&text_of(parameter(helper, "html_text")?)))?;
    Ok(())
}

/// How many accounts of a list are named in markdown.
const ACCOUNTS_MAX: usize = 10;

/// `{{account_ids list}}` writes the ids of the first accounts as code spans of markdown, and how many more there are.
fn account_ids(
    helper: &Helper,
    _: &Handlebars,
    _: &Context,
    _: &mut RenderContext,
    out: &mut dyn Output,
) -> HelperResult {
    let list = parameter(helper, "account_ids")?.as_array().map(Vec::as_slice).unwrap_or_default();
    let id = |account: &Value| escape::markdown_code(account.get("id").and_then(Value::as_str).unwrap_or_default());
    out.write(&words::some(&list.iter().map(id).collect::<Vec<_>>(), ACCOUNTS_MAX))?;
    Ok(())
}

/// `{{diff_block lines}}` writes lines as a fenced block that forges colour as a difference.
fn diff_helper(
    helper: &Helper,
    _: &Handlebars,
    _: &Context,
    _: &mut RenderContext,
    out: &mut dyn Output,
) -> HelperResult {
    let lines: Vec<Line> =
        serde_json::from_value(parameter(helper, "diff_block")?.clone()).map_err(RenderErrorReason::from)?;
    out.write(&diff_block(&lines))?;
    Ok(())
}

fn diff_block(lines: &[Line]) -> String {
    let line = |Line { depth, mark, text }: &Line| {
        // Forges colour `+`, `-` and `!` in the first column.
        let column = if *mark == '~' { '!' } else { *mark };
        format!("{column} {}{}\n", "  ".repeat(*depth), escape::terminal(text))
    };
    let body: String = lines.iter().map(line).collect();
    let fence = "`".repeat(escape::longest_run(&body, '`').max(2) + 1);
    format!("{fence}diff\n{body}{fence}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(text: &str) -> String {
        match Templates::new(&[("plan.md.hbs".to_owned(), text.to_owned())]) {
            Ok(templates) => templates.render("plan.md.hbs", &json!({"name": "x"})).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_broken_override_names_file_line_and_value() {
        let missing = fault("ok\n{{nmae}}");
        assert!(missing.contains("plan.md.hbs in line 2") || missing.contains("line 2"), "{missing}");
        assert!(missing.contains("`nmae`"), "{missing}");
        assert!(fault("{{code_span nmae}}").contains("`nmae`"));
        assert!(fault("{{#each").contains("plan.md.hbs is broken"));
        let unknown = Templates::new(&[("plans.md.hbs".to_owned(), String::new())]).err().unwrap().to_string();
        assert!(unknown.contains("plans.md.hbs") && unknown.contains("plan.md.hbs"), "{unknown}");
    }

    #[test]
    fn values_are_escaped_as_the_name_of_the_template_says() {
        let templates =
            Templates::new(&[("plan.md.hbs".to_owned(), "{{name}} {{code_span name}} {{html_text name}}".to_owned())]);
        let text = templates.unwrap().render("plan.md.hbs", &json!({"name": "<a>|*"})).unwrap();
        assert_eq!(text, "&lt;a&gt;\\|\\* `<a>\\|*` &lt;a&gt;|*");
    }

    #[test]
    fn a_fence_cannot_be_left() {
        let line = Line { depth: 1, mark: '~', text: "a ```` b\n```".into() };
        assert_eq!(diff_block(&[line]), "`````diff\n!   a ```` b\\n```\n`````");
    }
}
