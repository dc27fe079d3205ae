//! The condition operators: their names, and how one value is compared with another.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators".

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::pattern::{COLONS, Token, arn_matches, literal, matches, whichever_colons};

/// How many of a key's values must satisfy the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    /// No prefix: the key has one value.
    Single,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

/// How one value of the request is compared with one value of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `StringEquals` and `BinaryEquals`
    Equal,
    /// `StringEqualsIgnoreCase`
    EqualWithoutCase,
    /// `StringLike`
    Like,
    /// `ArnEquals` and `ArnLike`, which mean the same
    Arn,
    /// `Numeric…`
    Number(Order),
    /// `Date…`
    Date(Order),
    /// `Bool`
    Bool,
    /// `IpAddress`
    Ip,
}

/// Which outcomes of a comparison by size count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator as it stands in a policy, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `Null`: whether the key is there at all.
    Null,
    /// Every other one.
    Compare { comparison: Comparison, negated: bool, many: Many, if_exists: bool },
}

impl Operator {
    /// Reads an operator's name; an unknown one is nothing.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (many, rest) = match name.split_once(':') {
            Some(("ForAnyValue", rest)) => (Many::Any, rest),
            Some(("ForAllValues", rest)) => (Many::All, rest),
            Some(_) => return None,
            None => (Many::Single, name),
        };
        if rest == "Null" {
            return (many == Many::Single).then_some(Self::Null);
        }
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (comparison, negated) = comparison_of(base)?;
        Some(Self::Compare { comparison, negated, many, if_exists })
    }
}

fn comparison_of(base: &str) -> Option<(Comparison, bool)> {
    use Comparison::{Arn, Bool, Date, Equal, EqualWithoutCase, Ip, Like, Number};
    Some(match base {
        "StringEquals" | "BinaryEquals" => (Equal, false),
        "StringNotEquals" => (Equal, true),
        "StringEqualsIgnoreCase" => (EqualWithoutCase, false),
        "StringNotEqualsIgnoreCase" => (EqualWithoutCase, true),
        "StringLike" => (Like, false),
        "StringNotLike" => (Like, true),
        "ArnEquals" | "ArnLike" => (Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Arn, true),
        "NumericEquals" => (Number(Order::Equal), false),
        "NumericNotEquals" => (Number(Order::Equal), true),
        "NumericLessThan" => (Number(Order::Less), false),
        "NumericLessThanEquals" => (Number(Order::LessOrEqual), false),
        "NumericGreaterThan" => (Number(Order::Greater), false),
        "NumericGreaterThanEquals" => (Number(Order::GreaterOrEqual), false),
        "DateEquals" => (Date(Order::Equal), false),
        "DateNotEquals" => (Date(Order::Equal), true),
        "DateLessThan" => (Date(Order::Less), false),
        "DateLessThanEquals" => (Date(Order::LessOrEqual), false),
        "DateGreaterThan" => (Date(Order::Greater), false),
        "DateGreaterThanEquals" => (Date(Order::GreaterOrEqual), false),
        "Bool" => (Bool, false),
        "IpAddress" => (Ip, false),
        "NotIpAddress" => (Ip, true),
        _ => return None,
    })
}

impl Comparison {
    /// Tells whether policy variables may stand in the policy's value.
    pub(super) fn has_variables(self) -> bool {
        use Comparison::{Arn, Equal, EqualWithoutCase, Like};
        matches!(self, Equal | EqualWithoutCase | Like | Arn)
    }

    /// Compares a value of the request with a value of the policy.
    ///
    /// # Errors
    /// The reason why the policy's value cannot be compared this way: AWS refuses such a policy, or does not say how.
    pub(super) fn holds(self, policy: &[Token], request: &str) -> Result<bool, String> {
        let text = || literal(policy);
        match self {
            Comparison::Equal => Ok(text() == request),
            Comparison::EqualWithoutCase => Ok(text().to_lowercase() == request.to_lowercase()),
            Comparison::Like => Ok(matches(policy, request)),
            Comparison::Arn => {
                let fits = |policy: &[Token]| request.starts_with("arn:") && arn_matches(policy, request);
                whichever_colons(policy, fits).ok_or_else(|| COLONS.to_owned())
            }
            Comparison::Bool => bools(&text(), request),
            Comparison::Ip => addresses(&text(), request),
            Comparison::Number(order) => ordered(order, number(&text()), number(request), &text(), "a number"),
            Comparison::Date(order) => ordered(order, date(&text()), date(request), &text(), "a date"),
        }
    }
}

fn bools(policy: &str, request: &str) -> Result<bool, String> {
    if !["true", "false"].iter().any(|word| policy.eq_ignore_ascii_case(word)) {
        return Err(format!("`{policy}` is neither true nor false"));
    }
    Ok(policy.eq_ignore_ascii_case(request))
}

fn ordered<T: PartialOrd>(
    order: Order,
    policy: Option<T>,
    request: Option<T>,
    text: &str,
    what: &str,
) -> Result<bool, String> {
    let policy = policy.ok_or_else(|| format!("`{text}` is not {what}"))?;
    let found = request.and_then(|request| request.partial_cmp(&policy));
    Ok(match order {
        Order::Equal => found == Some(Ordering::Equal),
        Order::Less => found == Some(Ordering::Less),
        Order::LessOrEqual => matches!(found, Some(Ordering::Less | Ordering::Equal)),
        Order::Greater => found == Some(Ordering::Greater),
        Order::GreaterOrEqual => matches!(found, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads a W3C date-time, a plain date or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let day = || text.trim_end_matches('Z').parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| day().map(|day| day.timestamp()))
}

fn addresses(policy: &str, request: &str) -> Result<bool, String> {
    let (network, length) = network(policy).ok_or_else(|| format!("`{policy}` is not an address or a CIDR range"))?;
    Ok(match (network, request.parse()) {
        (IpAddr::V4(own), Ok(IpAddr::V4(other))) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= length,
        (IpAddr::V6(own), Ok(IpAddr::V6(other))) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= length,
        _ => false,
    })
}

/// Reads `address` or `address/length`.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(longest), |length| length.parse().ok())?;
    (length <= longest).then_some((address, length))
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tokens;
    use super::*;

    fn holds(operator: &str, policy: &str, request: &str) -> Result<bool, String> {
        let (comparison, negated) = comparison_of(operator).unwrap();
        comparison.holds(&tokens(policy), request).map(|yes| yes != negated)
    }

    #[test]
    fn values_are_compared_by_their_kind() {
        let cases = [
            ("StringEquals", "a*", "a*", true),
            ("StringEquals", "a*", "ab", false),
            ("StringEquals", "a", "A", false),
            ("StringEqualsIgnoreCase", "a", "A", true),
            ("StringNotEqualsIgnoreCase", "a", "A", false),
            ("StringLike", "a*", "ab", true),
            ("StringNotLike", "a*", "ab", false),
            ("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x", true),
            ("ArnLike", "*", "not an ARN", false),
            ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::2:role/x", true),
            ("NumericEquals", "10", "10.0", true),
            ("NumericLessThan", "10", "9", true),
            ("NumericLessThanEquals", "10", "11", false),
            ("NumericGreaterThan", "10", "x", false),
            ("NumericGreaterThanEquals", "10", "10", true),
            ("NumericNotEquals", "10", "11", true),
            ("DateLessThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", true),
            ("DateGreaterThan", "2020-01-01", "1577836801", true),
            ("DateNotEquals", "2020-01-01", "2020-01-02", true),
            ("DateNotEquals", "2020-01-01", "2020-01-01T00:00:00Z", false),
            ("DateLessThanEquals", "2020-01-01", "2020-01-01T00:00:00Z", true),
            ("DateLessThanEquals", "2020-01-01", "2020-01-01T00:00:01Z", false),
            ("DateEquals", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", true),
            ("DateGreaterThanEquals", "2020-01-02Z", "2020-01-01T23:59:59Z", false),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("IpAddress", "203.0.113.0/24", "203.0.113.77", true),
            ("IpAddress", "203.0.113.0/24", "203.0.114.1", false),
            ("IpAddress", "0.0.0.0/0", "8.8.8.8", true),
            ("IpAddress", "2001:DB8::/32", "2001:db8::1", true),
            ("IpAddress", "203.0.113.7", "203.0.113.7", true),
            ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", true),
            ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", true),
        ];
        for (operator, policy, request, expected) in cases {
            assert_eq!(holds(operator, policy, request), Ok(expected), "{operator} {policy} {request}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_a_fault_of_the_policy() {
        for (operator, policy) in
            [("Bool", "yes"), ("NumericEquals", "ten"), ("DateEquals", "soon"), ("IpAddress", "x/9")]
        {
            assert!(holds(operator, policy, "1").is_err(), "{operator} {policy}");
        }
    }

    #[test]
    fn unknown_operators_are_not_read() {
        for name in ["StringMatches", "ForSomeValue:StringEquals", "NullIfExists", "stringequals", "ForAnyValue:Null"] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
