//! One condition of a statement in one request: it holds, it fails, or it cannot be told.

use super::evaluation::{Evaluation, Truth};
use super::failure::Failure;
use super::operator::{Comparison, Many, Operator, Order};
use super::request::Fact;
use super::variables::{Expanded, expand};

/// Judges one line of a `Condition`: an operator, a key, and the values of which one must fit.
pub(super) fn judge(operator: &str, key: &str, policy: &[String], evaluation: &Evaluation) -> Truth {
    match answer(operator, key, policy, evaluation) {
        Ok(Some(true)) => Truth::Yes,
        Ok(Some(false)) => Truth::No,
        Ok(None) => Truth::Unknown(format!("the value of `{key}` in this request is not known")),
        Err(why) => Truth::Unknown(why),
    }
}

/// Returns whether a line holds; none where that depends on a value that nobody gave.
///
/// # Errors
/// What is not understood: the operator, the key, or a value of the policy.
pub(super) fn answer(
    operator: &str,
    key: &str,
    policy: &[String],
    evaluation: &Evaluation,
) -> Result<Option<bool>, String> {
    let parsed =
        Operator::parse(operator).ok_or_else(|| format!("the condition operator `{operator}` is not understood"))?;
    let fact = evaluation.fact(key)?;
    let answer = match parsed {
        Operator::Null => null(policy, &fact),
        Operator::Compare { comparison, negated, many, if_exists } => {
            let line = Line { comparison, negated, many, if_exists, policy };
            match fact {
                Fact::Unknown if key.eq_ignore_ascii_case("s3:TlsVersion") => Ok(of_some_tls(&line)),
                fact => compare(&line, &fact, evaluation),
            }
        }
    };
    answer.map_err(|why| format!("the condition {operator} on `{key}` cannot be judged: {why}"))
}

/// The oldest version of TLS with which AWS's endpoints can be reached at all (AWS security blog, "TLS 1.2 to become
/// the minimum TLS protocol level for all AWS API endpoints", completed in 2024).
const TLS_OLDEST: f64 = 1.2;

/// Answers a comparison with the version of TLS of a request over TLS, which is not known but not older than
/// [`TLS_OLDEST`]: the usual denial of older versions denies nobody.
fn of_some_tls(line: &Line) -> Option<bool> {
    let Comparison::Number(order) = line.comparison else { return None };
    let one = |value: &String| {
        let value: f64 = value.parse().ok()?;
        match order {
            Order::Less => (value <= TLS_OLDEST).then_some(false),
            Order::LessOrEqual | Order::Equal => (value < TLS_OLDEST).then_some(false),
            Order::Greater => (value < TLS_OLDEST).then_some(true),
            Order::GreaterOrEqual => (value <= TLS_OLDEST).then_some(true),
        }
    };
    let answers: Vec<Option<bool>> = line.policy.iter().map(one).collect();
    any(&answers).map(|fits| fits != line.negated)
}

/// Returns what to say of a line that does not hold.
pub(super) fn failure(operator: &str, key: &str, policy: &[String], evaluation: &Evaluation) -> Failure {
    let request = match evaluation.fact(key) {
        Ok(Fact::Values(values)) => values.into_owned(),
        Ok(Fact::Absent | Fact::Unknown) | Err(_) => Vec::new(),
    };
    Failure::Condition { operator: operator.to_owned(), key: key.to_owned(), policy: policy.to_vec(), request }
}

/// `Null`: true asks that the key is absent, false that it is there.
fn null(policy: &[String], fact: &Fact) -> Result<Option<bool>, String> {
    let mut wanted = Vec::new();
    for value in policy {
        match value.to_ascii_lowercase().as_str() {
            "true" => wanted.push(true),
            "false" => wanted.push(false),
            _ => return Err(format!("`{value}` is neither true nor false")),
        }
    }
    Ok(match fact {
        Fact::Unknown => None,
        Fact::Absent => Some(wanted.contains(&true)),
        Fact::Values(_) => Some(wanted.contains(&false)),
    })
}

struct Line<'a> {
    comparison: Comparison,
    negated: bool,
    many: Many,
    if_exists: bool,
    policy: &'a [String],
}

fn compare(line: &Line, fact: &Fact, evaluation: &Evaluation) -> Result<Option<bool>, String> {
    let values = match fact {
        Fact::Unknown => return Ok(None),
        Fact::Absent => return Ok(Some(without_key(line))),
        Fact::Values(values) => values.as_ref(),
    };
    if line.many == Many::Single && values.len() > 1 {
        return Err("the key has several values and the operator is not for sets".into());
    }
    let mut answers = Vec::with_capacity(values.len());
    for value in values {
        answers.push(one_value(line, value, evaluation)?);
    }
    Ok(match line.many {
        Many::All => all(&answers),
        Many::Single | Many::Any => any(&answers),
    })
}

/// What a condition says of a request that does not have its key.
fn without_key(line: &Line) -> bool {
    match line.many {
        Many::All => true,
        Many::Any => line.if_exists,
        Many::Single => line.if_exists || line.negated,
    }
}

/// Tells whether one value of the request fits one value of the policy or, negated, none of them.
fn one_value(line: &Line, request: &str, evaluation: &Evaluation) -> Result<Option<bool>, String> {
    let mut answers = Vec::with_capacity(line.policy.len());
    for value in line.policy {
        let expanded = if line.comparison.has_variables() {
            expand(value, evaluation)
        } else {
            Expanded::Pattern(super::pattern::tokens(value))
        };
        answers.push(match expanded {
            Expanded::Pattern(pattern) => Some(line.comparison.holds(&pattern, request)?),
            Expanded::Nothing => Some(false),
            Expanded::Unknown(_) => None,
        });
    }
    Ok(any(&answers).map(|fits| fits != line.negated))
}

fn any(answers: &[Option<bool>]) -> Option<bool> {
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    if answers.contains(&None) { None } else { Some(false) }
}

fn all(answers: &[Option<bool>]) -> Option<bool> {
    any(&answers.iter().map(|answer| answer.map(|yes| !yes)).collect::<Vec<_>>()).map(|no| !no)
}
