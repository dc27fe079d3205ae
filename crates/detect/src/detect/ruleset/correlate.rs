//! Correlations of Sigma with the rules that they are about.

use std::collections::{HashMap, HashSet};

use super::problem;
use crate::detect::field::Field;
use crate::detect::problem::RuleProblem;
use crate::detect::read::{Base, Correlation};
use crate::detect::rule::{Logic, Need, Rule, Step, WindowLogic};
use crate::detect::sigma::CorrelationNeed;

/// The largest number that a correlation may count to: as that of a threshold.
const AT_LEAST_MAX: u64 = 10_000;

/// Returns the rules of correlations, and the ids of the rules that do not ring by themselves because they only serve
/// one.
pub(super) fn rules(
    correlations: Vec<Correlation>,
    bases: &[Base],
    problems: &mut Vec<RuleProblem>,
) -> (Vec<Rule>, HashSet<String>) {
    let mut by_name: HashMap<&str, &Base> = HashMap::new();
    for base in bases {
        by_name.extend(base.meta.id.iter().chain(&base.meta.name).map(|name| (name.as_str(), base)));
    }
    let (mut found, mut silent, mut heard) = (Vec::new(), HashSet::new(), HashSet::new());
    for correlation in correlations {
        let generate = correlation.correlated.generate;
        let meant: Vec<&Base> =
            correlation.correlated.rules.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect();
        if generate { &mut heard } else { &mut silent }.extend(meant.iter().map(|base| base.meta.rest.id.clone()));
        let (file, line, id) = (correlation.file.clone(), correlation.line, correlation.meta.rest.id.clone());
        match rule(correlation, &by_name) {
            Ok(rule) => found.push(rule),
            Err(message) => problems.push(problem(&file, line, &id, message)),
        }
    }
    silent.retain(|id| !heard.contains(id));
    (found, silent)
}

fn rule(correlation: Correlation, by_name: &HashMap<&str, &Base>) -> Result<Rule, String> {
    let correlated = correlation.correlated;
    let mut fingerprint = correlation.fingerprint;
    let mut steps = Vec::new();
    for name in &correlated.rules {
        let missing = || {
            format!(
                "`rules` names `{name}`, which is no rule of Sigma that was read (a correlation of correlations is \
                     not supported)"
            )
        };
        let base = by_name.get(name.as_str()).ok_or_else(missing)?;
        let field = |group: &String| {
            let of_rule = correlated.aliases.get(group);
            let own = of_rule.and_then(|names| {
                let names_of_rule = base.meta.id.iter().chain(&base.meta.name);
                names_of_rule.into_iter().find_map(|name| names.get(name))
            });
            Field::read(own.unwrap_or(group))
        };
        let group_by = correlated.group_by.iter().map(field).collect::<Result<_, _>>()?;
        steps.push(Step { condition: base.condition.clone(), group_by });
        fingerprint.push_str(&base.fingerprint);
    }
    let need = need(correlated.need)?;
    let within_us = i64::try_from(correlated.timespan_s).map_err(|_| "`timespan` is too long")? * 1_000_000;
    Ok(Rule {
        meta: correlation.meta.rest,
        file: correlation.file,
        line: correlation.line,
        logic: Logic::Window(WindowLogic { steps, within_us, need, groups_missing: false }),
        fold_us: correlation.fold_us.unwrap_or(within_us),
        fingerprint,
        exclusions: Vec::new(),
    })
}

fn need(need: CorrelationNeed) -> Result<Need, String> {
    let count = |count: u64| match usize::try_from(count) {
        Ok(count_usize) if count <= AT_LEAST_MAX => Ok(count_usize),
        _ => Err(format!("`condition` counts to at most {AT_LEAST_MAX}")),
    };
    Ok(match need {
        CorrelationNeed::Events(at_least) => Need::Events(count(at_least)?),
        CorrelationNeed::Distinct { fields, at_least } => {
            let fields = fields.iter().map(|field| Field::read(field)).collect::<Result<_, _>>()?;
            Need::Distinct { fields, at_least: count(at_least)? }
        }
        CorrelationNeed::EachStep => Need::EachStep,
        CorrelationNeed::StepsInOrder => Need::StepsInOrder,
    })
}
