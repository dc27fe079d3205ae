//! Digests just around the range, or just before what a lifecycle rule keeps: they tell which log files of the range
//! they list. Only what CloudTrail signed is believed: whoever may write can put a digest there that lists whatever he
//! planted.

use jiff::Timestamp;

use crate::log_path::LogKey;
use crate::logs::digest::chain::Proof;
use crate::logs::finding::{Finding, State};

use super::chain_cursor::Judged;
use super::deferred::Outside;
use super::walk::Walk;

impl Walk<'_> {
    /// Takes from a digest beside the range what it lists, or keeps what it says until all is known that is proved.
    pub(super) fn name_outside(&mut self, chain: usize, judged: &Judged) {
        match judged.proof {
            Proof::Proved => self.name_logs(judged.at, &judged.seen),
            Proof::Unproved => self.keep_outside(chain, judged),
            Proof::Refuted => {}
        }
    }

    fn keep_outside(&mut self, chain: usize, judged: &Judged) {
        let Ok(content) = &judged.seen.content else { return };
        let is_asked =
            |slot: Timestamp| self.request.to.is_none_or(|to| slot <= to) && self.from.is_none_or(|from| slot > from);
        let located = content.digest.log_files.iter().filter_map(|file| {
            let (site, object) = self.sites.locate(file, judged.at, &judged.seen)?;
            LogKey::parse(&object).filter(|key| is_asked(key.slot))?;
            Some((site, object))
        });
        let logs: Vec<(usize, String)> = located.collect();
        let why = judged.findings.iter().find(|finding| finding.state == State::Unproven && finding.object.is_some());
        if let (false, Some(why)) = (logs.is_empty(), why) {
            let finding = Finding { state: State::Unproven, window: None, ..why.clone() };
            self.outside.push(Outside { chain, finding, logs });
        }
    }

    /// Notes the digests beside the range that are not proved and list log files of the range that no proved one lists.
    pub(super) fn judge_outside(&mut self) {
        for Outside { chain, mut finding, logs } in std::mem::take(&mut self.outside) {
            let alone: Vec<_> = logs.into_iter().filter(|(site, object)| !self.listings.names(*site, object)).collect();
            if alone.is_empty() {
                continue;
            }
            let count = alone.len();
            alone.iter().for_each(|(site, object)| self.listings.doubt(*site, object));
            finding.detail.push_str(&format!(
                "; it is of an hour beside the range, and {count} of the log files that it lists are of the range and listed by no proved digest"
            ));
            finding.object = finding.object.map(|object| self.sites.name(self.chains[chain].site(), &object));
            self.note(chain, finding);
        }
    }
}
