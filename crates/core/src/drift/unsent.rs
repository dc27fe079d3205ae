//! What a channel was not sent: sending to it failed while another channel was sent to. The next run sends it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Comparison, FindingState};

/// The keys of findings that a channel was not sent, by the channel's name in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Unsent(BTreeMap<String, BTreeSet<String>>);

impl Unsent {
    /// Tells whether every channel was sent everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a comparison as a channel is to be sent it: what it was not sent before is new to it.
    pub fn comparison_for(&self, channel: &str, comparison: &Comparison) -> Comparison {
        let mut comparison = comparison.clone();
        if let Some(keys) = self.0.get(channel) {
            let open = comparison.findings.iter_mut().filter(|entry| entry.state == FindingState::Still);
            open.filter(|entry| keys.contains(&entry.key)).for_each(|entry| entry.state = FindingState::New);
            comparison.sort();
        }
        comparison
    }

    /// Returns what is unsent after a run: `failed` are the channels that could not be sent to; `is_sent` tells whether
    /// the run sent at all.
    #[must_use]
    pub fn after(&self, comparison: &Comparison, failed: &[&str], is_sent: bool) -> Self {
        let channels: BTreeSet<&str> = self.0.keys().map(String::as_str).chain(failed.iter().copied()).collect();
        let of = |channel: &str| -> BTreeSet<String> {
            let before = |key: &String| self.0.get(channel).is_some_and(|keys| keys.contains(key));
            let is_new = |state| matches!(state, FindingState::New | FindingState::Changed);
            let is_unsent = |key: &String, state| match state {
                // What is gone before anyone was sent it is no news.
                FindingState::Gone => false,
                // It could not be looked at, so that nothing was said of it.
                FindingState::Unseen => before(key),
                state if failed.contains(&channel) => before(key) || is_new(state),
                _ => !is_sent && before(key),
            };
            let unsent = comparison.findings.iter().filter(|entry| is_unsent(&entry.key, entry.state));
            unsent.map(|entry| entry.key.clone()).collect()
        };
        let all = channels.into_iter().map(|channel| (channel.to_owned(), of(channel)));
        Self(all.filter(|(_, keys)| !keys.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{Entry, FindingKind, Tally};
    use FindingState::{Gone, New, Still, Unseen};

    fn comparison(findings: &[(&str, FindingState)]) -> Comparison {
        let entry = |&(key, state): &(&str, FindingState)| Entry {
            state,
            kind: FindingKind::Change,
            account: "111111111111".parse().unwrap(),
            address: None,
            what: key.into(),
            harm: None,
            first_seen: None,
            key: key.into(),
            content: String::new(),
        };
        let at = "2026-11-20T01:00:00Z".parse().unwrap();
        let findings = findings.iter().map(entry).collect();
        let mut made = Comparison { at, previous_at: None, first_run: false, summary: Tally::default(), findings };
        made.sort();
        made
    }

    fn new(unsent: &Unsent, channel: &str, comparison: &Comparison) -> Vec<String> {
        unsent.comparison_for(channel, comparison).news().map(|entry| entry.key.clone()).collect()
    }

    #[test]
    fn what_a_channel_missed_is_new_to_it_and_to_no_other() {
        let first = comparison(&[("a", New), ("b", New), ("c", Still)]);
        let unsent = Unsent::default().after(&first, &["webhook"], true);
        let second = comparison(&[("a", Still), ("b", Gone), ("c", Still), ("d", New)]);
        assert_eq!(new(&unsent, "webhook", &second), ["a", "d"]);
        assert_eq!(new(&unsent, "topic", &second), ["d"]);
        assert_eq!(unsent.comparison_for("webhook", &second).summary.new, 2);
        assert_eq!(new(&unsent.after(&second, &["webhook"], true), "webhook", &second), ["a", "d"]);
        assert!(unsent.after(&second, &[], true).is_empty());
    }

    #[test]
    fn it_waits_for_a_run_that_sends_and_that_sees_it() {
        let unsent = Unsent::default().after(&comparison(&[("a", New), ("b", New)]), &["webhook"], true);
        let blind = comparison(&[("a", Unseen), ("b", Still)]);
        let silent = unsent.after(&blind, &[], false);
        assert_eq!(silent, unsent);
        let sent = unsent.after(&blind, &[], true);
        assert_eq!(new(&sent, "webhook", &comparison(&[("a", Still), ("b", Still)])), ["a"]);
    }
}
