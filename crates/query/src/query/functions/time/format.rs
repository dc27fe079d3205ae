//! Times in the formats of people: pieces, which both kinds of format are made of.

use std::fmt::Write;

use jiff::civil::{Date, DateTime, Time};

/// One piece of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A text as it is.
    Literal(String),
    /// A number.
    Number(Field, Pad),
    /// The name of a month or day, whole or its first three letters.
    MonthName { is_short: bool },
    /// The name of a day of the week.
    DayName { is_short: bool },
    /// `AM` or `PM`.
    HalfDay,
    /// The fraction of a second, with as many digits.
    Fraction(usize),
    /// The offset from UTC: `Z`, `+02:00`, `+0200`.
    Offset { has_colon: bool },
}

/// How many digits are written, and at most read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pad {
    /// The least that is written.
    pub least: usize,
    /// The most that is read.
    pub most: usize,
}

/// A number of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The year.
    Year,
    /// The last two digits of the year.
    YearOfCentury,
    /// The year that the week is of.
    WeekYear,
    /// The week of that year, from 1.
    Week,
    /// The month, from 1.
    Month,
    /// The day of the month.
    Day,
    /// The day of the year.
    DayOfYear,
    /// The day of the week, Monday 1.
    Weekday,
    /// The hour, 0 to 23.
    Hour,
    /// The hour of the half day, 1 to 12.
    Hour12,
    /// The minute.
    Minute,
    /// The second.
    Second,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn number(time: DateTime, field: Field) -> i64 {
    match field {
        Field::Year => time.year().into(),
        Field::YearOfCentury => (time.year() % 100).into(),
        Field::WeekYear => time.date().iso_week_date().year().into(),
        Field::Week => time.date().iso_week_date().week().into(),
        Field::Month => time.month().into(),
        Field::Day => time.day().into(),
        Field::DayOfYear => time.day_of_year().into(),
        Field::Weekday => time.weekday().to_monday_one_offset().into(),
        Field::Hour => time.hour().into(),
        Field::Hour12 => match time.hour() % 12 {
            0 => 12,
            hour => hour.into(),
        },
        Field::Minute => time.minute().into(),
        Field::Second => time.second().into(),
    }
}

fn name(names: &[&'static str], at: i8, is_short: bool) -> &'static str {
    let name = usize::try_from(at).ok().and_then(|at| names.get(at.checked_sub(1)?)).copied().unwrap_or_default();
    if is_short { name.get(..3).unwrap_or(name) } else { name }
}

/// Writes a time.
pub(super) fn write(time: DateTime, pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        // Writing into a text does not fail.
        _ = match piece {
            Piece::Literal(literal) => write!(text, "{literal}"),
            Piece::Number(field, pad) => write!(text, "{:0width$}", number(time, *field), width = pad.least),
            Piece::MonthName { is_short } => write!(text, "{}", name(&MONTHS, time.month(), *is_short)),
            Piece::DayName { is_short } => {
                write!(text, "{}", name(&DAYS, time.weekday().to_monday_one_offset(), *is_short))
            }
            Piece::HalfDay => write!(text, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
            Piece::Fraction(digits) => {
                let all = format!("{:09}", time.subsec_nanosecond());
                write!(text, "{}", all.get(..*digits).unwrap_or(&all))
            }
            Piece::Offset { .. } => write!(text, "Z"),
        };
    }
    text
}

/// What was read of a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    hour12: Option<i64>,
    is_afternoon: bool,
    minute: i64,
    second: i64,
    nanosecond: i64,
    offset_minutes: i64,
}

impl Parts {
    /// Reads a text. `None`: it is not of the format.
    pub(super) fn read(text: &str, pieces: &[Piece]) -> Option<Self> {
        let (mut parts, mut rest) = (Self::default(), text);
        for piece in pieces {
            rest = parts.read_piece(rest, piece)?;
        }
        rest.is_empty().then_some(parts)
    }

    fn read_piece<'a>(&mut self, text: &'a str, piece: &Piece) -> Option<&'a str> {
        match piece {
            Piece::Literal(literal) => text.strip_prefix(literal.as_str()),
            Piece::Number(field, pad) => {
                let (number, rest) = digits(text, pad.most)?;
                self.note(*field, number.parse().ok()?);
                Some(rest)
            }
            Piece::MonthName { is_short } => {
                let (at, rest) = named(text, &MONTHS, *is_short)?;
                self.month = Some(at);
                Some(rest)
            }
            Piece::DayName { is_short } => named(text, &DAYS, *is_short).map(|(_, rest)| rest),
            Piece::HalfDay => {
                let (half, rest) = text.split_at_checked(2)?;
                self.is_afternoon = half.eq_ignore_ascii_case("pm");
                (self.is_afternoon || half.eq_ignore_ascii_case("am")).then_some(rest)
            }
            Piece::Fraction(_) => {
                let (fraction, rest) = digits(text, 9)?;
                self.nanosecond = format!("{fraction:0<9}").parse().ok()?;
                Some(rest)
            }
            Piece::Offset { .. } => self.read_offset(text),
        }
    }

    fn read_offset<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if let Some(rest) = text.strip_prefix('Z') {
            return Some(rest);
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, rest) = digits(text.get(1..)?, 2)?;
        let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
        self.offset_minutes = sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?);
        Some(rest)
    }

    fn note(&mut self, field: Field, number: i64) {
        match field {
            Field::Year | Field::WeekYear => self.year = Some(number),
            // As MySQL and Joda have it: 70 and later are of the last century.
            Field::YearOfCentury => self.year = Some(number + if number < 70 { 2000 } else { 1900 }),
            Field::Month => self.month = Some(number),
            Field::Day => self.day = Some(number),
            Field::DayOfYear => self.day_of_year = Some(number),
            Field::Hour => self.hour = number,
            Field::Hour12 => self.hour12 = Some(number),
            Field::Minute => self.minute = number,
            Field::Second => self.second = number,
            Field::Week | Field::Weekday => {}
        }
    }

    /// Returns the microseconds since 1970. `None`: there is no such time.
    pub(super) fn micros(&self) -> Option<i64> {
        let small = |number: i64| i8::try_from(number).ok();
        let year = i16::try_from(self.year.unwrap_or(1970)).ok()?;
        let date = match self.day_of_year {
            Some(day) => {
                let day = i16::try_from(day).ok()?;
                Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok()?
            }
            None => Date::new(year, small(self.month.unwrap_or(1))?, small(self.day.unwrap_or(1))?).ok()?,
        };
        let hour = match self.hour12 {
            Some(hour) if (1..=12).contains(&hour) => hour % 12 + if self.is_afternoon { 12 } else { 0 },
            Some(_) => return None,
            None => self.hour,
        };
        let nanosecond = i32::try_from(self.nanosecond).ok()?;
        let time = Time::new(small(hour)?, small(self.minute)?, small(self.second)?, nanosecond).ok()?;
        let micros = super::micros(date.to_datetime(time)).ok()?;
        micros.checked_sub(self.offset_minutes.checked_mul(60_000_000)?)
    }
}

fn digits(text: &str, most: usize) -> Option<(&str, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    (count > 0).then(|| text.split_at(count))
}

fn named<'a>(text: &'a str, names: &[&str], is_short: bool) -> Option<(i64, &'a str)> {
    names.iter().zip(1..).find_map(|(name, at)| {
        let name = if is_short { name.get(..3)? } else { name };
        let (start, rest) = text.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some((at, rest))
    })
}
