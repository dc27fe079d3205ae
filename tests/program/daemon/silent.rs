//! A service that takes a request and never answers.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use orgtrail::cloud::aws::Timing;
use orgtrail::daemon::clock::{Clock, after};
use orgtrail::policy::template::Templates;
use orgtrail::reconcile::history::RoundResult;
use orgtrail::reconcile::status::StatusBoard;
use orgtrail::reconcile::{Controller, Options};
use tokio_util::sync::CancellationToken;

use super::storm::{Through, rounds};
use super::until;
use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

/// A clock that runs so much faster than the others: a minute between two rounds is a tenth of a second.
const HASTE: u32 = 600;

struct Hasty {
    began: Instant,
    start: Timestamp,
}

impl Hasty {
    fn start() -> Self {
        Self { began: Instant::now(), start: "2026-01-05T00:00:00Z".parse().unwrap() }
    }
}

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        after(self.start, self.began.elapsed() * HASTE)
    }

    fn passed(&self) -> Duration {
        self.began.elapsed() * HASTE
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span / HASTE).await;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_fault_of_one_round_and_the_loop_goes_on() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "reconcile: {every: 1m, full_pass_every: 1m}\n");
    desk.run("apply --yes").expect_code(0);
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let tempo = Timing { answer_max: Duration::from_millis(300), ..Timing::EMULATOR };
    let source = Through { text, endpoint: emulator.endpoint().to_owned(), tempo };
    let (templates, clock, board) = (Templates::new(&[]).unwrap(), Hasty::start(), StatusBoard::default());
    let options =
        Options { run: "orgtrail-acme-silent".into(), observe: false, once: false, concurrency: 4, history: None };
    let controller =
        Controller { source: &source, templates: &templates, clock: &clock, board: board.clone(), options };
    let stop = CancellationToken::new();
    let ended_with = |result: RoundResult| board.read().rounds.last().is_some_and(|round| round.result == result);
    let story = async {
        until(async || ended_with(RoundResult::InSync)).await;
        // What everything depends on, and what one account is asked.
        for (service, action, result) in [
            ("organizations", "DescribeOrganization", RoundResult::Failed),
            ("cloudtrail", "DescribeTrails", RoundResult::Partial),
        ] {
            emulator.proxy().trouble(service, action, usize::MAX, Trouble::HoldRequest);
            until(async || ended_with(result)).await;
            let status = board.read();
            let last = status.rounds.last().unwrap();
            let message = status.findings.iter().map(|finding| finding.message.as_str()).chain([last.error.as_str()]);
            let code = status.findings.iter().map(|finding| finding.code.as_str());
            let said = message.chain(code).any(|text| text.contains("NoAnswer"));
            assert!(said, "{service}: {last:?} {:?}", status.findings);
            emulator.proxy().clear_up();
            emulator.proxy().let_go();
            let before = rounds(&board.read());
            until(async || rounds(&board.read()) > before + 1 && ended_with(RoundResult::InSync)).await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(controller.run(&stop), story);
    assert!(ended.is_ok());
}
