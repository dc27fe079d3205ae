//! Rounds with somebody else's hands in between, while a proxy delays, throttles, cuts and reorders what the daemon
//! sends.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orgtrail::cloud::NoProgress;
use orgtrail::cloud::aws::{Aws, AwsOptions, Timing};
use orgtrail::config::{self, Config};
use orgtrail::daemon::clock::{Clock, after, between};
use orgtrail::policy::template::Templates;
use orgtrail::reconcile::history::RoundResult;
use orgtrail::reconcile::status::{Status, StatusBoard};
use orgtrail::reconcile::{ConfigSource, Connection, Controller, Options, SourceError};
use orgtrail::survey::{SurveyOptions, Surveyor};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::hand::{Edit, Hand};
use super::until;
use crate::run::Desk;
use crate::support::world::{HOME, MEMBER_ROLE};
use crate::support::{Dice, Emulator, World};

/// Repairing a policy may take a statement of somebody else away, which a person would have to allow. Every round looks
/// at every account: what is looked at in which round is another test.
const RULES: &str = "reconcile: {allow: [safe, weakens, interrupts, destroys, costs], max_change: 100%, every: 1m, \
                     full_pass_every: 1m}\n";

/// Rounds of edits. Each takes two or three of the daemon's rounds, half a second on an idle machine;
/// `ORGTRAIL_STORM_ROUNDS` makes fewer or more of them.
const ROUNDS: usize = 200;

/// Rounds of the daemon within which one edit must be put right.
const PATIENCE: u64 = 30;

/// A clock that stands still until somebody moves it on: no round is made that nobody waits for.
struct Stepped(watch::Sender<Timestamp>);

impl Stepped {
    fn go_on(&self, span: Duration) {
        self.0.send_modify(|now| *now = after(*now, span));
    }
}

#[async_trait]
impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn passed(&self) -> Duration {
        between(Timestamp::UNIX_EPOCH, self.now())
    }

    async fn sleep(&self, span: Duration) {
        let (end, mut time) = (after(self.now(), span), self.0.subscribe());
        // The sender is this clock's own, so the wait ends only when it is time.
        let _ = time.wait_for(|now| *now >= end).await;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// A daemon's way to AWS: through the proxy.
pub struct Through {
    pub text: String,
    pub endpoint: String,
    pub tempo: Timing,
}

async fn connect(endpoint: &str, tempo: Timing) -> Aws {
    let options = AwsOptions {
        profile: None,
        home_region: HOME.parse().unwrap(),
        endpoint: Some(endpoint.to_owned()),
        credentials: Some(World::start_credentials()),
        member_role: MEMBER_ROLE.into(),
        session_name: "orgtrail-acme-storm".into(),
        concurrency: 8,
        read_only: false,
        tempo: Some(tempo),
    };
    Aws::connect(options).await.unwrap()
}

#[async_trait]
impl ConfigSource for Through {
    fn read(&self) -> Result<String, SourceError> {
        Ok(self.text.clone())
    }

    fn parse(&self, text: &str) -> Result<Config, SourceError> {
        config::parse(text, "orgtrail.yaml").map_err(|errors| SourceError { why: errors.to_string(), retryable: false })
    }

    async fn connect(&self, _config: &Config) -> Result<Connection, SourceError> {
        Ok(Connection::to(Box::new(connect(&self.endpoint, self.tempo).await)))
    }
}

pub fn rounds(status: &Status) -> u64 {
    status.totals.rounds.values().sum()
}

fn wanted_rounds() -> usize {
    std::env::var("ORGTRAIL_STORM_ROUNDS").map_or(ROUNDS, |number| number.parse().unwrap())
}

/// Has a round begin where none runs; tells whether one does.
fn has_begun(board: &StatusBoard, clock: &Stepped) -> bool {
    let runs = board.read().working_since.is_some();
    if !runs {
        clock.go_on(Duration::from_secs(60));
    }
    runs
}

/// Waits for the end of a round after so many.
async fn next_round(board: &StatusBoard, clock: &Stepped, seen: u64) {
    until(async || {
        let is_over = rounds(&board.read()) > seen;
        if !is_over {
            has_begun(board, clock);
        }
        is_over
    })
    .await;
}

/// Makes up to three edits at once. None is made twice on end: a field that is set back each time would be a fight.
async fn make_edits(hand: &Hand, dice: &mut Dice, last: &[Edit]) -> Vec<Edit> {
    let choice: Vec<Edit> = Edit::ALL.into_iter().filter(|edit| !last.contains(edit)).collect();
    let mut edits: Vec<Edit> = Vec::new();
    for _ in 0..=dice.roll(3) {
        let edit = choice[dice.roll(choice.len())];
        // What was dropped cannot be edited any more.
        let dropped = [Edit::DropReader, Edit::DropMemberPolicy];
        if !edits.contains(&edit) && !edits.iter().any(|made| dropped.contains(made)) {
            hand.make(edit).await;
            edits.push(edit);
        }
    }
    edits
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_somebody_edits_in_whatever_weather_is_put_right() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, RULES);
    desk.run("apply --yes").expect_code(0);
    let hand = Hand::new(&world).await;

    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let rules = config::parse(&text, "orgtrail.yaml").unwrap();
    let source = Through { text, endpoint: emulator.endpoint().to_owned(), tempo: Timing::EMULATOR };
    let templates = Templates::new(&[]).unwrap();
    let clock = Stepped(watch::Sender::new("2026-01-05T00:00:00Z".parse().unwrap()));
    let options =
        Options { run: "orgtrail-acme-storm".into(), observe: false, once: false, concurrency: 4, history: None };
    let board = StatusBoard::default();
    let controller =
        Controller { source: &source, templates: &templates, clock: &clock, board: board.clone(), options };
    let stop = CancellationToken::new();

    let story = async {
        let aside = connect(emulator.backend(), Timing::EMULATOR).await;
        let surveyor = Surveyor { config: &rules, templates: &templates, look: &aside, progress: &NoProgress };
        next_round(&board, &clock, 0).await;
        emulator.proxy().weather(11);
        let (mut dice, mut last) = (Dice(7), Vec::new());
        for round in 0..wanted_rounds() {
            // Every other time in the middle of a round.
            if dice.roll(2) == 0 {
                until(async || has_begun(&board, &clock)).await;
            }
            last = make_edits(&hand, &mut dice, &last).await;
            let before = rounds(&board.read());
            let left = loop {
                let seen = rounds(&board.read());
                next_round(&board, &clock, seen).await;
                let status = board.read();
                // A look of our own costs as much as a round: only one that finds nothing more to do is held to it.
                let is_content = status.rounds.last().is_some_and(|last| last.result == RoundResult::InSync);
                let is_patient = rounds(&status) <= before + PATIENCE;
                if !is_content && is_patient {
                    continue;
                }
                let left = surveyor.survey(&SurveyOptions::default()).await.unwrap().plan.changes;
                if left.is_empty() || !is_patient {
                    break left;
                }
            };
            assert!(left.is_empty(), "round {round} after {last:?}: {left:#?} {:#?}", board.read().findings);
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(controller.run(&stop), story);
    assert!(ended.is_ok());
    let (troubled, made) = (emulator.proxy().troubled(), board.read().totals.made);
    assert!(troubled > wanted_rounds(), "{troubled} requests had trouble");
    assert!(made >= wanted_rounds() as u64, "{made} changes were made");
}
