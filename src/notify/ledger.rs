//! What each channel was sent: so that what failed is sent later, and nothing is sent twice, not after a restart and
//! not when another replica takes over.
//!
//! It is kept by whoever sends, after the sending: who is killed between the two sends again; the other way round it
//! would never be sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Channel, ChannelOutcome, Notification, Sending, send_each};

/// Something of which people are notified, known again from one time to the next.
pub trait Notifiable: Clone {
    /// What it is known by.
    type Key: Ord;

    /// Returns what it is known by.
    fn key(&self) -> Self::Key;
}

/// What each channel was sent last, by the channel's name: everything that was open then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger<T>(BTreeMap<String, Vec<T>>);

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Notifiable> Ledger<T> {
    /// Tells whether nothing was ever sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what a channel was sent last.
    pub fn of(&self, channel: &str) -> &[T] {
        self.0.get(channel).map_or(&[], Vec::as_slice)
    }

    /// Notes what a channel was sent: what is open now.
    pub fn sent(&mut self, channel: &str, open: Vec<T>) {
        self.0.insert(channel.to_owned(), open);
    }

    /// Returns it with at most so many entries a channel.
    pub fn truncated(mut self, entries_max: usize) -> Self {
        self.0.values_mut().for_each(|entries| entries.truncate(entries_max));
        self
    }

    /// Sends each channel what `message` makes of what the channel knows, `None` where nothing is new to it, and notes
    /// what was sent. What failed is sent the next time.
    pub async fn deliver<M: AsyncFn() -> bool, S: AsyncFn(Duration)>(
        &mut self,
        channels: &[Box<dyn Channel>],
        open: &[T],
        message: impl Fn(&[T]) -> Option<Notification>,
        sending: &Sending<'_, M, S>,
    ) -> Vec<ChannelOutcome> {
        let deliveries = send_each(channels, |channel| message(self.of(channel)), sending).await;
        for delivery in deliveries.iter().filter(|delivery| delivery.result.is_ok()) {
            self.sent(delivery.channel, open.to_vec());
        }
        deliveries
    }
}

/// What has become of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It was not there.
    New,
    /// It says something else.
    Changed,
    /// It is no longer there.
    Gone,
}

impl News {
    /// Returns the word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            News::New => "new",
            News::Changed => "changed",
            News::Gone => "gone",
        }
    }
}

/// Compares what a channel knows with what is open: what is new or says something else first, then what is gone, each
/// in the order of its keys. What two of a kind `says` decides whether it has changed.
pub fn news<'t, T: Notifiable>(known: &'t [T], open: &'t [T], says: impl Fn(&T) -> String) -> Vec<(News, &'t T)> {
    let before: BTreeMap<T::Key, &T> = known.iter().map(|entry| (entry.key(), entry)).collect();
    let now: BTreeMap<T::Key, &T> = open.iter().map(|entry| (entry.key(), entry)).collect();
    let fresh = now.iter().filter_map(|(key, entry)| match before.get(key) {
        None => Some((News::New, *entry)),
        Some(known) if says(known) != says(entry) => Some((News::Changed, *entry)),
        Some(_) => None,
    });
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key)).map(|(_, entry)| (News::Gone, *entry));
    fresh.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::notify::SendError;

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    struct Alert {
        rule: String,
        words: String,
    }

    impl Notifiable for Alert {
        type Key = String;

        fn key(&self) -> String {
            self.rule.clone()
        }
    }

    fn alert(rule: &str, words: &str) -> Alert {
        Alert { rule: rule.into(), words: words.into() }
    }

    /// A channel that takes messages, refuses them, or never answers.
    struct Pager {
        name: &'static str,
        answer: Option<Result<(), SendError>>,
        took: Arc<Mutex<Vec<String>>>,
    }

    #[async_trait]
    impl Channel for Pager {
        fn name(&self) -> &'static str {
            self.name
        }

        async fn send(&self, notification: &Notification) -> Result<(), SendError> {
            match &self.answer {
                Some(Ok(())) => self.took.lock().unwrap().push(notification.subject.clone()),
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
            self.answer.clone().unwrap()
        }
    }

    fn message(known: &[Alert], open: &[Alert]) -> Option<Notification> {
        let news = news(known, open, |alert| alert.words.clone());
        let words: Vec<String> = news.iter().map(|(news, alert)| format!("{} {}", news.as_str(), alert.rule)).collect();
        let subject = words.join(", ");
        (!news.is_empty()).then(|| Notification { subject, text: String::new(), slack: String::new() })
    }

    #[tokio::test]
    async fn what_failed_is_sent_later_and_nothing_twice() {
        let took = Arc::default();
        let pager = |name, answer| -> Box<dyn Channel> { Box::new(Pager { name, answer, took: Arc::clone(&took) }) };
        let stop = CancellationToken::new();
        let sending = Sending { stop: &stop, may_send: async || true, sleep: async |_| () };
        let open = [alert("root-login", "one")];
        let refused = Some(Err(SendError::new("no")));
        let mut ledger = Ledger::default();
        let channels = [pager("refuses", refused), pager("hangs", None), pager("takes", Some(Ok(())))];
        let deliveries = ledger.deliver(&channels, &open, |known| message(known, &open), &sending).await;
        let results: Vec<(&str, bool)> = deliveries.iter().map(|d| (d.channel, d.result.is_ok())).collect();
        assert_eq!(results, [("refuses", false), ("hangs", false), ("takes", true)]);
        assert_eq!(deliveries[1].result.clone().unwrap_err().to_string(), "no answer within 60 seconds");

        // After a restart, with something more.
        let mut ledger: Ledger<Alert> = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        let open = [alert("root-login", "one"), alert("stop-logging", "two")];
        let channels = [pager("refuses", Some(Ok(()))), pager("takes", Some(Ok(())))];
        for _ in 0..2 {
            ledger.deliver(&channels, &open, |known| message(known, &open), &sending).await;
        }
        assert_eq!(*took.lock().unwrap(), ["new root-login", "new root-login, new stop-logging", "new stop-logging"]);
    }

    #[tokio::test]
    async fn nothing_is_sent_after_the_stop_or_when_nothing_may_be_sent() {
        let took = Arc::default();
        let pager =
            || -> Box<dyn Channel> { Box::new(Pager { name: "x", answer: Some(Ok(())), took: Arc::clone(&took) }) };
        let stop = CancellationToken::new();
        let all = |_: &str| message(&[], &[alert("a", "b")]);
        let sending = Sending { stop: &stop, may_send: async || false, sleep: async |_| () };
        assert_eq!(send_each(&[pager()], all, &sending).await, []);
        stop.cancel();
        let sending = Sending { stop: &stop, may_send: async || true, sleep: async |_| () };
        assert_eq!(send_each(&[pager()], all, &sending).await, []);
        assert!(took.lock().unwrap().is_empty());
    }

    #[test]
    fn new_changed_and_gone_are_told_apart() {
        let known = [alert("stays", "x"), alert("changes", "one"), alert("goes", "y")];
        let open = [alert("stays", "x"), alert("changes", "two"), alert("comes", "z")];
        let news: Vec<(News, &str)> =
            news(&known, &open, |alert| alert.words.clone()).into_iter().map(|(n, a)| (n, a.rule.as_str())).collect();
        assert_eq!(news, [(News::Changed, "changes"), (News::New, "comes"), (News::Gone, "goes")]);
    }
}
