//! The correlations of Sigma: rules over the findings of other rules.
//!
//! Source: Sigma specification, "Sigma Correlations Specification". What cannot be answered while records come in is
//! refused: that something does *not* come often enough, percentiles and sums, and correlations of correlations.

use std::collections::BTreeMap;

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};
use serde_json::{Value, json};

use super::parsed;

/// The longest time of a correlation, in seconds: windows are kept in memory.
const TIMESPAN_S_MAX: u64 = 7 * 24 * 3_600;

/// A correlation, as far as this program answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Correlated {
    /// The rules that it is about, by id or name, in their order.
    pub rules: Vec<String>,
    /// The fields of the group.
    pub group_by: Vec<String>,
    /// Fields of the group that are called otherwise in a rule: by their name in the group, then by the rule.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// How long the time is, in seconds.
    pub timespan_s: u64,
    pub need: CorrelationNeed,
    /// The rules ring by themselves too.
    pub generate: bool,
}

/// What a correlation rings for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) enum CorrelationNeed {
    Events(u64),
    Distinct { fields: Vec<String>, at_least: u64 },
    EachStep,
    StepsInOrder,
}

/// Reads what Sigma has below `correlation`, and `generate` beside it. `None`: that field is not there.
///
/// # Errors
/// One sentence for each thing that is wrong.
pub(in crate::detect) fn correlation(section: &Value, generate: Option<&Value>) -> Result<Correlated, Vec<String>> {
    let problems = of_text(section);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut document = json!({"title": "-", "correlation": section});
    if let (Some(generate), Some(fields)) = (generate, document.as_object_mut()) {
        fields.insert("generate".to_owned(), generate.clone());
    }
    let mut found = parsed(&document)?.correlations;
    let Some(rule) = found.pop() else { return Err(vec!["it is no correlation of Sigma".to_owned()]) };
    read(rule).map_err(|problem| vec![problem])
}

const FIELDS: [&str; 8] = ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];

fn of_text(section: &Value) -> Vec<String> {
    let Some(fields) = section.as_object() else { return vec!["`correlation` is no map".to_owned()] };
    let unknown = fields.keys().filter(|name| !FIELDS.contains(&name.as_str()));
    let mut problems: Vec<String> = unknown.map(|name| format!("`correlation` has no field `{name}` here")).collect();
    for name in ["rules", "group-by"] {
        let is_text = |value: &Value| value.is_string();
        let is_fine = fields.get(name).is_none_or(|value| match value {
            Value::Array(items) => items.iter().all(is_text),
            value => is_text(value),
        });
        if !is_fine {
            problems.push(format!("`{name}` is no list of texts"));
        }
    }
    let is_fine = |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
    let aliases = fields.get("aliases");
    if aliases.is_some_and(|value| value.as_object().is_none_or(|aliases| !aliases.values().all(is_fine))) {
        problems.push("`aliases` is no map of maps of texts".to_owned());
    }
    problems
}

fn read(rule: CorrelationRule) -> Result<Correlated, String> {
    if rule.window != WindowMode::Sliding {
        return Err("a window other than a sliding one is not supported".to_owned());
    }
    if rule.rules.is_empty() {
        return Err("`rules` names no rule".to_owned());
    }
    if rule.timespan.seconds == 0 || rule.timespan.seconds > TIMESPAN_S_MAX {
        return Err(format!("`timespan` is from 1s to {}d", TIMESPAN_S_MAX / 86_400));
    }
    let need = need(&rule)?;
    let aliases = rule.aliases.into_iter().map(|alias| (alias.alias, alias.mapping.into_iter().collect()));
    Ok(Correlated {
        rules: rule.rules,
        group_by: rule.group_by,
        aliases: aliases.collect(),
        timespan_s: rule.timespan.seconds,
        need,
        generate: rule.generate,
    })
}

fn need(rule: &CorrelationRule) -> Result<CorrelationNeed, String> {
    match (rule.correlation_type, &rule.condition) {
        (
            CorrelationType::EventCount,
            CorrelationCondition::Threshold { predicates, field: None, percentile: None },
        ) => at_least(predicates).map(CorrelationNeed::Events),
        (
            CorrelationType::ValueCount,
            CorrelationCondition::Threshold { predicates, field: Some(fields), percentile: None },
        ) => Ok(CorrelationNeed::Distinct { fields: fields.clone(), at_least: at_least(predicates)? }),
        (CorrelationType::ValueCount, _) => Err("`condition` of a value_count needs a `field`".to_owned()),
        (CorrelationType::EventCount, _) => Err("`condition` of an event_count is a number to reach".to_owned()),
        (CorrelationType::Temporal, condition) if is_all(condition, &rule.rules) => Ok(CorrelationNeed::EachStep),
        (CorrelationType::TemporalOrdered, condition) if is_all(condition, &rule.rules) => {
            Ok(CorrelationNeed::StepsInOrder)
        }
        (CorrelationType::Temporal | CorrelationType::TemporalOrdered, _) => {
            Err("a condition other than that every rule matches is not supported for temporal correlations".to_owned())
        }
        (kind, _) => Err(format!("correlations of the type `{}` are not supported", kind.as_str())),
    }
}

fn at_least(predicates: &[(ConditionOperator, u64)]) -> Result<u64, String> {
    match predicates {
        [(ConditionOperator::Gte, count)] if *count > 0 => Ok(*count),
        [(ConditionOperator::Gt, count)] if *count < u64::MAX => Ok(*count + 1),
        _ => Err("only `gte` and `gt` are supported: whether a number stays below another one is known when all \
                  records are in, and a rule rings before"
            .to_owned()),
    }
}

/// Tells whether a condition asks for every rule, as it does where the correlation has none.
fn is_all(condition: &CorrelationCondition, rules: &[String]) -> bool {
    match condition {
        CorrelationCondition::Threshold { predicates, field: None, percentile: None } => {
            predicates.as_slice() == [(ConditionOperator::Gte, 1)]
        }
        CorrelationCondition::Extended(ConditionExpr::And(parts)) => {
            parts.len() == rules.len()
                && rules.iter().all(|rule| parts.contains(&ConditionExpr::Identifier(rule.clone())))
        }
        _ => false,
    }
}
