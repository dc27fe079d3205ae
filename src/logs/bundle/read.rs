//! Reads a bundle back: each of its places is a store that answers what was answered then, and refuses the rest.

use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::GzDecoder;
use futures::stream::{BoxStream, StreamExt, iter};
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::signature::Signed;
use super::{FORMAT_VERSION, Header, Line, metadata, unpacked};
use crate::archive::inflate::{OBJECT_BYTES_MAX, Unpacked, hex};
use crate::archive::{Deletes, Fault, FaultKind, HashError, Level, Listed, Object, Store, Version};
use crate::log_path::DigestKey;
use crate::logs::digest::keys::{BadKeys, KeyRing};
use crate::logs::verify::{ExpectedChain, Source};

/// The most bytes that one line may have: a digest of the largest size in base64, twice.
const LINE_BYTES_MAX: u64 = OBJECT_BYTES_MAX * 8 / 3;

/// Says why a file is no bundle that can be checked.
#[derive(Debug, thiserror::Error)]
pub enum BadBundle {
    /// It cannot be read.
    #[error("the bundle cannot be read")]
    Read(#[from] io::Error),
    /// It is of another form.
    #[error("it is no evidence bundle: {0}")]
    Form(String),
    /// Its hash does not fit, or its end is gone, or something follows it.
    #[error("the bundle's own hash does not fit its content: it was changed, cut or added to")]
    Changed,
    /// Its keys cannot be used.
    #[error("the bundle's keys cannot be used")]
    Keys(#[from] BadKeys),
}

#[derive(Clone, PartialEq)]
enum Entry {
    Object(Vec<u8>, crate::archive::Metadata),
    Log(Unpacked),
    Fault(Fault),
}

/// A listing of a prefix.
struct Recorded {
    /// The key behind which it begins.
    after: String,
    /// How it ended; not set when whoever read it stopped earlier.
    end: Option<Result<(), Fault>>,
}

/// What one place answered.
#[derive(Default)]
struct Answers {
    levels: BTreeMap<String, Result<Level, Fault>>,
    /// What was listed, by prefix.
    listings: BTreeMap<String, Vec<Recorded>>,
    listed: BTreeSet<String>,
    /// By key and version.
    entries: BTreeMap<(String, Option<String>), Entry>,
    versions: BTreeMap<String, Vec<Version>>,
    /// What lifecycle rules delete, or why that is not known; not set where it was not asked for.
    deletes: Option<Result<Vec<Deletes>, Fault>>,
    odd: Vec<String>,
}

impl Answers {
    /// Returns the listing that tells what lies under a prefix behind a key, from its first object on: of several the
    /// one that was read to its end.
    fn listing(&self, prefix: &str, after: &str) -> Option<&Recorded> {
        let from = prefix.max(after);
        let covering = self.listings.iter().filter(|(of, _)| prefix.starts_with(of.as_str())).flat_map(|(_, all)| all);
        let told = covering.filter(|listing| listing.after.as_str() <= from);
        told.max_by_key(|listing| (matches!(listing.end, Some(Ok(()))), listing.end.is_some()))
    }
}

/// A bundle, held in memory.
pub struct BundleStore {
    header: Header,
    keys: KeyRing,
    report: Value,
    sha256: String,
    signed: Option<Signed>,
    places: Vec<Answers>,
}

impl BundleStore {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When it is no bundle, or not whole, or more than whole.
    pub fn read(from: impl Read) -> Result<Self, BadBundle> {
        let mut lines =
            Lines { from: BufReader::new(GzDecoder::new(BufReader::new(from))), sum: Context::new(&SHA256) };
        let Some(Line::Header(header)) = lines.next()? else {
            return Err(BadBundle::Form("it does not begin with a header of this format".into()));
        };
        lines.check_wrapper()?;
        if header.orgtrail_bundle != FORMAT_VERSION {
            return Err(BadBundle::Form(format!("format version {}", header.orgtrail_bundle)));
        }
        let places = header.places.iter().map(|_| Answers::default()).collect();
        let (keys, report, sha256, signed) = Default::default();
        let mut bundle = Self { header: *header, keys, report, sha256, signed, places };
        loop {
            let sum = hex(lines.sum.clone().finish().as_ref());
            match lines.next()? {
                Some(Line::Sha256(told)) if told == sum => {
                    bundle.sha256 = told;
                    bundle.signed = lines.end()?;
                    return Ok(bundle);
                }
                None | Some(Line::Sha256(_)) => return Err(BadBundle::Changed),
                Some(line) => bundle.take(line)?,
            }
        }
    }

    /// Returns what the bundle says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the report of the run that made it.
    pub fn report(&self) -> &Value {
        &self.report
    }

    /// Returns the hash over all of it, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns the signature over that hash, where the maker gave one. It is not checked.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// Returns the chains that the bundle holds digests of.
    pub fn chains(&self) -> BTreeSet<ExpectedChain> {
        let keys = self.places.iter().flat_map(|place| &place.listed).filter_map(|key| DigestKey::parse(key));
        keys.map(ExpectedChain::of).collect()
    }

    /// Returns the keys that the bundle brings. Who made the bundle chose them.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Returns the places that it tells of.
    pub fn sources(self: &Arc<Self>) -> Vec<Source> {
        let source = |(at, place): (usize, &super::PlaceHeader)| Source {
            store: Arc::new(BundlePlace { bundle: Arc::clone(self), at }),
            prefix: place.prefix.clone(),
        };
        self.header.places.iter().enumerate().map(source).collect()
    }

    fn place(&mut self, at: usize) -> Result<&mut Answers, BadBundle> {
        self.places.get_mut(at).ok_or_else(|| BadBundle::Form(format!("there is no place {at}")))
    }

    fn take(&mut self, line: Line) -> Result<(), BadBundle> {
        match line {
            Line::Header(_) | Line::Sha256(_) | Line::Signature { .. } => {
                return Err(BadBundle::Form("a header or an end stands in its middle".into()));
            }
            Line::Report(report) => self.report = report,
            Line::Keys(keys) => self.keys = KeyRing::parse(&Value::to_string(&keys))?,
            Line::Level { at, prefix, folders, objects } => {
                self.place(at)?.levels.insert(prefix, Ok(Level { folders, objects }));
            }
            Line::Listing { at, prefix, after } => {
                self.place(at)?.listings.entry(prefix).or_default().push(Recorded { after, end: None });
            }
            Line::ListingEnd { at, prefix, after } => {
                let all = self.place(at)?.listings.entry(prefix).or_default();
                let own = all.iter_mut().filter(|listing| listing.after == after && listing.end.is_none());
                own.for_each(|listing| listing.end = Some(Ok(())));
            }
            Line::Listed { at, key } => {
                self.place(at)?.listed.insert(key);
            }
            Line::Refused { at, prefix, why } => {
                let (fault, place) = (Fault::new(FaultKind::Unavailable, why), self.place(at)?);
                match place.listings.get_mut(&prefix) {
                    Some(all) => all.iter_mut().for_each(|listing| listing.end = Some(Err(fault.clone()))),
                    None => drop(place.levels.insert(prefix, Err(fault))),
                }
            }
            Line::Versions { at, prefix, versions } => {
                let versions = versions.into_iter().map(super::VersionLine::version).collect();
                self.place(at)?.versions.insert(prefix, versions);
            }
            Line::Deletes { at, rules } => {
                let rules: Option<Vec<Deletes>> = rules.into_iter().map(super::RuleLine::rule).collect();
                let rules = rules.ok_or_else(|| BadBundle::Form("a lifecycle rule without its time".into()))?;
                self.place(at)?.deletes = Some(Ok(rules));
            }
            Line::DeletesUnread { at, why } => {
                self.place(at)?.deletes = Some(Err(Fault::new(FaultKind::Unavailable, why)));
            }
            Line::Odd { at, what } => self.place(at)?.odd.push(what),
            Line::Digest { at, key, body, signature, algorithm, made } => {
                let body = STANDARD.decode(body).map_err(|_| BadBundle::Form(format!("the body of {key}")))?;
                self.enter(at, key, None, Entry::Object(body, metadata(signature, algorithm, made)))?;
            }
            Line::Log { at, key, version, sha256, bytes, trailing } => {
                let form = || BadBundle::Form(format!("the hash of {key}"));
                let unpacked = unpacked(&sha256, bytes, &trailing).ok_or_else(form)?;
                self.enter(at, key, version, Entry::Log(unpacked))?;
            }
            Line::Absent { at, key } => {
                let fault = Fault::new(FaultKind::Absent, "it was gone when the bundle was made");
                self.enter(at, key, None, Entry::Fault(fault))?;
            }
            Line::Unread { at, key, why, class } => {
                let kind = if class.is_some() { FaultKind::Archived } else { FaultKind::Unavailable };
                self.enter(at, key, None, Entry::Fault(Fault::new(kind, why).in_class(class)))?;
            }
            Line::Damaged { at, key, why } => {
                self.enter(at, key, None, Entry::Fault(Fault::new(FaultKind::TooLarge, why)))?;
            }
        }
        Ok(())
    }

    /// Takes what one object was. A bundle that says two things of one object is none.
    fn enter(&mut self, at: usize, key: String, version: Option<String>, entry: Entry) -> Result<(), BadBundle> {
        match self.place(at)?.entries.entry((key, version)) {
            MapEntry::Vacant(free) => drop(free.insert(entry)),
            MapEntry::Occupied(taken) if *taken.get() == entry => {}
            MapEntry::Occupied(taken) => {
                return Err(BadBundle::Form(format!("it says two things of {}", taken.key().0)));
            }
        }
        Ok(())
    }
}

struct Lines<R: Read> {
    from: BufReader<GzDecoder<BufReader<R>>>,
    sum: Context,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>, BadBundle> {
        let mut text = Vec::new();
        self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.sum.update(&text);
        let line = serde_json::from_slice(&text).map_err(|e| BadBundle::Form(e.to_string()))?;
        Ok(Some(line))
    }

    /// Refuses a wrapper that says something of its own: no hash covers it.
    fn check_wrapper(&self) -> Result<(), BadBundle> {
        let says = |header: &flate2::GzHeader| {
            header.extra().is_some() || header.filename().is_some() || header.comment().is_some()
        };
        if self.from.get_ref().header().is_some_and(says) { Err(BadBundle::Changed) } else { Ok(()) }
    }

    /// Reads the end: at most a signature follows the hash.
    fn end(mut self) -> Result<Option<Signed>, BadBundle> {
        let signed = match self.next()? {
            None => None,
            Some(Line::Signature { algorithm, by, value }) => Some(Signed { algorithm, by, value }),
            Some(_) => return Err(BadBundle::Changed),
        };
        if signed.is_some() && self.next()?.is_some() {
            return Err(BadBundle::Changed);
        }
        let mut rest = self.from.into_inner().into_inner();
        if rest.fill_buf()?.is_empty() { Ok(signed) } else { Err(BadBundle::Changed) }
    }
}

/// One place that a bundle tells of.
pub struct BundlePlace {
    bundle: Arc<BundleStore>,
    at: usize,
}

impl BundlePlace {
    /// Returns the place of a number.
    pub fn new(bundle: Arc<BundleStore>, at: usize) -> Self {
        Self { bundle, at }
    }

    fn answers(&self) -> Option<&Answers> {
        self.bundle.places.get(self.at)
    }

    fn entry(&self, key: &str, version: Option<&str>) -> Option<&Entry> {
        self.answers()?.entries.get(&(key.to_owned(), version.map(str::to_owned)))
    }

    fn untold() -> Fault {
        Fault::new(FaultKind::Unavailable, "the bundle does not hold what it was")
    }
}

#[async_trait]
impl Store for BundlePlace {
    fn bucket(&self) -> Option<&str> {
        self.bundle.header.places.get(self.at)?.bucket.as_deref()
    }

    fn name(&self) -> String {
        self.bundle.header.places.get(self.at).map(|place| place.name.clone()).unwrap_or_default()
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        let told = self.answers().and_then(|answers| answers.levels.get(prefix));
        told.cloned()
            .unwrap_or_else(|| Err(Fault::new(FaultKind::Unavailable, "the bundle does not hold what lay there")))
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let untold = || Fault::new(FaultKind::Unavailable, "the bundle does not hold what lay there");
        let Some(told) = self.answers().and_then(|answers| Some((answers, answers.listing(prefix, after)?))) else {
            return iter([Err(untold())]).boxed();
        };
        let (answers, listing) = told;
        let keys = answers.listed.range(after.to_owned()..);
        let keys = keys.filter(|key| key.starts_with(prefix) && key.as_str() != after);
        let listed = keys.map(|key| Ok(Listed { key: key.clone(), size_bytes: 0, modified: None, tag: None }));
        let end = match &listing.end {
            Some(Ok(())) => None,
            Some(Err(fault)) => Some(Err(fault.clone())),
            None => Some(Err(untold())),
        };
        iter(listed.chain(end).collect::<Vec<_>>()).boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        match self.entry(key, None) {
            Some(Entry::Object(body, metadata)) => Ok(Object { body: body.clone(), metadata: metadata.clone() }),
            Some(Entry::Fault(fault)) => Err(fault.clone()),
            Some(Entry::Log(_)) | None => Err(Self::untold()),
        }
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        match self.entry(key, None) {
            Some(Entry::Log(unpacked)) => Ok(*unpacked),
            Some(Entry::Fault(fault)) => Err(fault.clone().into()),
            Some(Entry::Object(..)) | None => Err(Self::untold().into()),
        }
    }

    fn oddities(&self) -> Vec<String> {
        self.answers().map(|answers| answers.odd.clone()).unwrap_or_default()
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        self.answers().and_then(|answers| answers.deletes.clone()).unwrap_or_else(|| Err(Self::untold()))
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        let told = self.answers().and_then(|answers| answers.versions.get(prefix));
        told.cloned().ok_or_else(Self::untold)
    }

    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, HashError> {
        match self.entry(key, Some(version)) {
            Some(Entry::Log(unpacked)) => Ok(*unpacked),
            _ => Err(Self::untold().into()),
        }
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }
}
