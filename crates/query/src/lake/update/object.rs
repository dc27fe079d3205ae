//! One log object into rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use orgtrail_archive::archive::listing::LogFile;

use crate::columns::extract::{Delivered, EventTime};
use crate::columns::object;
use crate::lake::ledger::Entry;
use crate::lake::slot::{Row, kind_of};

/// What an object has.
pub(in crate::lake) struct ObjectRows {
    pub rows: Vec<Row>,
    pub entry: Entry,
    /// The parts that could not be read, in words.
    pub damaged: Vec<String>,
}

/// Reads an object. It takes processor time.
pub(in crate::lake) fn read(file: &LogFile, body: &[u8]) -> ObjectRows {
    let delivered = Arc::new(Delivered {
        account: file.chain.account.clone(),
        region: file.chain.region.clone(),
        key: file.key.clone(),
    });
    let (times, kind) = (EventTime::new(), kind_of(&file.key));
    let (mut rows, mut without_time) = (Vec::new(), 0);
    let read = object::read(body, |json| {
        let time = times.of(json);
        without_time += u64::from(time.is_none());
        let time = time.map(|time| time.as_microsecond());
        rows.push(Row { delivered: Arc::clone(&delivered), kind, time, record: json.as_str().to_owned() });
    });
    let entry = Entry {
        size_bytes: file.size_bytes,
        records: rows.len() as u64,
        without_time,
        unread: read.unread_count(),
        why: read.unread.first().cloned().unwrap_or_default(),
        slots: BTreeMap::new(),
    };
    ObjectRows { rows, entry, damaged: read.unread }
}
