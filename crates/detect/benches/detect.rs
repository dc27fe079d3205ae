//! How many events the engine takes on one core with 150 rules, beside letting every rule look at every event in the
//! same run; and how many findings a day of made-up ordinary events has.
//!
//! `cargo bench -p orgtrail-detect --bench detect`; without `--bench` (as `cargo test --benches` runs it) everything is
//! small: that only shows that it works. The events are those of the benchmarks of the lake, which are made like
//! recorded ones, and a hundredth of records of attacks that were carried out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../../query/benches/corpus/event.rs"]
mod event;
#[path = "../../query/benches/corpus/random.rs"]
mod random;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use event::Caller;
use orgtrail_detect::detect::{DetectionFinding, Engine, EngineSettings, Level, RuleSet, pack};
use orgtrail_detect::event::Record;
use random::Random;

/// Events a second that are asked for.
const GOAL: f64 = 30_000.0;
const RULES: usize = 150;
/// How often a time is taken.
const TIMES: usize = 3;
/// Five minutes of a day.
const PARTS: usize = 288;

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let rules = rules();
    let ordinary = ordinary(if is_whole { 350 } else { 2 });
    let all = with_attacks(&ordinary);
    let bytes: usize = all.iter().map(String::len).sum();
    println!("{} events, {} bytes each, {} rules", all.len(), bytes / all.len(), rules.rules().len());
    let speed = median(|| time(&rules, &all, Engine::feed));
    println!("with the index        {speed:>9.0} events/s (goal {GOAL:.0})");
    let every = if is_whole { &all[..all.len() / 10] } else { &all[..] };
    let baseline = median(|| time(&rules, every, Engine::feed_to_every_rule));
    println!("every rule, each event {baseline:>8.0} events/s: the index is {:.1} times as fast", speed / baseline);
    findings(&ordinary);
    assert!(!is_whole || speed >= GOAL, "it is too slow");
}

/// The rules of the pack, and so many others that there are 150.
fn rules() -> RuleSet {
    let mut more = String::new();
    for number in pack::rules().rules().len()..RULES {
        write!(
            more,
            "title: More {number}\nid: more-{number}\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  s: {{eventSource: ec2.amazonaws.com, eventName: 'Modify*{number}'}}\n  condition: s\n---\n"
        )
        .unwrap();
    }
    let files = pack::FILES.iter().copied().chain([("more.yaml", more.as_str())]);
    let rules = RuleSet::read(files);
    assert_eq!((rules.rules().len(), rules.problems().len()), (RULES, 0));
    rules
}

fn ordinary(events: usize) -> Vec<String> {
    let (account, region) = ("111122223333", "eu-central-1");
    let (callers, mut random) = (Caller::of_account(account), Random::new(1));
    (0..PARTS * events).map(|n| event::record(&mut random, account, region, &callers, n / events)).collect()
}

/// Puts a record of an attack behind every hundred others, at their time.
fn with_attacks(ordinary: &[String]) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/logs/detonations/stratus.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let attacks: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut all = Vec::with_capacity(ordinary.len() + ordinary.len() / 100);
    for (number, record) in ordinary.iter().enumerate() {
        all.push(record.clone());
        if number % 100 == 99 {
            let mut attack = attacks[number / 100 % attacks.len()]["record"].clone();
            attack["eventTime"] = Record::read(record).unwrap().event_time.unwrap().to_string().into();
            attack["eventID"] = format!("attack-{number}").into();
            all.push(attack.to_string());
        }
    }
    all
}

/// Returns events a second, with reading each record from its text.
fn time(rules: &RuleSet, texts: &[String], feed: impl Fn(&mut Engine, &Record<'_>) -> Vec<DetectionFinding>) -> f64 {
    let mut engine = Engine::new(rules, EngineSettings::default());
    engine.knows_since(jiff::Timestamp::UNIX_EPOCH);
    let (begin, mut findings) = (Instant::now(), 0);
    for text in texts {
        findings += feed(&mut engine, &Record::read(text).unwrap()).len();
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert!(findings > 0);
    texts.len() as f64 / seconds
}

fn median(measure: impl Fn() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..TIMES).map(|_| measure()).collect();
    all.sort_by(f64::total_cmp);
    all[TIMES / 2]
}

/// Says which rules ring over ordinary events: a tenth of the calls is denied or fails, and keys are made all the time,
/// which is more than ordinary.
fn findings(ordinary: &[String]) {
    let mut engine = Engine::new(&pack::rules(), EngineSettings::default());
    for text in ordinary {
        engine.feed(&Record::read(text).unwrap());
    }
    let findings = engine.finish();
    let mut by_rule = std::collections::BTreeMap::<&str, usize>::new();
    for finding in findings.iter().filter(|finding| finding.level >= Level::Medium) {
        *by_rule.entry(&finding.rule).or_default() += 1;
    }
    println!("{} ordinary events have these findings at medium or higher: {by_rule:?}", ordinary.len());
}
