//! `a OR b OR c OR d` as `(a OR b) OR (c OR d)`: a chain is read as deep as it is long, and the planner walks down
//! every level.

use datafusion::logical_expr::sqlparser::ast::{BinaryOperator, Expr, Value};

/// Chains as short as this stay as they are.
const SHORT: usize = 16;

/// Makes a chain of conditions, or of texts that are joined, as flat as can be.
pub(super) fn balance(expr: &mut Expr) {
    let Expr::BinaryOp { op, .. } = expr else { return };
    if !matches!(op, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::StringConcat) {
        return;
    }
    let op = op.clone();
    let mut parts = Vec::new();
    let mut rest = std::mem::replace(expr, Expr::Value(Value::Null.into()));
    // Step by step, not by recursion: the chain may be long.
    loop {
        match rest {
            Expr::BinaryOp { left, op: own, right } if own == op => {
                parts.push(*right);
                rest = *left;
            }
            first => {
                parts.push(first);
                break;
            }
        }
    }
    parts.reverse();
    *expr = if parts.len() <= SHORT { chained(parts, &op) } else { halved(parts, &op) };
}

fn joined(left: Expr, op: &BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
}

fn chained(parts: Vec<Expr>, op: &BinaryOperator) -> Expr {
    let whole = parts.into_iter().reduce(|left, right| joined(left, op, right));
    whole.unwrap_or(Expr::Value(Value::Null.into()))
}

fn halved(mut parts: Vec<Expr>, op: &BinaryOperator) -> Expr {
    if parts.len() <= SHORT {
        return Expr::Nested(Box::new(chained(parts, op)));
    }
    let right = parts.split_off(parts.len() / 2);
    joined(halved(parts, op), op, halved(right, op))
}
