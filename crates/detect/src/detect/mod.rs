//! Rules over CloudTrail records, and the findings that come of them: what `detect` asks the archive, and what rings on
//! the stream.
//!
//! - [`RuleSet`]: the rules, read from YAML: Sigma, Sigma correlations, thresholds and first occurrences; what is wrong
//!   with a file is a [`RuleProblem`] and does not stop the others.
//! - [`pack`]: the rules that come with the program.
//! - [`Overrides`]: another level, an exclusion, or silence, for rules that are not one's own.
//! - [`Engine`]: takes records one after the other and gives [`DetectionFinding`]s; its state survives a restart.
//! - [`ocsf()`]: a finding as other tools read it.
//! - [`reference()`]: the page about the rules of the pack.
//!
//! Time is that of the events. Nothing here looks at a clock, and the same records give the same findings, in whatever
//! order they come within the allowed lateness. Only `sigma` knows the crates that read and evaluate Sigma.

mod engine;
mod exclusion;
mod field;
mod finding;
mod level;
mod ocsf;
mod overrides;
pub mod pack;
mod problem;
mod read;
mod reference;
mod rule;
mod ruleset;
mod sigma;
mod view;

#[cfg(test)]
mod tests;

pub use engine::{BadState, Engine, EngineSettings, Restored, RuleTallies, Tallies};
pub use exclusion::{DisabledRule, Exclusion};
pub use finding::{DetectionFinding, FindingPrincipal};
pub use level::{BadLevel, Level};
pub use ocsf::ocsf;
pub use overrides::Overrides;
pub use problem::RuleProblem;
pub use reference::reference;
pub use rule::{Rule, RuleKind, RuleMeta};
pub use ruleset::RuleSet;
