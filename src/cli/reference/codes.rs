//! The codes of findings, from the enums and tables that have them.

use std::fmt::Write;

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::{cell, head};
use crate::plan::finding_codes::FINDING_CODES;

/// A heading, what stands below it, and the codes with their meanings.
type Section = (&'static str, &'static str, Vec<(String, String)>);

/// The page of the codes.
pub fn page() -> String {
    let about = "Stable words by which programs know what a report says. A code keeps its meaning; new ones are added.";
    let mut text = head("Findings", about);
    let of_plans = FINDING_CODES.iter().map(|(code, meaning)| ((*code).to_owned(), (*meaning).to_owned())).collect();
    let parts: [Section; 6] = [
        ("Harm", "What a drift or a finding does now, the worst first: `harm`.", variants::<crate::plan::Harm>()),
        (
            "plan, drift, apply, access, check, reconcile",
            "`findings[].code`. SARIF and metrics use the same words.",
            of_plans,
        ),
        (
            "Isolation",
            "`violations[].invariant` and `unproven[].invariant` of the same commands: what has to hold.",
            variants::<crate::policy::isolation::Invariant>(),
        ),
        (
            "verify",
            "`chains[].findings[].code` and `findings[].code`. [The tamper matrix](../concepts/tamper-matrix.md) shows which attack gives which.",
            variants::<crate::logs::finding::Code>(),
        ),
        (
            "explain",
            "`findings[].rule`: what is wrong with a policy document beside refusing CloudTrail.",
            variants::<crate::policy::lint::Rule>(),
        ),
        ("validate", "The code in brackets beside each mistake of a configuration.", variants::<crate::config::Code>()),
    ];
    for (title, about, codes) in parts {
        let _ = write!(text, "\n## {title}\n\n{about}\n\n| code | meaning |\n|---|---|\n");
        for (code, meaning) in codes {
            let _ = writeln!(text, "| `{code}` | {} |", cell(&meaning));
        }
    }
    text.push_str("\nBeside these, `problems[].code` and `blockers[].code` have the error codes of AWS.\n");
    text
}

/// The words of an enum, each with its documentation.
fn variants<T: JsonSchema>() -> Vec<(String, String)> {
    let schema = schema_for!(T).to_value();
    let variants = schema["oneOf"].as_array().unwrap_or_else(|| panic!("{schema}")).iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    variants.map(|variant| (text(&variant["const"]), text(&variant["description"]))).collect()
}

#[test]
fn the_words_of_the_schemas_are_those_that_are_printed() {
    let words = |list: Vec<(String, String)>| list.into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(words(variants::<crate::plan::Harm>()), crate::plan::Harm::ALL.map(crate::plan::Harm::as_str));
    let printed: Vec<&str> = crate::logs::finding::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words(variants::<crate::logs::finding::Code>()), printed);
    assert!(
        words(variants::<crate::config::Code>()).contains(&crate::config::Code::ChosenByMembers.as_str().to_owned())
    );
    assert!(
        words(variants::<crate::policy::lint::Rule>())
            .contains(&crate::policy::lint::Rule::VariableWithoutVersion.to_string())
    );
    assert!(
        words(variants::<crate::policy::isolation::Invariant>())
            .contains(&crate::policy::isolation::Invariant::MfaRequired.as_str().to_owned())
    );
}
