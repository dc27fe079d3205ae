//! Writes the corpus of the benchmarks into a folder, or with `--small` a little of it:
//! `cargo run --release -p orgtrail-query --example corpus -- FOLDER [--small]`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "an example ends where something is not as it must be")]

#[path = "../benches/corpus/mod.rs"]
#[allow(dead_code, reason = "the example writes one size")]
mod corpus;

use std::path::PathBuf;

use corpus::Corpus;

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("name the folder to write into"));
    let size = if std::env::args().any(|argument| argument == "--small") { Corpus::SMALL } else { Corpus::DAY };
    let written = corpus::write(&folder, size).expect("the folder can be written");
    println!(
        "{} log files, {} events, {} MB raw, {} MB as stored",
        written.objects,
        written.events,
        written.raw_bytes / 1_000_000,
        written.stored_bytes / 1_000_000
    );
}
