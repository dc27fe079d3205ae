//! What earlier runs proved, kept in a file, so that an hourly run reads only what is new. Pure.
//!
//! The file bears a hash of its content and is refused when that does not fit. The hash shows accidents and careless
//! edits; who can write the file can also write a fitting hash, so keep it where the logs' writers cannot reach it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Region, TrailName};

use super::verify::{AsListed, Chain, ChainMark, Recent, Since, Told, Verification};
use crate::archive::inflate::{hex, sha256};
use crate::log_path::{ChainScope, DigestKey, ObjectKey};

/// The first version told of later digests by their hashes alone, the second one not from when on a chain was looked
/// at. Both are read, and their chains are proved once more from their beginning.
const FORMAT_VERSION: u32 = 3;

/// The marks of the chains of one store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The store that it is about.
    pub store: String,
    /// The newest digest of each chain up to which all is attested.
    pub marks: Vec<(ChainScope, ChainMark)>,
    /// The accounts and regions that have a chain without such a digest, with the start of its first hour; nothing
    /// within when that is not known.
    pub open: BTreeMap<(AccountId, Region), Option<Timestamp>>,
}

/// Says why a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// It is not of the form that this program writes.
    #[error("it is no checkpoint of this program: {0}; delete it to start with a full run")]
    Form(String),
    /// Its hash does not fit.
    #[error("its hash does not fit its content; delete it to start with a full run")]
    Changed,
    /// It is about something else.
    #[error("it is about {of:?}, not about {asked:?}; delete it to start with a full run")]
    OtherStore {
        /// What it is about.
        of: String,
        /// What was asked for.
        asked: String,
    },
}

#[derive(Deserialize)]
struct File {
    format_version: u32,
    store: String,
    chains: Vec<Entry>,
    #[serde(default)]
    open: Vec<OpenEntry>,
    sha256: String,
}

#[derive(Serialize, Deserialize, Clone)]
struct OpenEntry {
    account: AccountId,
    region: Region,
    from: Option<Timestamp>,
}

/// From when on a chain was looked at, as its entry says it: `first`, or a time.
#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
enum SinceEntry {
    First,
    Time(Timestamp),
}

#[derive(Serialize, Deserialize, Clone)]
struct Entry {
    digest: String,
    bucket: String,
    end: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<SinceEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<String>,
    sha256: String,
    signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    succeeded_by: Option<TrailName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_listed: Option<ListedEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recent: Vec<RecentEntry>,
}

#[derive(Serialize, Deserialize, Clone)]
struct ListedEntry {
    modified: jiff::Timestamp,
    tag: String,
    /// The first half of the SHA-256 of each log file's key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(untagged)]
enum RecentEntry {
    /// The hash of a digest that is read again.
    Hash(String),
    Told {
        sha256: String,
        end: jiff::Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        as_listed: ListedEntry,
    },
}

impl Checkpoint {
    /// Reads a checkpoint of a store.
    ///
    /// # Errors
    /// When the text is no checkpoint, was changed, or is about another store.
    pub fn parse(text: &str, store: &str) -> Result<Self, BadCheckpoint> {
        let checkpoint = Self::parse_any(text)?;
        if checkpoint.store != store {
            return Err(BadCheckpoint::OtherStore { of: checkpoint.store, asked: store.to_owned() });
        }
        Ok(checkpoint)
    }

    /// Reads a checkpoint, whatever it is about.
    ///
    /// # Errors
    /// When the text is no checkpoint, or was changed.
    pub fn parse_any(text: &str) -> Result<Self, BadCheckpoint> {
        let file: File = serde_json::from_str(text).map_err(|e| BadCheckpoint::Form(e.to_string()))?;
        if !(1..=FORMAT_VERSION).contains(&file.format_version) {
            return Err(BadCheckpoint::Form(format!("format version {}", file.format_version)));
        }
        let (chains, open) = (lines(&file.chains), lines(&file.open));
        if content_hash(file.format_version, &file.store, &chains, &open) != file.sha256 {
            return Err(BadCheckpoint::Changed);
        }
        let marks = file.chains.into_iter().map(Entry::mark).collect::<Result<_, _>>()?;
        let open = file.open.into_iter().map(|open| ((open.account, open.region), open.from)).collect();
        Ok(Self { store: file.store, marks, open })
    }

    /// Returns the text of the checkpoint's file: a line for each chain.
    pub fn text(&self) -> String {
        let entry = |(_, mark): &(ChainScope, ChainMark)| Entry {
            digest: mark.object.clone(),
            bucket: mark.bucket.clone(),
            end: mark.end,
            since: SinceEntry::of(mark.since),
            places: mark.places.clone(),
            sha256: mark.sha256.clone(),
            signature: mark.signature.clone(),
            delivered: mark.delivered.clone(),
            succeeded_by: mark.succeeded_by.clone(),
            as_listed: mark.as_listed.as_ref().map(ListedEntry::of),
            recent: mark.recent.iter().map(RecentEntry::of).collect(),
        };
        let open = |((account, region), from): (&(AccountId, Region), &Option<Timestamp>)| OpenEntry {
            account: account.clone(),
            region: region.clone(),
            from: *from,
        };
        let (chains, open) = (lines(self.marks.iter().map(entry)), lines(self.open.iter().map(open)));
        let sha256 = content_hash(FORMAT_VERSION, &self.store, &chains, &open);
        let (store, chains, open) = (serde_json::json!(self.store), chains.join(",\n"), open.join(",\n"));
        format!(
            "{{\"format_version\":{FORMAT_VERSION},\"store\":{store},\"chains\":[\n{chains}\n],\"open\":[{open}],\"sha256\":\"{sha256}\"}}\n"
        )
    }

    /// Takes over what a run proved. A mark gives way only to one that stands for all that it stood for; where the run
    /// looked at all of that and could not prove it, it is gone, so that the next run finds the same.
    pub fn advance(&mut self, answer: &Verification) {
        self.store.clone_from(&answer.store);
        if answer.interrupted {
            return;
        }
        let looked_at = |old: &ChainMark| {
            let is_from_its_start = match (answer.from, old.since) {
                (_, Since::Unknown) | (None, _) => true,
                (Some(_), Since::First) => false,
                (Some(from), Since::Time(time)) => from <= time,
            };
            is_from_its_start && answer.to.is_none_or(|to| to >= old.end)
        };
        for chain in &answer.chains {
            let id = chain.trail.clone();
            let is_own = |scope: &ChainScope, old: &ChainMark| {
                let is_place = |mark: &ChainMark| old.places.last().is_none_or(|place| mark.places.contains(place));
                chain.scopes.contains(scope) && chain_of(old) == id && chain.attested_to.as_ref().is_none_or(is_place)
            };
            let gives_way = |old: &ChainMark| match &chain.attested_to {
                Some(mark) => mark.since == old.since && mark.end >= old.end || looked_at(old),
                None => looked_at(old),
            };
            if self.marks.iter().any(|(scope, old)| is_own(scope, old) && !gives_way(old)) {
                continue;
            }
            self.marks.retain(|(scope, old)| !is_own(scope, old));
            if let Some(mark) = &chain.attested_to {
                let scope = DigestKey::parse(&mark.object).map_or_else(|| chain.scope.clone(), |key| key.scope);
                self.marks.push((scope, mark.clone()));
            }
        }
        self.marks.sort_by(|a, b| a.1.object.cmp(&b.1.object));
        self.note_open(answer);
    }

    /// Notes the accounts and regions that have a chain without a mark. What begins before a range is not known.
    fn note_open(&mut self, answer: &Verification) {
        let of = |chain: &Chain| (chain.scope.account.clone(), chain.scope.region.clone());
        for chain in answer.chains.iter().filter(|_| answer.from.is_none()) {
            self.open.remove(&of(chain));
        }
        for chain in answer.chains.iter().filter(|chain| chain.trail.is_some()) {
            let has_mark =
                |(scope, mark): &(ChainScope, ChainMark)| chain.scopes.contains(scope) && chain_of(mark) == chain.trail;
            if self.marks.iter().any(has_mark) {
                continue;
            }
            let first = chain.hours.first().map(|(window, _)| window.start).filter(|_| answer.from.is_none());
            self.open.entry(of(chain)).and_modify(|known| *known = (*known).min(first)).or_insert(first);
        }
    }
}

impl Entry {
    fn mark(self) -> Result<(ChainScope, ChainMark), BadCheckpoint> {
        let form = |why: String| BadCheckpoint::Form(format!("{} is no digest: {why}", self.digest));
        let key = match self.digest.parse() {
            Ok(ObjectKey::Digest(key)) => key,
            Ok(ObjectKey::Log(_)) => return Err(form("it is named as a log file".to_owned())),
            Err(why) => return Err(form(why.to_string())),
        };
        if key.end != self.end {
            return Err(BadCheckpoint::Form(format!("it says that {} ends at {}", self.digest, self.end)));
        }
        let Entry { digest: object, bucket, end, sha256, signature, .. } = self;
        let Entry { since, places, delivered, succeeded_by, as_listed, recent, .. } = self;
        let since = since.map_or(Since::Unknown, SinceEntry::since);
        let as_listed = as_listed.map(ListedEntry::into_listed);
        let recent = recent.into_iter().map(RecentEntry::recent).collect();
        let mark = ChainMark {
            object,
            delivered,
            bucket,
            end,
            since,
            places,
            sha256,
            signature,
            succeeded_by,
            as_listed,
            recent,
        };
        Ok((key.scope, mark))
    }
}

impl SinceEntry {
    fn of(since: Since) -> Option<Self> {
        match since {
            Since::Unknown => None,
            Since::First => Some(Self::First),
            Since::Time(time) => Some(Self::Time(time)),
        }
    }

    fn since(self) -> Since {
        match self {
            Self::First => Since::First,
            Self::Time(time) => Since::Time(time),
        }
    }
}

impl ListedEntry {
    fn of(listed: &AsListed) -> Self {
        let AsListed { modified, tag, logs } = listed.clone();
        let logs = logs.map(|prints| prints.iter().map(|print| format!("{print:032x}")).collect());
        Self { modified, tag, logs }
    }

    /// Log files that are not told as this program writes them are none that are known.
    fn into_listed(self) -> AsListed {
        let Self { modified, tag, logs } = self;
        let print = |text: String| u128::from_str_radix(&text, 16).ok();
        AsListed { modified, tag, logs: logs.and_then(|logs| logs.into_iter().map(print).collect()) }
    }
}

impl RecentEntry {
    fn of(recent: &Recent) -> Self {
        let sha256 = recent.sha256.clone();
        match &recent.told {
            None => Self::Hash(sha256),
            Some(Told { end, signature, as_listed }) => {
                let (signature, as_listed) = (signature.clone(), ListedEntry::of(as_listed));
                Self::Told { sha256, end: *end, signature, as_listed }
            }
        }
    }

    fn recent(self) -> Recent {
        match self {
            Self::Hash(sha256) => Recent { sha256, told: None },
            Self::Told { sha256, end, signature, as_listed } => {
                Recent { sha256, told: Some(Told { end, signature, as_listed: as_listed.into_listed() }) }
            }
        }
    }
}

/// Returns what tells a mark's chain from another one in the same scope.
fn chain_of(mark: &ChainMark) -> Option<(crate::ids::TrailName, crate::ids::Region)> {
    DigestKey::parse(&mark.object).map(|key| (key.trail, key.home))
}

/// Returns each chain as one line of JSON.
fn lines(chains: impl IntoIterator<Item = impl Serialize>) -> Vec<String> {
    chains.into_iter().map(|entry| serde_json::json!(entry).to_string()).collect()
}

fn content_hash(version: u32, store: &str, chains: &[String], open: &[String]) -> String {
    let (store, chains) = (serde_json::json!(store), chains.join(","));
    let open = if version < 3 { String::new() } else { format!(",[{}]", open.join(",")) };
    hex(&sha256(format!("[{version},{store},[{chains}]{open}]").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let object = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/\
                      111122223333_CloudTrail-Digest_us-east-1_org-trail_us-east-1_20261120T100000Z.json.gz";
        let key = DigestKey::parse(object).unwrap();
        let mark = ChainMark {
            object: object.into(),
            bucket: "b".into(),
            end: key.end,
            since: Since::First,
            places: vec!["s3://b/AWSLogs/111122223333/".into()],
            sha256: "00".repeat(32),
            signature: Some("ab".into()),
            delivered: None,
            succeeded_by: None,
            as_listed: None,
            recent: vec![],
        };
        Checkpoint { store: "s3://b".into(), marks: vec![(key.scope, mark)], open: BTreeMap::new() }
    }

    /// As the first version wrote it, and its hash.
    fn first_version() -> (serde_json::Value, &'static str) {
        let Checkpoint { marks, .. } = checkpoint();
        let chain = serde_json::json!({"digest": marks[0].1.object, "bucket": "b", "end": "2026-11-20T10:00:00Z",
            "sha256": "00".repeat(32), "signature": "ab", "recent": ["11".repeat(32)]});
        (chain, "0f2da9d433624371abef833ea474f104876f667bef2ac6d36d95fbc2f3b6cdc1")
    }

    #[test]
    fn the_first_version_is_read_too() {
        let (chain, sha256) = first_version();
        let file = |version: u32| {
            let file =
                serde_json::json!({"format_version": version, "store": "s3://b", "chains": [chain], "sha256": sha256});
            format!("{file:#}\n")
        };
        let read = Checkpoint::parse(&file(1), "s3://b").unwrap();
        let mut expected = checkpoint();
        expected.marks[0].1.recent = vec![Recent { sha256: "11".repeat(32), told: None }];
        // From when on it was looked at is not known, so that it stands for nothing.
        (expected.marks[0].1.since, expected.marks[0].1.places) = (Since::Unknown, vec![]);
        assert!(!expected.marks[0].1.since.covers(Some(Timestamp::MAX)));
        assert_eq!(read, expected);
        assert_eq!(Checkpoint::parse(&read.text(), "s3://b").unwrap(), read);
        assert_eq!(Checkpoint::parse(&file(2), "s3://b"), Err(BadCheckpoint::Changed));
        assert!(matches!(Checkpoint::parse(&file(4), "s3://b"), Err(BadCheckpoint::Form(_))));
    }

    #[test]
    fn what_spares_reading_survives_its_file() {
        let mut checkpoint = checkpoint();
        let mark = &mut checkpoint.marks[0].1;
        let listed = |logs| AsListed { modified: mark.end, tag: "\"ab-1\"".into(), logs };
        let told = |signature, logs| Told { end: mark.end, signature, as_listed: listed(logs) };
        let recent = [None, Some(told(None, Some(vec![1, u128::MAX]))), Some(told(Some("cd".into()), None))];
        let recent = recent.map(|told| Recent { sha256: "22".repeat(32), told });
        (mark.as_listed, mark.recent) = (Some(listed(Some(vec![]))), recent.to_vec());
        assert_eq!(Checkpoint::parse(&checkpoint.text(), "s3://b").unwrap(), checkpoint);
    }

    #[test]
    fn it_survives_its_file_and_shows_a_change() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text, "s3://b").unwrap(), checkpoint());
        let changed = text.replace("T10:00:00Z", "T11:00:00Z");
        assert_eq!(Checkpoint::parse(&changed, "s3://b"), Err(BadCheckpoint::Changed));
        assert!(matches!(Checkpoint::parse(&text, "s3://c"), Err(BadCheckpoint::OtherStore { .. })));
        assert!(matches!(Checkpoint::parse("{}", "s3://b"), Err(BadCheckpoint::Form(_))));
        for cut in ["", "{", &text[..text.len() / 2]] {
            let told = Checkpoint::parse(cut, "s3://b").unwrap_err().to_string();
            assert!(told.ends_with("; delete it to start with a full run"), "{told}");
        }
    }

    #[test]
    fn an_end_that_is_not_the_digests_own_is_refused() {
        let mut changed = checkpoint();
        changed.marks[0].1.end = "2026-11-20T11:00:00Z".parse().unwrap();
        let told = Checkpoint::parse(&changed.text(), "s3://b").unwrap_err().to_string();
        assert!(told.contains("ends at 2026-11-20T11:00:00Z"), "{told}");
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}:00:00Z").parse().unwrap()
    }

    /// An answer about one chain that is proved in some hours, or in none.
    fn answer(from: Option<&str>, to: Option<&str>, mark: Option<(Since, &str)>) -> Verification {
        let (scope, old) = checkpoint().marks.remove(0);
        let mark = mark.map(|(since, end)| {
            let key = DigestKey { end: at(end), ..DigestKey::parse(&old.object).unwrap() };
            ChainMark { object: key.to_string(), end: at(end), since, ..old.clone() }
        });
        let mut chain = Chain::of_nothing(scope);
        chain.trail = Some(("org-trail".parse().unwrap(), "us-east-1".parse().unwrap()));
        chain.attested_to = mark;
        let now = at("23");
        Verification::of_chains("s3://b", (from.map(at), to.map(at)), now, vec![chain])
    }

    fn after(answers: &[Verification]) -> (Vec<(Since, Timestamp)>, usize) {
        let mut checkpoint = Checkpoint::default();
        answers.iter().for_each(|answer| checkpoint.advance(answer));
        assert_eq!(Checkpoint::parse(&checkpoint.text(), "s3://b").unwrap(), checkpoint);
        (checkpoint.marks.iter().map(|(_, mark)| (mark.since, mark.end)).collect(), checkpoint.open.len())
    }

    #[test]
    fn a_mark_stands_for_no_hour_that_no_run_read() {
        let since = |hour| Since::Time(at(hour));
        let narrow = answer(Some("05"), Some("09"), Some((since("05"), "08")));
        let next = answer(Some("09"), Some("12"), Some((since("05"), "12")));
        let behind_a_hole = answer(Some("15"), None, Some((since("15"), "18")));
        let whole = answer(None, None, Some((Since::First, "18")));
        let earlier = answer(None, Some("04"), Some((Since::First, "04")));
        let broken = answer(None, None, Some((Since::First, "02")));
        let nothing = answer(None, None, None);
        let of = |marks: &[(Since, &str)], open| (marks.iter().map(|(s, end)| (*s, at(end))).collect::<Vec<_>>(), open);
        assert_eq!(after(&[narrow.clone(), next]), of(&[(since("05"), "12")], 0));
        assert_eq!(after(&[narrow.clone(), behind_a_hole]), of(&[(since("05"), "08")], 0));
        assert_eq!(after(&[narrow.clone(), whole.clone()]), of(&[(Since::First, "18")], 0));
        assert_eq!(after(&[whole.clone(), narrow]), of(&[(Since::First, "18")], 0));
        assert_eq!(after(&[whole.clone(), earlier]), of(&[(Since::First, "18")], 0));
        assert_eq!(after(&[whole.clone(), broken]), of(&[(Since::First, "02")], 0), "the next run finds it again");
        assert_eq!(after(&[whole, nothing]), of(&[], 1));
    }
}
