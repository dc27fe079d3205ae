//! What is wrong with a file of rules or overrides.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One thing that is wrong with a file. The rule that it is about is not used; the others of the file are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct RuleProblem {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The id of the rule, or its title. `None`: the document has neither, or is no rule.
    pub rule: Option<String>,
    /// What is wrong, and what to write instead where that is known.
    pub message: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "{rule}: ")?;
        }
        f.write_str(&self.message)
    }
}
