//! Log files like those of a busy organization, the same in every run: the shapes, sizes and shares of calls are those
//! of recorded ones (invictus-ir/aws_dataset and DataDog/stratus-red-team: 1,270 bytes an event, a tenth of the calls
//! refused), every name and id is made up.

mod event;
mod random;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use event::Caller;
use random::Random;

/// How large a corpus is.
#[derive(Debug, Clone, Copy)]
pub struct Corpus {
    /// Log files.
    pub objects: usize,
    /// Events in them, those that were delivered twice counted twice.
    pub events: usize,
    /// Accounts and regions with log files.
    pub places: usize,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Log files.
    pub objects: usize,
    /// Events in them.
    pub events: usize,
    /// Bytes inflated.
    pub raw_bytes: u64,
    /// Bytes as stored.
    pub stored_bytes: u64,
}

impl Corpus {
    /// A day of an organization: ten accounts and regions, a file each five minutes.
    pub const DAY: Self = Self { objects: 2_880, events: 167_000, places: PLACES.len() };
    /// A little of it, to show that it works.
    pub const SMALL: Self = Self { objects: 40, events: 800, places: PLACES.len() };
    /// A day of a thousand accounts: a file each hour.
    pub const WIDE: Self = Self { objects: 24_000, events: 240_000, places: 1_000 };
    /// A little of it, to show that it works.
    pub const WIDE_SMALL: Self = Self { objects: 60, events: 600, places: 30 };
}

/// Five minutes of a day.
const TIMES: usize = 288;
/// How busy each account and region is.
const PLACES: [(&str, &str, u64); 10] = [
    ("111111111111", "us-east-1", 20),
    ("111111111111", "eu-central-1", 6),
    ("222222222222", "us-east-1", 16),
    ("222222222222", "eu-west-1", 7),
    ("333333333333", "eu-central-1", 14),
    ("444444444444", "us-east-1", 12),
    ("555555555555", "us-west-2", 9),
    ("666666666666", "eu-central-1", 8),
    ("777777777777", "ap-southeast-2", 5),
    ("888888888888", "us-east-1", 3),
];
/// An account and region, and how busy it is.
struct Busy {
    account: String,
    region: &'static str,
    weight: u64,
}

impl Corpus {
    /// The first are those of [`PLACES`]; the accounts of others are made up.
    fn all_places(self) -> Vec<Busy> {
        let place = |at: usize| match PLACES.get(at) {
            Some((account, region, weight)) => Busy { account: (*account).to_owned(), region, weight: *weight },
            None => {
                let (_, region, weight) = PLACES[at % PLACES.len()];
                Busy { account: format!("9{:011}", at * 7_919), region, weight }
            }
        };
        (0..self.places).map(place).collect()
    }
}

/// One event in so many is delivered again with a later file.
const AGAIN: u64 = 500;

/// Writes a corpus into a folder, as a bucket's content.
///
/// # Errors
/// Where a file cannot be written.
pub fn write(folder: &Path, corpus: Corpus) -> io::Result<Written> {
    let mut random = Random::new(20_261_120);
    let places = corpus.all_places();
    let callers: Vec<Vec<Caller>> = places.iter().map(|place| Caller::of_account(&place.account)).collect();
    let counts = counts(corpus, &places, &mut random);
    let mut written = Written::default();
    let mut again: Vec<Vec<String>> = vec![Vec::new(); places.len()];
    // The files of a place lie as far apart as there are fewer of them.
    let step = (TIMES * places.len() / corpus.objects.max(1)).max(1);
    for (at, count) in counts.into_iter().enumerate() {
        let (place, time) = (at % places.len(), at / places.len() * step % TIMES);
        let (account, region) = (places[place].account.as_str(), places[place].region);
        let mut body = String::from("{\"Records\":[");
        for number in 0..count {
            body.push_str(if number == 0 { "" } else { "," });
            let repeated = if number == 1 { again[place].pop() } else { None };
            let record = repeated.unwrap_or_else(|| event::record(&mut random, account, region, &callers[place], time));
            body.push_str(&record);
            if random.below(AGAIN) == 0 {
                again[place].push(record);
            }
        }
        body.push_str("]}");
        let path = folder.join(key(&mut random, account, region, time));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(body.as_bytes())?;
        let bytes = gzip.finish()?;
        fs::write(path, &bytes)?;
        written.objects += 1;
        written.events += count;
        written.raw_bytes += body.len() as u64;
        written.stored_bytes += bytes.len() as u64;
    }
    Ok(written)
}

/// Returns how many events each file has: busy places more, each file by chance, all together exactly as many as asked
/// for.
fn counts(corpus: Corpus, places: &[Busy], random: &mut Random) -> Vec<usize> {
    let share = |at: usize, random: &mut Random| {
        let spread = 20 + random.below(60) + if random.below(20) == 0 { 400 } else { 0 };
        places[at % places.len()].weight * spread
    };
    let shares: Vec<u64> = (0..corpus.objects).map(|at| share(at, random)).collect();
    let total: u64 = shares.iter().sum();
    let free = corpus.events.saturating_sub(corpus.objects) as u64;
    let (mut sum, mut given) = (0, 0);
    let count = |share: &u64| {
        sum += share;
        let due = free * sum / total.max(1);
        let own = 1 + (due - given);
        given = due;
        usize::try_from(own).unwrap_or(1)
    };
    shares.iter().map(count).collect()
}

/// Returns the key of a file that was made at the end of five minutes.
fn key(random: &mut Random, account: &str, region: &str, time: usize) -> String {
    let minute = (time + 1) * 5 % (24 * 60);
    let day = if time + 1 == TIMES { 21 } else { 20 };
    let mut key = format!("AWSLogs/o-exampleorgid/{account}/CloudTrail/{region}/2026/11/{day:02}/");
    let (hour, minute, unique) = (minute / 60, minute % 60, random.word(16));
    let _in_memory = write!(key, "{account}_CloudTrail_{region}_202611{day:02}T{hour:02}{minute:02}Z_{unique}.json.gz");
    key
}
