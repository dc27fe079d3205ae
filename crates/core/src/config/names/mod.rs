//! Names that are templates, and what AWS demands of each kind of name.
//!
//! A template is handlebars reduced to variables: `CloudTrailReadLogs-{{account.id}}`. Nothing is escaped, and a
//! variable that is unknown, or has no value where the name is needed, is an error. Blocks, helpers and partials have
//! no place in a name.

use std::collections::BTreeSet;
use std::fmt;

use handlebars::template::{Template, TemplateElement};

use super::suggest::nearest;

mod rules;

pub use rules::{
    BadName, check_aggregator_name, check_deployment, check_external_id, check_group_name, check_key_alias,
    check_log_group_name, check_policy_name, check_queue_name, check_role_name, check_role_with_path, check_topic_name,
};

/// What a name may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `account.id`
    AccountId,
    /// `account.name`
    AccountName,
    /// `deployment`
    Deployment,
    /// `organization.id`
    OrganizationId,
    /// `region`
    Region,
}

impl Variable {
    /// All of them, in the order in which messages list them.
    pub const ALL: [Variable; 5] =
        [Variable::AccountId, Variable::AccountName, Variable::Deployment, Variable::OrganizationId, Variable::Region];

    /// Returns the variable as templates write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Variable::AccountId => "account.id",
            Variable::AccountName => "account.name",
            Variable::Deployment => "deployment",
            Variable::OrganizationId => "organization.id",
            Variable::Region => "region",
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The values with which a name is filled in; what is not known where the name is needed stays `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameContext<'a> {
    /// The id of the account that the name is for; none where the name is for no single account, or it is not known
    /// yet.
    pub account_id: Option<&'a str>,
    /// The name of that account in the organization; none where it is not known.
    pub account_name: Option<&'a str>,
    /// The name of the deployment; none where names may not have it.
    pub deployment: Option<&'a str>,
    /// The id of the organization; none where it is not known.
    pub organization_id: Option<&'a str>,
    /// The region in which the named thing lives; none where it has none.
    pub region: Option<&'a str>,
}

impl<'a> NameContext<'a> {
    /// Returns the value of a variable.
    pub fn value(&self, variable: Variable) -> Option<&'a str> {
        match variable {
            Variable::AccountId => self.account_id,
            Variable::AccountName => self.account_name,
            Variable::Deployment => self.deployment,
            Variable::OrganizationId => self.organization_id,
            Variable::Region => self.region,
        }
    }
}

/// Says why a template gives no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is not a template.
    #[error("the template {template:?} is broken at character {}: a variable and `}}}}` must follow `{{{{`", .character + 1)]
    Syntax {
        /// The template.
        template: String,
        /// Where it breaks, in characters from 0.
        character: usize,
    },
    /// A variable that nobody knows.
    #[error("the template {template:?} uses `{name}`, which is not a variable of names")]
    UnknownVariable {
        /// The template.
        template: String,
        /// The variable.
        name: String,
        /// Where it stands, in characters from 0.
        character: usize,
    },
    /// A block, a helper, a partial or another part of handlebars that makes no name.
    #[error("the template {template:?} may hold variables only, no blocks, helpers or partials")]
    NotAVariable {
        /// The template.
        template: String,
        /// Where it stands, in characters from 0.
        character: usize,
    },
    /// A text that is too long to become a name.
    #[error("the template has {length} characters, {TEMPLATE_CHARS_MAX} are allowed")]
    TooLong {
        /// How many characters it has.
        length: usize,
    },
    /// A variable that has no value here.
    #[error("the template {template:?} uses `{variable}`, which has no value here")]
    NoValue {
        /// The template.
        template: String,
        /// The variable.
        variable: Variable,
    },
}

impl NameError {
    /// Returns where in the template the error is, in characters from 0.
    pub fn character(&self) -> usize {
        match self {
            NameError::Syntax { character, .. }
            | NameError::UnknownVariable { character, .. }
            | NameError::NotAVariable { character, .. } => *character,
            NameError::NoValue { .. } | NameError::TooLong { .. } => 0,
        }
    }

    /// Returns what to write instead.
    pub fn help(&self) -> String {
        let all = Variable::ALL.map(|variable| format!("`{variable}`")).join(", ");
        match self {
            NameError::UnknownVariable { name, .. } => match nearest(name, Variable::ALL.map(Variable::as_str)) {
                Some(variable) => format!("did you mean `{{{{{variable}}}}}`? The variables are {all}"),
                None => format!("the variables are {all}"),
            },
            NameError::TooLong { .. } => "write a shorter one; no name that AWS takes is that long".into(),
            NameError::Syntax { .. } | NameError::NotAVariable { .. } => {
                format!("write a variable like `{{{{account.id}}}}`; the variables are {all}")
            }
            NameError::NoValue { variable, .. } => format!("leave `{{{{{variable}}}}}` out of this name"),
        }
    }
}

/// One piece of a template.
enum TemplatePart {
    Text(String),
    Variable(Variable),
}

/// Fills a template in.
///
/// # Errors
/// When the template is broken, uses an unknown variable or one that has no value in `context`.
pub fn render_name(template: &str, context: &NameContext<'_>) -> Result<String, NameError> {
    let mut name = String::with_capacity(template.len());
    for part in parts(template)? {
        match part {
            TemplatePart::Text(text) => name.push_str(&text),
            TemplatePart::Variable(variable) => match context.value(variable) {
                Some(value) => name.push_str(value),
                None => return Err(NameError::NoValue { template: template.to_owned(), variable }),
            },
        }
    }
    Ok(name)
}

/// Returns the variables that a template uses.
///
/// # Errors
/// When the template is broken or uses an unknown variable.
pub fn variables(template: &str) -> Result<BTreeSet<Variable>, NameError> {
    let variable = |part| match part {
        TemplatePart::Variable(variable) => Some(variable),
        TemplatePart::Text(_) => None,
    };
    Ok(parts(template)?.into_iter().filter_map(variable).collect())
}

/// The most characters that a template of a name may have: the longest name that AWS takes has 512.
const TEMPLATE_CHARS_MAX: usize = 1024;

fn parts(template: &str) -> Result<Vec<TemplatePart>, NameError> {
    let length = template.chars().count();
    if length > TEMPLATE_CHARS_MAX {
        return Err(NameError::TooLong { length });
    }
    if !template.contains("{{") {
        return Ok(vec![TemplatePart::Text(template.to_owned())]);
    }
    let whole = || template.to_owned();
    let compiled = Template::compile(template).map_err(|error| {
        // The parser knows how far it came; the braces that it could not finish stand before that.
        let (line, column) = error.pos().unwrap_or((1, 1));
        let read: String = template.chars().take(character_of(template, line, column)).collect();
        let character = read.rfind("{{").map_or(0, |at| read[..at].chars().count());
        NameError::Syntax { template: whole(), character }
    })?;
    // The mapping holds line and column of each element, both from 1.
    let places = compiled.mapping.iter().map(|place| character_of(template, place.0, place.1));
    let part = |(element, character): (TemplateElement, usize)| match element {
        TemplateElement::RawString(text) => Ok(TemplatePart::Text(text)),
        TemplateElement::Expression(expression) | TemplateElement::HtmlExpression(expression)
            if expression.params.is_empty() && expression.hash.is_empty() =>
        {
            let name = expression.name.as_name().unwrap_or_default();
            match Variable::ALL.into_iter().find(|variable| variable.as_str() == name) {
                Some(variable) => Ok(TemplatePart::Variable(variable)),
                None => Err(NameError::UnknownVariable { template: whole(), name: name.to_owned(), character }),
            }
        }
        _ => Err(NameError::NotAVariable { template: whole(), character }),
    };
    compiled.elements.into_iter().zip(places).map(part).collect()
}

/// Turns line and column, both from 1, into an index in characters.
fn character_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split('\n').take(line.saturating_sub(1)).map(|line| line.chars().count() + 1).sum();
    before + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: NameContext<'_> = NameContext {
        account_id: Some("111111111111"),
        account_name: Some("Prod & <Test>"),
        deployment: Some("acme"),
        organization_id: None,
        region: Some("eu-central-1"),
    };

    fn render(template: &str) -> Result<String, NameError> {
        render_name(template, &CONTEXT)
    }

    #[test]
    fn variables_are_filled_in_and_nothing_is_escaped() {
        assert_eq!(render("Read-{{account.id}}").unwrap(), "Read-111111111111");
        assert_eq!(render("{{ account.name }}/{{{account.name}}}").unwrap(), "Prod & <Test>/Prod & <Test>");
        assert_eq!(render("{{deployment}}{{region}}").unwrap(), "acmeeu-central-1");
        assert_eq!(render("no variable").unwrap(), "no variable");
        assert_eq!(render("").unwrap(), "");
    }

    #[test]
    fn a_value_is_never_a_template() {
        let context = NameContext { account_name: Some("{{account.id}}"), ..CONTEXT };
        assert_eq!(render_name("x-{{account.name}}", &context).unwrap(), "x-{{account.id}}");
    }

    #[test]
    fn a_template_of_twenty_thousand_expressions_is_refused_unread() {
        let error = render(&"{{account.id}}".repeat(20_000)).unwrap_err();
        assert_eq!(error, NameError::TooLong { length: 280_000 });
    }

    #[test]
    fn a_variable_without_a_value_is_an_error() {
        let error = render("a-{{organization.id}}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the template \"a-{{organization.id}}\" uses `organization.id`, which has no value here"
        );
        assert_eq!(error.help(), "leave `{{organization.id}}` out of this name");
    }

    #[test]
    fn errors_know_their_place() {
        for (template, character) in [
            ("é-{{acount.id}}", 2),
            ("{{account.id}}{{this}}", 14),
            ("a{{../region}}", 1),
            ("ab{{region", 2),
            ("{{}}", 0),
            ("a{{region x}}", 1),
            ("a{{#if region}}b{{/if}}", 1),
            ("a{{> partial}}", 1),
            ("{{!-- comment --}}", 0),
            ("a\nb{{x}}", 3),
        ] {
            let error = render(template).unwrap_err();
            assert_eq!(error.character(), character, "{template}: {error:?}");
        }
    }

    #[test]
    fn variables_are_listed() {
        assert_eq!(variables("{{region}}-{{account.id}}-{{region}}").unwrap().len(), 2);
        assert!(variables("plain").unwrap().is_empty());
        assert!(variables("{{nothing}}").is_err());
    }
}
