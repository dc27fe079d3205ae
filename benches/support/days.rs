//! The day of a corpus, written again for many days.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::civil::Date;

/// What an event's id begins behind.
const ID: &str = "\"eventID\":\"";

/// Writes the log files of one day (2026-11-20, as the corpus has it) for so many days from the first on, each with
/// event ids of its own.
pub fn write(day: &Path, logs: &Path, first: &str, days: usize) {
    let first: Date = first.parse().unwrap();
    let mut open = vec![day.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let mut body = String::new();
        GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut body).unwrap();
        let key = path.strip_prefix(day).unwrap().to_str().unwrap();
        let mut date = first;
        for number in 0..days {
            let file = logs.join(key_of(key, date));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(body_of(&body, date, number).as_bytes()).unwrap();
            std::fs::write(file, gzip.finish().unwrap()).unwrap();
            date = date.tomorrow().unwrap();
        }
    }
}

/// A file that is delivered the next day stays one.
fn key_of(key: &str, date: Date) -> String {
    let next = date.tomorrow().unwrap();
    let written = |form: &str| (date.strftime(form).to_string(), next.strftime(form).to_string());
    let (slashes, plain) = (written("%Y/%m/%d"), written("%Y%m%d"));
    let key = key.replace("2026/11/20", &slashes.0).replace("2026/11/21", &slashes.1);
    key.replace("20261120", &plain.0).replace("20261121", &plain.1)
}

/// The ids of another day begin with its number.
fn body_of(body: &str, date: Date, number: usize) -> String {
    let dated = body.replace("2026-11-20", &date.strftime("%Y-%m-%d").to_string());
    let mut parts = dated.split(ID);
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        written.push_str(ID);
        written.push_str(&format!("{number:03x}"));
        written.push_str(&part[3..]);
    }
    written
}
