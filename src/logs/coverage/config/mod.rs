//! Does AWS Config deliver? For each account x region, from the names of objects and from what AWS Config says of its
//! recorders and delivery channels.
//!
//! AWS Config writes a history file every six hours for each type of which something changed, and a snapshot as often
//! as the delivery channel says, or never (AWS Config developer guide, "Delivering configuration snapshots"). That
//! nothing is there may therefore be well.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::ids::{AccountId, Region};
use crate::logs::expected::Expected;
use crate::logs::finding::TimeRange;
use crate::recorders::{AccountRecorders, DeliveryChannel, Recorders, RegionRecorder};

mod listing;

pub use listing::{ConfigListing, list};

/// How old the newest object may be where something changes all day: a history file is written every six hours.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// How much later than it was written AWS Config may say that an object was delivered.
const SAID_LATER: SignedDuration = SignedDuration::from_hours(1);

/// Whether the objects of AWS Config arrive for one account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigArrival {
    /// The newest one is less than a day old.
    Arriving,
    /// The recorder is on, and there is no newer object and no newer delivery that AWS Config tells of: nothing
    /// changed.
    Quiet,
    /// AWS Config tells of a delivery whose object is not there.
    Unconfirmed,
    /// The recorder fails, the delivery fails, or there is no delivery channel.
    Failing,
    /// The delivery channel leads into a bucket that was not looked at.
    Elsewhere,
    /// There is no recorder, or it is off.
    Off,
    /// Objects are there, and whether some should be is not known.
    Seen,
    /// The recorder or the objects could not be read.
    Unread,
}

impl ConfigArrival {
    /// Every state, from good to bad.
    pub const ALL: [ConfigArrival; 8] = [
        ConfigArrival::Arriving,
        ConfigArrival::Quiet,
        ConfigArrival::Seen,
        ConfigArrival::Elsewhere,
        ConfigArrival::Off,
        ConfigArrival::Unconfirmed,
        ConfigArrival::Failing,
        ConfigArrival::Unread,
    ];

    /// Returns the word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            ConfigArrival::Arriving => "arriving",
            ConfigArrival::Quiet => "quiet",
            ConfigArrival::Unconfirmed => "unconfirmed",
            ConfigArrival::Failing => "failing",
            ConfigArrival::Elsewhere => "elsewhere",
            ConfigArrival::Off => "off",
            ConfigArrival::Seen => "seen",
            ConfigArrival::Unread => "unread",
        }
    }

    /// Tells whether it is not known if something should be there and is.
    pub fn is_unknown(self) -> bool {
        matches!(self, ConfigArrival::Unconfirmed | ConfigArrival::Unread)
    }
}

/// AWS Config of one account x region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRow {
    /// The account.
    pub account: AccountId,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// The region.
    pub region: Region,
    /// Whether objects arrive.
    pub arrival: ConfigArrival,
    /// The place that the delivery channel leads to, or that the objects lie in: `s3://BUCKET/PREFIX`; empty where
    /// there is none.
    pub place: String,
    /// When the newest object of the range was written, or the time in its name in a copy; `None` where there is none.
    pub newest: Option<Timestamp>,
    /// How many objects there are on the newest day that has some.
    pub objects: u64,
    /// What a person should know; `None` where the state says it all.
    pub note: Option<String>,
}

/// Says what the listings mean, given what AWS Config says of its recorders.
pub fn assess(listings: &[ConfigListing], expected: &Expected, range: TimeRange, buckets: &[&str]) -> Vec<ConfigRow> {
    let mut found: BTreeMap<(&AccountId, &Region), Vec<&ConfigListing>> = BTreeMap::new();
    for listing in listings {
        found.entry((&listing.account, &listing.region)).or_default().push(listing);
    }
    let mut places: BTreeMap<(AccountId, Region), Known<'_>> = BTreeMap::new();
    for (account, region) in found.keys() {
        places.insert(((*account).clone(), (*region).clone()), Known::Nothing);
    }
    if let Recorders::Known(accounts) = &expected.recorders {
        for (account, known) in accounts {
            known_of(account, known, &mut places);
        }
    }
    let nothing = Vec::new();
    let row = |((account, region), known): ((AccountId, Region), Known<'_>)| {
        let listings = found.get(&(&account, &region)).unwrap_or(&nothing);
        let judged = judge(known, listings, range, buckets);
        let newest = listings.iter().filter_map(|listing| Some((listing.newest?, *listing))).max_by_key(|(at, _)| *at);
        ConfigRow {
            name: expected.accounts.get(&account).map(|known| known.name.clone()).filter(|name| !name.is_empty()),
            account,
            region,
            arrival: judged.arrival,
            place: judged.place.unwrap_or_else(|| newest.map_or(String::new(), |(_, listing)| listing.place.clone())),
            newest: newest.map(|(at, _)| at),
            objects: newest.map_or(0, |(_, listing)| listing.objects),
            note: judged.note,
        }
    };
    places.into_iter().map(row).collect()
}

/// Returns which accounts could not be asked at all, as sentences: what they lack is not missed.
pub fn unasked(recorders: &Recorders) -> Vec<String> {
    match recorders {
        Recorders::NotAsked => Vec::new(),
        Recorders::NotRecorded => {
            vec!["AWS Config: a recorded estate does not hold it; next: run without --estate".into()]
        }
        Recorders::Known(accounts) => accounts
            .iter()
            .filter_map(|(account, known)| match known {
                AccountRecorders::Unreadable(problem) => {
                    Some(format!("AWS Config of account {account} could not be asked: {}", problem.message))
                }
                AccountRecorders::NotSelected | AccountRecorders::Regions(_) => None,
            })
            .collect(),
    }
}

/// What AWS Config says of one account and region.
#[derive(Clone, Copy)]
enum Known<'a> {
    /// It was not asked.
    Nothing,
    /// Why it could not be read.
    Unread(&'a str),
    /// What it says.
    Recorder(&'a RegionRecorder),
}

/// Puts down what is known of an account: of each region that was asked about, or of those that have objects where the
/// account could not be asked.
fn known_of<'a>(
    account: &AccountId,
    known: &'a AccountRecorders,
    places: &mut BTreeMap<(AccountId, Region), Known<'a>>,
) {
    match known {
        AccountRecorders::NotSelected => {}
        AccountRecorders::Unreadable(problem) => {
            let own = places.iter_mut().filter(|((id, _), _)| id == account);
            own.for_each(|(_, of)| *of = Known::Unread(&problem.message));
        }
        AccountRecorders::Regions(regions) => {
            for (region, known) in regions {
                let known = match known {
                    Ok(recorder) => Known::Recorder(recorder),
                    Err(problem) => Known::Unread(&problem.message),
                };
                places.insert((account.clone(), region.clone()), known);
            }
        }
    }
}

struct Judged {
    arrival: ConfigArrival,
    place: Option<String>,
    note: Option<String>,
}

impl Judged {
    fn of(arrival: ConfigArrival, note: impl Into<Option<String>>) -> Self {
        Self { arrival, place: None, note: note.into() }
    }
}

fn judge(known: Known<'_>, listings: &[&ConfigListing], range: TimeRange, buckets: &[&str]) -> Judged {
    let recorder = match known {
        Known::Recorder(recorder) => recorder,
        Known::Unread(why) => {
            return Judged::of(ConfigArrival::Unread, format!("AWS Config could not be asked: {why}"));
        }
        Known::Nothing => {
            let problem = listings.iter().find_map(|listing| listing.problem.clone());
            let problem = problem.map(|why| Judged::of(ConfigArrival::Unread, unlisted(&why)));
            return problem.unwrap_or_else(|| Judged::of(ConfigArrival::Seen, None));
        }
    };
    let Some(own) = &recorder.recorder else {
        return Judged::of(ConfigArrival::Off, "there is no configuration recorder".to_owned());
    };
    let Some(channel) = &recorder.channel else {
        return Judged::of(ConfigArrival::Failing, "there is no delivery channel".to_owned());
    };
    let judged = if !own.recording {
        let since = own.stopped.map(|stopped| format!(" since {stopped}")).unwrap_or_default();
        Judged::of(ConfigArrival::Off, format!("the configuration recorder is off{since}"))
    } else if let Some(why) = &own.failure {
        Judged::of(ConfigArrival::Failing, format!("the configuration recorder fails: {why}"))
    } else if let Some(why) = channel.failure() {
        Judged::of(ConfigArrival::Failing, format!("the delivery fails: {why}"))
    } else if !buckets.contains(&channel.bucket.as_str()) {
        let note = "it delivers into another bucket; name that place to look there".to_owned();
        Judged::of(ConfigArrival::Elsewhere, note)
    } else {
        of_objects(channel, listings, range)
    };
    Judged {
        place: Some(format!("s3://{}/{}", channel.bucket, channel.prefix).trim_end_matches('/').to_owned()),
        ..judged
    }
}

fn unlisted(why: &str) -> String {
    format!("it could not be listed: {why}")
}

/// Compares what is there with what AWS Config says that it delivered.
fn of_objects(channel: &DeliveryChannel, listings: &[&ConfigListing], range: TimeRange) -> Judged {
    if let Some(why) = listings.iter().find_map(|listing| listing.problem.as_ref()) {
        return Judged::of(ConfigArrival::Unread, unlisted(why));
    }
    let newest = listings.iter().filter_map(|listing| listing.newest).max();
    let told = channel.succeeded().filter(|told| *told > range.start && *told <= range.end);
    let is_there = |told: Timestamp| newest.is_some_and(|newest| told.duration_since(newest) <= SAID_LATER);
    if let Some(told) = told.filter(|told| !is_there(*told)) {
        let note = format!("AWS Config tells of a delivery at {told}, and no object of that time is there");
        return Judged::of(ConfigArrival::Unconfirmed, note);
    }
    match newest {
        Some(newest) if range.end.duration_since(newest) <= RECENT => Judged::of(ConfigArrival::Arriving, None),
        Some(_) => Judged::of(ConfigArrival::Quiet, "AWS Config tells of no delivery since".to_owned()),
        None => {
            let last =
                channel.succeeded().map_or("of no delivery".to_owned(), |last| format!("of the last one at {last}"));
            Judged::of(ConfigArrival::Quiet, format!("there is no object of the range, and AWS Config tells {last}"))
        }
    }
}

#[cfg(test)]
mod tests;
