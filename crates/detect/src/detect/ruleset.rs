//! All rules that ring, with what is wrong with the others; and which of them have to look at a record.

mod correlate;
mod index;

use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) use index::{RuleIndex, StepAt};

use super::exclusion::DisabledRule;
use super::overrides::{Override, Overrides};
use super::problem::RuleProblem;
use super::read::{self, Base, FileOfRules};
use super::rule::{Logic, Rule, Step};
use crate::config::suggest::nearest;

/// Rules, and what is wrong with those that are not among them.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    problems: Vec<RuleProblem>,
    elsewhere: usize,
    disabled: Vec<DisabledRule>,
}

impl RuleSet {
    /// Reads files, each given as its name and its text. A broken rule is a problem and does not stop the others.
    pub fn read<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut all = FileOfRules::default();
        for (name, text) in files {
            let file = read::file(text, name);
            all.bases.extend(file.bases);
            all.correlations.extend(file.correlations);
            all.own.extend(file.own);
            all.problems.extend(file.problems);
            all.elsewhere += file.elsewhere;
        }
        let mut found = Self { problems: all.problems, elsewhere: all.elsewhere, ..Self::default() };
        let bases = found.without_namesakes(all.bases);
        let (correlated, silent) = correlate::rules(all.correlations, &bases, &mut found.problems);
        let ringing = bases.into_iter().filter(|base| !silent.contains(&base.meta.rest.id));
        let mut rules: Vec<Rule> = ringing.filter_map(|base| found.of_base(base)).collect();
        rules.extend(correlated);
        rules.extend(all.own);
        found.take_up(rules);
        found.problems.sort();
        found
    }

    /// Returns the rules, in the order of their ids.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns what is wrong with files, in the order of their names. A rule with a problem is not among the rules.
    pub fn problems(&self) -> &[RuleProblem] {
        &self.problems
    }

    /// Returns how many rules of the files are for logs of something else than CloudTrail.
    pub fn elsewhere(&self) -> usize {
        self.elsewhere
    }

    /// Returns the rules that overrides disabled.
    pub fn disabled(&self) -> &[DisabledRule] {
        &self.disabled
    }

    /// Applies overrides. An override of a rule that is not there is a problem.
    #[must_use]
    pub fn with_overrides(mut self, overrides: &Overrides) -> Self {
        self.problems.extend(overrides.problems().iter().cloned());
        for entry in overrides.entries() {
            self.apply(entry);
        }
        self.problems.sort();
        self
    }

    fn apply(&mut self, entry: &Override) {
        let Some(at) = self.rules.iter().position(|rule| rule.meta.id == entry.rule) else {
            if !self.disabled.iter().any(|disabled| disabled.id == entry.rule) {
                let near = nearest(&entry.rule, self.rules.iter().map(|rule| rule.meta.id.as_str()));
                let instead = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                self.problems.push(entry.problem(format!("there is no rule `{}`{instead}", entry.rule)));
            }
            return;
        };
        if entry.is_disabled {
            let rule = self.rules.remove(at);
            self.disabled.push(DisabledRule { id: rule.meta.id, why: entry.why.clone() });
        } else if let Some(rule) = self.rules.get_mut(at) {
            rule.meta.level = entry.level.unwrap_or(rule.meta.level);
            rule.exclusions.extend(entry.exclusions.iter().cloned());
        }
    }

    /// Leaves out rules of Sigma whose id or name another one has: which of them a correlation means would be chance.
    fn without_namesakes(&mut self, bases: Vec<Base>) -> Vec<Base> {
        let mut seen: HashMap<String, (String, usize)> = HashMap::new();
        let mut kept = Vec::new();
        for base in bases {
            let ids: HashSet<&String> = base.meta.id.iter().chain(&base.meta.name).collect();
            match ids.iter().find_map(|id| Some((*id, seen.get(*id)?))) {
                Some((id, (file, line))) => {
                    let message = format!("`{id}` is the id or name of the rule in {file}:{line} too");
                    self.problems.push(problem(&base.file, base.line, &base.meta.rest.id, message));
                }
                None => {
                    let place = (base.file.clone(), base.line);
                    seen.extend(ids.into_iter().map(|id| (id.clone(), place.clone())));
                    kept.push(base);
                }
            }
        }
        kept
    }

    fn of_base(&mut self, base: Base) -> Option<Rule> {
        if base.meta.level.is_none() {
            let message = "`level` is missing".to_owned();
            self.problems.push(problem(&base.file, base.line, &base.meta.rest.id, message));
            return None;
        }
        Some(Rule {
            meta: base.meta.rest,
            file: base.file,
            line: base.line,
            logic: Logic::Each(Step { condition: base.condition, group_by: Vec::new() }),
            fold_us: base.fold_us,
            fingerprint: base.fingerprint,
            exclusions: Vec::new(),
        })
    }

    /// Takes the rules up, of several with one id the first.
    fn take_up(&mut self, rules: Vec<Rule>) {
        let mut by_id: BTreeMap<String, Rule> = BTreeMap::new();
        for rule in rules {
            if let Some(first) = by_id.get(&rule.meta.id) {
                let message = format!("`{}` is the id of the rule in {}:{} too", rule.meta.id, first.file, first.line);
                self.problems.push(problem(&rule.file, rule.line, &rule.meta.id, message));
            } else {
                by_id.insert(rule.meta.id.clone(), rule);
            }
        }
        self.rules = by_id.into_values().collect();
    }
}

fn problem(file: &str, line: usize, rule: &str, message: String) -> RuleProblem {
    RuleProblem { file: file.to_owned(), line, rule: Some(rule.to_owned()), message }
}
