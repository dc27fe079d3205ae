//! Times: read, written and reckoned with as Trino does.

mod format;
mod joda;
mod mysql;

use std::sync::Arc;

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Date32Builder};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::functions::datetime::to_local_time::adjust_to_local_time;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit};

use self::format::{Parts, Piece};
use super::function::{Args, Function, Kind, Memo, Returns, refused, shown};
use crate::columns::column::UTC;

const TEXT: Returns = Returns::Type(|| DataType::Utf8View);
const INTEGER: Returns = Returns::Type(|| DataType::Int64);
const DOUBLE: Returns = Returns::Type(|| DataType::Float64);
const PLAIN: Returns = Returns::Type(|| DataType::Timestamp(TimeUnit::Microsecond, None));
const INSTANT: Returns = Returns::Type(|| DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())));
const DATE: Returns = Returns::Type(|| DataType::Date32);

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, DateOrTime, Double, Integer, Text, Time, Written};
    vec![
        Function::new("from_iso8601_timestamp", &[Text], 1, INSTANT, from_iso8601_timestamp),
        Function::new("from_iso8601_timestamp_nanos", &[Text], 1, INSTANT, from_iso8601_timestamp),
        Function::new("from_iso8601_date", &[Text], 1, DATE, from_iso8601_date),
        Function::new("to_iso8601", &[DateOrTime], 1, TEXT, to_iso8601),
        Function::new("time_text", &[Time], 1, TEXT, time_text),
        Function::new("from_unixtime", &[Double, Any, Integer], 1, INSTANT, from_unixtime),
        Function::new("to_unixtime", &[Time], 1, DOUBLE, to_unixtime),
        Function::new("date_parse", &[Text, Text], 2, PLAIN, date_parse),
        Function::new("date_format", &[Time, Text], 2, TEXT, date_format),
        Function::new("parse_datetime", &[Text, Text], 2, INSTANT, parse_datetime),
        Function::new("format_datetime", &[Time, Text], 2, TEXT, format_datetime),
        Function::new("date_diff", &[Text, Time, Time], 3, INTEGER, date_diff),
        Function::new(
            "date_add",
            &[Text, Integer, DateOrTime],
            3,
            Returns::Of(|fields, _| same_time(fields, 2)),
            date_add,
        ),
        Function::new("day_of_week", &[Time], 1, INTEGER, day_of_week),
        Function::new("year_of_week", &[Time], 1, INTEGER, year_of_week),
        Function::new("at_timezone", &[Time, Written], 2, Returns::Of(in_zone), at_timezone),
        Function::new("last_day_of_month", &[Time], 1, DATE, last_day_of_month),
    ]
}

fn same_time(fields: &[FieldRef], at: usize) -> Result<FieldRef> {
    let kind = fields.get(at).map_or(DataType::Null, |field| field.data_type().clone());
    Ok(Arc::new(Field::new("time", kind, true)))
}

/// Returns the microseconds since 1970 of a time on the clock.
fn micros(time: DateTime) -> Result<i64> {
    match TimeZone::UTC.to_timestamp(time) {
        Ok(moment) => Ok(moment.as_microsecond()),
        Err(_) => exec_err!("the time {time} is out of range"),
    }
}

fn civil(micros: i64) -> Result<DateTime> {
    match Timestamp::from_microsecond(micros) {
        Ok(moment) => Ok(TimeZone::UTC.to_datetime(moment)),
        Err(_) => exec_err!("a time is out of range"),
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, UTC | "+00:00" | "+00" | "Z")
}

/// Returns the clock of an argument's own time zone, by row.
fn clock<'a>(args: &'a Args<'_>, at: usize) -> Result<impl Fn(usize) -> Result<DateTime> + 'a> {
    let zone = match args.array(at)?.data_type() {
        DataType::Timestamp(_, Some(zone)) if !is_utc(zone) => Some(zone.parse::<Tz>()?),
        _ => None,
    };
    let times = args.micros(at)?;
    Ok(move |row: usize| {
        civil(match zone {
            Some(zone) => adjust_to_local_time::<TimestampMicrosecondType>(times(row), zone)?,
            None => times(row),
        })
    })
}

/// A time without an offset is one in UTC.
fn from_iso8601_timestamp(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_times(|row| {
        let text = texts.value(row);
        let moment = text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
        let plain = || text.parse::<DateTime>().ok().filter(|_| text.len() >= "YYYY-MM-DD".len()).map(micros);
        match moment.map(Ok).or_else(plain) {
            Some(micros) => micros.map(Some),
            None => exec_err!("this is no time in ISO 8601: {}", shown(text)),
        }
    })
}

fn to_dates(args: &Args<'_>, of: impl FnMut(usize) -> Result<Option<Date>>) -> Result<ArrayRef> {
    let mut builder = Date32Builder::with_capacity(args.rows);
    for date in args.each(of) {
        let days = date?.map(|date| (date - Date::constant(1970, 1, 1)).get_days());
        builder.append_option(days);
    }
    Ok(Arc::new(builder.finish()))
}

fn from_iso8601_date(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    to_dates(args, |row| match texts.value(row).parse::<Date>() {
        Ok(date) => Ok(Some(date)),
        Err(_) => exec_err!("this is no date in ISO 8601: {}", shown(texts.value(row))),
    })
}

fn to_iso8601(args: &Args<'_>) -> Result<ArrayRef> {
    let given = args.array(0)?;
    if let Some(days) = given.as_primitive_opt::<Date32Type>() {
        return args.to_texts(|row| {
            let micros = i64::from(days.value(row)).saturating_mul(86_400_000_000);
            Ok(Some(civil(micros)?.date().to_string().into()))
        });
    }
    let is_instant = matches!(given.data_type(), DataType::Timestamp(_, Some(_)));
    let (times, clock) = (args.micros(0)?, clock(args, 0)?);
    args.to_texts(|row| {
        let clock = clock(row)?;
        let text = clock.strftime("%Y-%m-%dT%H:%M:%S%.3f");
        let offset = (micros(clock)? - times(row)) / 60_000_000;
        let zone = match (is_instant, offset) {
            (false, _) => String::new(),
            (true, 0) => "Z".to_owned(),
            (true, minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        };
        Ok(Some(format!("{text}{zone}").into()))
    })
}

/// Writes a time as Trino's `CAST` does, of an instant with its time zone: `2026-09-14 05:00:00.000 UTC`. There are
/// three digits behind the seconds, and six where there are microseconds.
fn time_text(args: &Args<'_>) -> Result<ArrayRef> {
    let zone = match args.array(0)?.data_type() {
        DataType::Timestamp(_, Some(zone)) if is_utc(zone) => format!(" {UTC}"),
        DataType::Timestamp(_, Some(zone)) => format!(" {zone}"),
        _ => String::new(),
    };
    let clock = clock(args, 0)?;
    args.to_texts(|row| {
        let clock = clock(row)?;
        let is_finer = clock.subsec_nanosecond() % 1_000_000 != 0;
        let text = clock.strftime(if is_finer { "%Y-%m-%d %H:%M:%S%.6f" } else { "%Y-%m-%d %H:%M:%S%.3f" });
        Ok(Some(format!("{text}{zone}").into()))
    })
}

fn from_unixtime(args: &Args<'_>) -> Result<ArrayRef> {
    let seconds = args.doubles(0)?;
    args.to_times(|row| {
        let micros = seconds(row) * 1e6;
        if micros.abs() > 2e17 || micros.is_nan() {
            return exec_err!("{} seconds are out of range", seconds(row));
        }
        // The range was looked at.
        #[expect(clippy::cast_possible_truncation)]
        Ok(Some(micros.round() as i64))
    })
}

fn to_unixtime(args: &Args<'_>) -> Result<ArrayRef> {
    let times = args.micros(0)?;
    // Microseconds since 1970 are whole in a double until the year 2255.
    #[expect(clippy::cast_precision_loss)]
    args.to_doubles(|row| Ok(Some(times(row) as f64 / 1e6)))
}

fn parsed(args: &Args<'_>, read: fn(&str) -> Result<Vec<Piece>>) -> Result<ArrayRef> {
    let (texts, formats) = (args.texts(0)?, args.texts(1)?);
    let mut memo = Memo::new();
    args.to_times(|row| {
        let pieces = memo.of(formats.value(row), read)?;
        let text = texts.value(row);
        let parts = Parts::read(text, pieces);
        match parts.and_then(|parts| parts.micros()) {
            Some(micros) => Ok(Some(micros)),
            None => exec_err!("{} is no time of the format {}", shown(text), shown(formats.value(row))),
        }
    })
}

fn formatted(args: &Args<'_>, read: fn(&str) -> Result<Vec<Piece>>) -> Result<ArrayRef> {
    let (clock, formats) = (clock(args, 0)?, args.texts(1)?);
    let mut memo = Memo::new();
    args.to_texts(|row| {
        let pieces = memo.of(formats.value(row), read)?;
        Ok(Some(format::write(clock(row)?, pieces).into()))
    })
}

fn date_parse(args: &Args<'_>) -> Result<ArrayRef> {
    parsed(args, mysql::pieces)
}

fn date_format(args: &Args<'_>) -> Result<ArrayRef> {
    formatted(args, mysql::pieces)
}

fn parse_datetime(args: &Args<'_>) -> Result<ArrayRef> {
    parsed(args, joda::pieces)
}

fn format_datetime(args: &Args<'_>) -> Result<ArrayRef> {
    formatted(args, joda::pieces)
}

/// Counts whole units from one time to another; what is not whole does not count.
fn date_diff(args: &Args<'_>) -> Result<ArrayRef> {
    let (units, from, to) = (args.texts(0)?, clock(args, 1)?, clock(args, 2)?);
    args.to_integers(|row| {
        let (from, to) = (from(row)?, to(row)?);
        let months = || match from.until((Unit::Month, to)) {
            Ok(span) => Ok(i64::from(span.get_months())),
            Err(_) => exec_err!("a time is out of range"),
        };
        let elapsed = micros(to)?.saturating_sub(micros(from)?);
        Ok(Some(match units.value(row).to_lowercase().as_str() {
            "microsecond" => elapsed,
            "millisecond" => elapsed / 1_000,
            "second" => elapsed / 1_000_000,
            "minute" => elapsed / 60_000_000,
            "hour" => elapsed / 3_600_000_000,
            "day" => elapsed / 86_400_000_000,
            "week" => elapsed / 604_800_000_000,
            "month" => months()?,
            "quarter" => months()? / 3,
            "year" => months()? / 12,
            _ => return Err(unknown_unit(units.value(row))),
        }))
    })
}

fn unknown_unit(unit: &str) -> datafusion::common::DataFusionError {
    let known = "millisecond, second, minute, hour, day, week, month, quarter, year";
    refused(format!("there is no unit {}; there are {known}", shown(unit)))
}

fn span(unit: &str, count: i64) -> Result<Span> {
    let times = |factor: i64| count.saturating_mul(factor);
    let none = Span::new();
    let span = match unit.to_lowercase().as_str() {
        "millisecond" => none.try_milliseconds(count),
        "second" => none.try_seconds(count),
        "minute" => none.try_minutes(count),
        "hour" => none.try_hours(count),
        "day" => none.try_days(count),
        "week" => none.try_weeks(count),
        "month" => none.try_months(count),
        "quarter" => none.try_months(times(3)),
        "year" => none.try_years(count),
        _ => return Err(unknown_unit(unit)),
    };
    span.map_err(|_| refused(format!("{count} of {unit} is out of range")))
}

fn date_add(args: &Args<'_>) -> Result<ArrayRef> {
    let (units, counts) = (args.texts(0)?, args.integers(1)?);
    let later = |time: DateTime, row: usize| match time.checked_add(span(units.value(row), counts(row))?) {
        Ok(later) => Ok(later),
        Err(_) => exec_err!("a time is out of range"),
    };
    if let Some(days) = args.array(2)?.as_primitive_opt::<Date32Type>() {
        return to_dates(args, |row| {
            let midnight = civil(i64::from(days.value(row)).saturating_mul(86_400_000_000))?;
            Ok(Some(later(midnight, row)?.date()))
        });
    }
    let times = args.micros(2)?;
    args.to_times(|row| Ok(Some(micros(later(civil(times(row))?, row)?)?)))
}

fn day_of_week(args: &Args<'_>) -> Result<ArrayRef> {
    let clock = clock(args, 0)?;
    args.to_integers(|row| Ok(Some(i64::from(clock(row)?.weekday().to_monday_one_offset()))))
}

fn year_of_week(args: &Args<'_>) -> Result<ArrayRef> {
    let clock = clock(args, 0)?;
    args.to_integers(|row| Ok(Some(i64::from(clock(row)?.date().iso_week_date().year()))))
}

fn last_day_of_month(args: &Args<'_>) -> Result<ArrayRef> {
    let clock = clock(args, 0)?;
    to_dates(args, |row| Ok(Some(clock(row)?.date().last_of_month())))
}

fn in_zone(_: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    let zone = constants.get(1).copied().flatten().and_then(|zone| zone.try_as_str().flatten());
    let Some(zone) = zone else { return exec_err!("the time zone of at_timezone must be written out") };
    zone.parse::<Tz>()?;
    Ok(Arc::new(Field::new("time", DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())), true)))
}

/// The moment stays the same; its clock is another.
fn at_timezone(args: &Args<'_>) -> Result<ArrayRef> {
    let times = args.micros(0)?;
    args.to_times(|row| Ok(Some(times(row))))
}
