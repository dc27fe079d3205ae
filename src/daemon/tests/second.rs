//! A second daemon, of a few lines: it leads under a lease of its own, shows a page of its own, keeps a history of its
//! own and ends in order. What it needs for that is all in this room.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::InMemory;
use crate::daemon::clock::Clock;
use crate::daemon::clock::tests::TestClock;
use crate::daemon::history::{History, HistoryEntry, HistoryFormat, SharedHistory};
use crate::daemon::lease::{LeaderElector, Leadership, Lease, RENEW_EVERY};
use crate::daemon::metrics::Metrics;
use crate::daemon::run_id::new_run_id;
use crate::daemon::shutdown::within_grace;
use crate::daemon::status_board::StatusBoard;
use crate::daemon::status_server::{Access, Page, PageError, StatusSite, answer};

/// One reading of the queue, as the history keeps it.
#[derive(Clone, Serialize, Deserialize)]
struct Batch {
    run: String,
    number: u64,
    started: Timestamp,
}

impl HistoryEntry for Batch {
    const KEPT_MAX: usize = 3;

    fn id(&self) -> (&str, u64) {
        (&self.run, self.number)
    }

    fn started(&self) -> Timestamp {
        self.started
    }
}

#[derive(Serialize, Deserialize)]
struct WatchRecord {
    format_version: u32,
    deployment: String,
    batches: Vec<Batch>,
}

impl HistoryFormat for WatchRecord {
    const FORMAT_VERSION: u32 = 1;

    fn format_version(&self) -> u32 {
        self.format_version
    }

    fn deployment(&self) -> &str {
        &self.deployment
    }
}

#[derive(Clone, Default)]
struct WatchStatus {
    batches: u64,
    ended: bool,
}

impl StatusSite for WatchStatus {
    const PATHS: &'static [&'static str] = &["/"];

    fn health(&self, _now: Timestamp) -> Result<(), &'static str> {
        (!self.ended).then_some(()).ok_or("it has ended")
    }

    fn readiness(&self) -> Result<(), &'static str> {
        (self.batches > 0).then_some(()).ok_or("no message was read yet")
    }

    fn metrics(&self, _now: Timestamp) -> Result<String, PageError> {
        let mut metrics = Metrics::new("acme");
        metrics.counter("batches", "Batches of messages", self.batches);
        Ok(metrics.text()?)
    }

    fn page(&self, path: &str, _now: Timestamp) -> Result<Option<Page>, PageError> {
        Ok((path == "/").then(|| Page::html(format!("<h1>{} batches</h1>", self.batches))))
    }
}

struct Watch<'a> {
    lease: &'a InMemory,
    history: &'a InMemory,
    clock: &'a TestClock,
    board: StatusBoard<WatchStatus>,
}

impl Watch<'_> {
    /// Reads a batch every time that it renews its lease.
    async fn run(&self, stop: &CancellationToken) {
        let run = new_run_id("acme", self.clock.now());
        let elector = LeaderElector::new(self.lease, self.clock, &run, "watch.lease");
        let mut batches: History<Batch> = History::default();
        let work = async {
            while !stop.is_cancelled() {
                if elector.renew().await == Leadership::Leader && elector.fence().check().await.is_ok() {
                    let number = batches.iter().next_back().map_or(1, |batch| batch.number + 1);
                    batches.push(Batch { run: run.clone(), number, started: self.clock.now() });
                    self.board.write(|status| status.batches = number);
                }
                tokio::select! { () = stop.cancelled() => {}, () = self.clock.sleep(RENEW_EVERY) => {} }
            }
            let batches: Vec<Batch> = batches.iter().cloned().collect();
            let record = |_| WatchRecord { format_version: 1, deployment: "acme".into(), batches: batches.clone() };
            SharedHistory::new(self.history, "acme").write(record).await.unwrap();
            elector.release().await;
        };
        within_grace(work, stop, self.clock, Duration::from_secs(29)).await.unwrap();
        self.board.write(|status| status.ended = true);
    }
}

fn get(status: &WatchStatus, path: &str) -> u16 {
    let request = Request::get(path).header("host", "localhost").body(()).unwrap();
    answer(&Access::Loopback, status, Timestamp::UNIX_EPOCH, &request).status().as_u16()
}

#[test]
fn a_second_daemon_has_a_lease_a_page_a_history_and_an_orderly_end_of_its_own() {
    let (clock, board) = (TestClock::new(), StatusBoard::<WatchStatus>::default());
    let (lease, history, stop) = (InMemory::default(), InMemory::default(), CancellationToken::new());
    let watch = Watch { lease: &lease, history: &history, clock: &clock, board: board.clone() };
    assert_eq!(get(&board.read(), "/readyz"), 503, "it has not begun");
    let story = async {
        // Not at the very moment at which another batch is read.
        clock.sleep(Duration::from_secs(125)).await;
        let status: Arc<WatchStatus> = board.read();
        let codes = ["/", "/metrics", "/healthz", "/readyz", "/accounts"].map(|path| get(&status, path));
        assert_eq!((status.batches, codes), (9, [200, 200, 200, 200, 404]));
        stop.cancel();
    };
    clock.run(async { tokio::join!(watch.run(&stop), story) });
    assert_eq!(get(&board.read(), "/healthz"), 503);
    let text = |store: &InMemory| store.text().unwrap();
    let released: Lease = serde_json::from_str(&text(&lease)).unwrap();
    assert_eq!(released.expires, Timestamp::UNIX_EPOCH);
    let kept: WatchRecord = serde_json::from_str(&text(&history)).unwrap();
    assert_eq!(kept.batches.iter().map(|batch| batch.number).collect::<Vec<_>>(), [7, 8, 9]);
}
