//! The JSON patterns of metric filters, as far as they can be read: `{ ($.eventName = A) || ($.errorCode = "B*") }`.
//!
//! Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters".

/// A pattern, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression<'a> {
    /// All of them hold.
    All(Vec<Expression<'a>>),
    /// One of them holds.
    Any(Vec<Expression<'a>>),
    /// What is asked of a field.
    Test(&'a str, Condition),
}

/// What is asked of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It has such a value.
    Is(Value),
    /// It has another value.
    IsNot(Value),
    /// It is not there.
    NotExists,
    /// It is `null`.
    Null,
    /// It is `true`, or `false`.
    Flag(bool),
    /// It is a number that compares so.
    Compare(Comparison, String),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// Parentheses in each other: a pattern of AWS has at most 1,024 characters, one of others may have any number.
const DEPTH_MAX: usize = 64;

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A text, in which `*` stands for any.
    Text(String),
    /// A regular expression.
    Regular(String),
}

/// Reads a pattern; nothing for one that is not of this form.
pub(super) fn parse(pattern: &str) -> Option<Expression<'_>> {
    let inner = pattern.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut reader = Reader { rest: inner, depth: 0 };
    let expression = reader.any()?;
    reader.rest.trim_start().is_empty().then_some(expression)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// `&&` binds before `||`.
    fn any(&mut self) -> Option<Expression<'a>> {
        let mut some = vec![self.all()?];
        while self.eats("||") {
            some.push(self.all()?);
        }
        Some(Expression::Any(some))
    }

    fn all(&mut self) -> Option<Expression<'a>> {
        let mut some = vec![self.one()?];
        while self.eats("&&") {
            some.push(self.one()?);
        }
        Some(Expression::All(some))
    }

    fn one(&mut self) -> Option<Expression<'a>> {
        if self.eats("(") {
            self.depth += 1;
            let inner = if self.depth <= DEPTH_MAX { self.any()? } else { return None };
            self.depth -= 1;
            return self.eats(")").then_some(inner);
        }
        let field = self.field()?;
        Some(Expression::Test(field, self.condition()?))
    }

    /// `$.userIdentity.type`, without its beginning.
    fn field(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start().strip_prefix("$.")?;
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>' | '(' | ')'))?;
        let (field, rest) = rest.split_at(end);
        self.rest = rest;
        (!field.is_empty()).then_some(field)
    }

    fn condition(&mut self) -> Option<Condition> {
        if self.eats("!=") {
            return Some(Condition::IsNot(self.value()?));
        }
        let comparisons =
            [("<=", Comparison::AtMost), (">=", Comparison::AtLeast), ("<", Comparison::Less), (">", Comparison::More)];
        if let Some((_, comparison)) = comparisons.into_iter().find(|(operator, _)| self.eats(operator)) {
            return match self.value()? {
                Value::Text(number) => Some(Condition::Compare(comparison, number)),
                Value::Regular(_) => None,
            };
        }
        if self.eats("=") {
            return Some(Condition::Is(self.value()?));
        }
        match (self.word()?, self.word()?) {
            ("NOT", "EXISTS") => Some(Condition::NotExists),
            ("IS", "NULL") => Some(Condition::Null),
            ("IS", "TRUE") => Some(Condition::Flag(true)),
            ("IS", "FALSE") => Some(Condition::Flag(false)),
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Value> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, rest) = quoted.split_once('"')?;
            self.rest = rest;
            return Some(Value::Text(text.to_owned()));
        }
        if let Some(regular) = rest.strip_prefix('%') {
            let (text, rest) = regular.split_once('%')?;
            self.rest = rest;
            return Some(Value::Regular(text.to_owned()));
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '|' | '&')).unwrap_or(rest.len());
        let (text, rest) = rest.split_at(end);
        self.rest = rest;
        (!text.is_empty()).then(|| Value::Text(text.to_owned()))
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn eats(&mut self, token: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(field: &str, value: &str) -> Expression<'static> {
        Expression::Test(String::leak(field.to_owned()), Condition::Is(Value::Text(value.to_owned())))
    }

    #[test]
    fn and_binds_before_or_and_parentheses_before_both() {
        let all = |some: Vec<Expression<'static>>| Expression::All(some);
        let any = |some: Vec<Expression<'static>>| Expression::Any(some);
        let (a, b, c) = (is("a", "1"), is("b", "2"), is("c", "3"));
        let flat = any(vec![all(vec![a.clone()]), all(vec![b.clone(), c.clone()])]);
        assert_eq!(parse("{ $.a = 1 || $.b=2 && $.c = \"3\" }"), Some(flat));
        let grouped = any(vec![all(vec![any(vec![all(vec![a]), all(vec![b])]), c])]);
        assert_eq!(parse("{($.a=1||$.b=2)&&($.c=3)}").map(unwrapped), Some(unwrapped(grouped)));
    }

    /// Parentheses around a single test make no difference.
    fn unwrapped(expression: Expression<'_>) -> Expression<'_> {
        match expression {
            Expression::All(mut some) | Expression::Any(mut some) if some.len() == 1 => unwrapped(some.remove(0)),
            Expression::All(some) => Expression::All(some.into_iter().map(unwrapped).collect()),
            Expression::Any(some) => Expression::Any(some.into_iter().map(unwrapped).collect()),
            test => test,
        }
    }

    #[test]
    fn conditions_of_every_kind_are_read() {
        let condition = |text: &str| match parse(&format!("{{ $.a.b[0] {text} }}")).map(unwrapped) {
            Some(Expression::Test("a.b[0]", condition)) => Some(condition),
            _ => None,
        };
        assert_eq!(condition("NOT EXISTS"), Some(Condition::NotExists));
        assert_eq!(condition("IS TRUE"), Some(Condition::Flag(true)));
        assert_eq!(condition("IS FALSE"), Some(Condition::Flag(false)));
        assert_eq!(condition("IS NULL"), Some(Condition::Null));
        assert_eq!(condition(">= 5"), Some(Condition::Compare(Comparison::AtLeast, "5".into())));
        assert_eq!(condition("!= x*"), Some(Condition::IsNot(Value::Text("x*".into()))));
        assert_eq!(condition("= %a|(b c)%"), Some(Condition::Is(Value::Regular("a|(b c)".into()))));
        assert_eq!(condition("= \"a ) || b\""), Some(Condition::Is(Value::Text("a ) || b".into()))));
        for odd in ["", "=", "= \"", "EXISTS", "NOT", "= 1 )", "= 1 ||", "= 1 $.c = 2", "IS ODD", "< %a%"] {
            assert_eq!(condition(odd), None, "{odd}");
        }
    }

    #[test]
    fn parentheses_without_end_are_no_pattern() {
        let nested = |depth: usize| format!("{{{}$.a = 1{}}}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(DEPTH_MAX)).is_some());
        assert_eq!(parse(&nested(1_000_000)), None);
    }
}
