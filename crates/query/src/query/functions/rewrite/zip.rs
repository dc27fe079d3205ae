//! `zip_with(a, b, (x, y) -> x + y)`: the lists are zipped, and each pair is taken apart.

use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    Expr, Ident, LambdaFunction, LambdaFunctionParameter, OneOrManyWithParens, visit_expressions_mut,
};

use super::{field, function};

/// What the pair is called; a question that calls something else so is not rewritten.
const PAIR: &str = "zipped_pair";

/// Returns a call of `zip_with` by others. `None`: the lambda does not take two parameters, or has another one within
/// that is called as one of them.
pub(super) fn with(one: &Expr, other: &Expr, lambda: &LambdaFunction) -> Option<Expr> {
    let names: Vec<String> = lambda.params.iter().map(|parameter| parameter.name.value.to_lowercase()).collect();
    if names.len() != 2 || names[0] == names[1] {
        return None;
    }
    let mut body = lambda.body.clone();
    let clear = visit_expressions_mut(&mut body, |part| match part {
        Expr::Lambda(inner) if inner.params.iter().any(|own| names.contains(&own.name.value.to_lowercase())) => {
            ControlFlow::Break(())
        }
        Expr::Identifier(name) if name.value == PAIR => ControlFlow::Break(()),
        Expr::Identifier(name) => {
            if let Some(at) = names.iter().position(|own| *own == name.value.to_lowercase()) {
                let root = Box::new(Expr::Identifier(Ident::new(PAIR)));
                // The fields of what `arrays_zip` makes are called 1 and 2.
                *part = Expr::CompoundFieldAccess { root, access_chain: vec![field(&(at + 1).to_string())] };
            }
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Continue(()),
    });
    if clear.is_break() {
        return None;
    }
    let mut each = lambda.clone();
    let pair = LambdaFunctionParameter { name: Ident::new(PAIR), data_type: None };
    (each.params, each.body) = (OneOrManyWithParens::One(pair), body);
    Some(function(
        "array_transform",
        vec![function("arrays_zip", vec![one.clone(), other.clone()]), Expr::Lambda(each)],
    ))
}
