//! The window of a question: the time, accounts and regions that its conditions leave open.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column as SqlColumn, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, Operator, TryCast};
use jiff::{SignedDuration, Timestamp};

use super::views::View;
use orgtrail_archive::archive::window::Window;

/// Returns the window that conditions leave open, all of which must hold. A condition that is not understood leaves
/// everything open, so that nothing is missed.
pub fn of_filters(view: &View, filters: &[Expr]) -> Window {
    filters.iter().fold(Window::default(), |window, filter| window.and(of_filter(view, filter)))
}

/// Tells whether a condition narrows the window.
pub fn narrows(view: &View, filter: &Expr) -> bool {
    of_filter(view, filter) != Window::default()
}

fn of_filter(view: &View, filter: &Expr) -> Window {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            of_filter(view, left).and(of_filter(view, right))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            of_filter(view, left).or(of_filter(view, right))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (column(left), literal(right)) {
            (Some(name), Some(value)) => compared(view, name, *op, value),
            _ => match (literal(left), column(right), op.swap()) {
                (Some(value), Some(name), Some(op)) => compared(view, name, op, value),
                _ => Window::default(),
            },
        },
        Expr::Between(Between { expr, negated: false, low, high }) => match (column(expr), literal(low), literal(high))
        {
            (Some(name), Some(low), Some(high)) => {
                compared(view, name, Operator::GtEq, low).and(compared(view, name, Operator::LtEq, high))
            }
            _ => Window::default(),
        },
        Expr::InList(InList { expr, list, negated: false }) => {
            let Some(name) = column(expr) else { return Window::default() };
            let all: Option<Vec<&ScalarValue>> = list.iter().map(literal).collect();
            all.map(|all| one_of(view, name, &all)).unwrap_or_default()
        }
        _ => Window::default(),
    }
}

/// Returns the window of a value that is one of several.
fn one_of(view: &View, name: &str, values: &[&ScalarValue]) -> Window {
    if Some(name) == view.account || Some(name) == view.region {
        let all: BTreeSet<String> =
            values.iter().filter_map(|value| value.try_as_str().flatten().map(str::to_owned)).collect();
        let only = Some(all).filter(|_| values.iter().all(|value| value.try_as_str().is_some()));
        let is_account = Some(name) == view.account;
        let (accounts, regions) = if is_account { (only, None) } else { (None, only) };
        return Window { accounts, regions, ..Window::default() };
    }
    values.iter().map(|value| compared(view, name, Operator::Eq, value)).reduce(Window::or).unwrap_or_default()
}

/// Returns the column of an expression that has its value, or is only a coarser form of it: its day, its second.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(SqlColumn { name, .. }) => Some(name),
        // Any other type has another order.
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            let kind = field.data_type();
            let keeps =
                matches!(kind, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64) || kind.is_string();
            // The first moment of a day stands for all of it.
            let is_day = matches!(kind, DataType::Timestamp(..)) && is_cast_to_day(expr);
            column(expr).filter(|_| keeps && !is_day)
        }
        Expr::Alias(alias) => column(&alias.expr),
        _ => None,
    }
}

fn is_cast_to_day(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            matches!(field.data_type(), DataType::Date32 | DataType::Date64) || is_cast_to_day(expr)
        }
        Expr::Alias(alias) => is_cast_to_day(&alias.expr),
        _ => false,
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

fn compared(view: &View, name: &str, op: Operator, value: &ScalarValue) -> Window {
    let mut window = Window::default();
    if name == view.time {
        let (from, to) = moments(view, value);
        match op {
            Operator::Eq => (window.from, window.to) = (from, to),
            Operator::Gt | Operator::GtEq => window.from = from,
            Operator::Lt | Operator::LtEq => window.to = to,
            _ => {}
        }
    } else if op == Operator::Eq && (Some(name) == view.account || Some(name) == view.region) {
        let only = value.try_as_str().flatten().map(|text| BTreeSet::from([text.to_owned()]));
        if Some(name) == view.account { window.accounts = only } else { window.regions = only }
    }
    window
}

/// What a coarser form of a time may lack.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Returns from when and until when a time may be that compares with a value as its like. `None`: at any time.
fn moments(view: &View, value: &ScalarValue) -> (Option<Timestamp>, Option<Timestamp>) {
    if let Some(text) = value.try_as_str().flatten().filter(|_| view.has_text_time()) {
        return of_compared_text(text);
    }
    let behind = |at: Option<Timestamp>, by| at.and_then(|at| at.checked_add(by).ok());
    match value {
        ScalarValue::Date32(Some(days)) => {
            let day = Timestamp::from_second(i64::from(*days) * 86_400).ok();
            (day, behind(day, DAY))
        }
        other => {
            let at = moment(other);
            (at.and_then(|at| at.checked_sub(SECOND).ok()), behind(at, SECOND))
        }
    }
}

/// Returns the moment of a value that a time is compared with. `None`: it is none.
fn moment(value: &ScalarValue) -> Option<Timestamp> {
    match value {
        ScalarValue::TimestampSecond(at, _) => Timestamp::from_second((*at)?).ok(),
        ScalarValue::TimestampMillisecond(at, _) => Timestamp::from_millisecond((*at)?).ok(),
        ScalarValue::TimestampMicrosecond(at, _) => Timestamp::from_microsecond((*at)?).ok(),
        ScalarValue::TimestampNanosecond(at, _) => Timestamp::from_nanosecond(i128::from((*at)?)).ok(),
        _ => None,
    }
}

/// How CloudTrail writes times, and every beginning of it that is a moment.
const WRITTEN: &[u8] = b"dddd-dd-ddTdd:dd:ddZ";

/// Returns from when and until when times are, as texts, not before and not behind a text. Texts of times as CloudTrail
/// writes them are ordered as times are; of one with another end only the day counts, and all of it; of any other
/// nothing.
fn of_compared_text(text: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let is_written = |text: &str| {
        text.bytes().zip(WRITTEN).all(|(own, form)| if *form == b'd' { own.is_ascii_digit() } else { own == *form })
    };
    let moment = |text: &str| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    };
    if [10, 16, 19, 20].contains(&text.len()) && is_written(text) {
        let at = moment(text.trim_end_matches('Z'));
        // CloudTrail writes no fractions of a second, but what has one is of the same second.
        return (at, at.and_then(|at| at.checked_add(SECOND).ok()));
    }
    let day = text.get(..10).filter(|day| is_written(day)).and_then(moment);
    (day, day.and_then(|day| day.checked_add(DAY).ok()))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::TimeUnit;
    use datafusion::logical_expr::{cast, col, lit};

    use super::*;

    #[test]
    fn the_day_of_a_time_beside_a_time_leaves_everything_open() {
        let view = View::named("cloudtrail_lake").unwrap();
        let moment = ScalarValue::TimestampMicrosecond(Some(1_789_344_000_000_000), None);
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        let day = cast(col("eventtime"), DataType::Date32);
        let of = |filter: Expr| of_filters(view, &[filter]);
        assert_eq!(of(cast(day.clone(), time.clone()).eq(lit(moment.clone()))), Window::default());
        assert_ne!(of(cast(col("eventtime"), time).eq(lit(moment))), Window::default());
        let window = of(day.eq(lit(ScalarValue::Date32(Some(20_710)))));
        let hours = window.to.unwrap().duration_since(window.from.unwrap()).as_hours();
        assert_eq!(hours, 24);
    }
}
