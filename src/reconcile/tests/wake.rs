//! Messages: a flood of them, and one whose work fails.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::cloud::queue::{Message, Queue};
use crate::daemon::clock::Clock;

/// A queue as SQS is: what is received and not deleted comes again.
#[derive(Clone)]
pub(super) struct InMemory {
    clock: TestClock,
    state: Arc<Mutex<Lying>>,
}

#[derive(Default)]
struct Lying {
    waiting: VecDeque<Message>,
    given: BTreeMap<String, Message>,
    /// The most that were given out and not deleted yet.
    given_max: usize,
    deleted: usize,
    /// How often each message was asked to be kept from others for longer.
    extended: BTreeMap<String, usize>,
    aside: Vec<String>,
}

impl InMemory {
    pub(super) fn new(clock: &TestClock) -> Self {
        Self { clock: clock.clone(), state: Arc::default() }
    }

    pub(super) fn send(&self, number: usize, body: &str) {
        let message = Message { receipt: number.to_string(), body: body.to_owned() };
        lock(&self.state).waiting.push_back(message);
    }

    /// Lets the time pass after which messages are given out again.
    fn give_back(&self) {
        let mut state = lock(&self.state);
        let given = std::mem::take(&mut state.given);
        state.waiting.extend(given.into_values());
    }
}

#[async_trait]
impl Queue for InMemory {
    async fn receive(&self, wait: bool) -> Result<Vec<Message>, CloudFault> {
        for _ in 0..20 {
            {
                let mut state = lock(&self.state);
                let count = state.waiting.len().min(10);
                let messages: Vec<Message> = state.waiting.drain(..count).collect();
                state.given.extend(messages.iter().map(|message| (message.receipt.clone(), message.clone())));
                state.given_max = state.given_max.max(state.given.len());
                if !wait || !messages.is_empty() {
                    return Ok(messages);
                }
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        Ok(Vec::new())
    }

    async fn extend(&self, messages: &[Message]) -> Result<(), CloudFault> {
        let mut state = lock(&self.state);
        for message in messages {
            *state.extended.entry(message.receipt.clone()).or_default() += 1;
        }
        Ok(())
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), CloudFault> {
        let mut state = lock(&self.state);
        for message in messages {
            state.deleted += usize::from(state.given.remove(&message.receipt).is_some());
        }
        Ok(())
    }

    async fn reject(&self, message: &Message, reason: &str) -> Result<(), CloudFault> {
        lock(&self.state).aside.push(reason.to_owned());
        self.delete(std::slice::from_ref(message)).await
    }
}

pub(super) fn event(account: &str, arn: &str) -> String {
    call("cloudtrail.amazonaws.com", "StopLogging", account, arn)
}

fn call(source: &str, name: &str, account: &str, arn: &str) -> String {
    json!({
        "detail-type": "AWS API Call via CloudTrail", "account": account,
        "detail": {"eventSource": source, "eventName": name,
                   "userIdentity": {"type": "AssumedRole", "arn": arn}}
    })
    .to_string()
}

pub(super) const MALLORY: &str = "arn:aws:sts::111111111111:assumed-role/Admin/mallory";

/// A session of the run `orgtrail-acme-1` in an account.
fn ourselves(account: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/OrganizationAccountAccessRole/orgtrail-acme-1")
}

pub(super) fn given(queue: &InMemory, cloud: impl Fn() -> Box<dyn Cloud> + Send + Sync + 'static) -> Given {
    let queue = queue.clone();
    let connect = move || {
        let queue: Box<dyn Queue> = Box::new(queue.clone());
        Ok(Connection { queue: Some(queue), ..Connection::to(cloud()) })
    };
    Given::connecting("{}", connect)
}

#[test]
fn a_flood_of_messages_is_worked_off_in_parts() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        let source = given(&queue, move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            stop_logging(world).await;
            for n in 0..10_000 {
                match n % 4 {
                    0 => queue.send(n, &event(MANAGEMENT, MALLORY)),
                    1 => queue.send(n, &event(MANAGEMENT, &ourselves(MANAGEMENT))),
                    2 => queue.send(n, "{\"detail-type\": \"nonsense\"}"),
                    _ => queue.send(n, &event("999999999999", MALLORY)),
                }
            }
            clock.minutes(10).await;
            let state = lock(&queue.state);
            assert_eq!((state.deleted, state.aside.len(), state.waiting.len()), (10_000, 2_500, 0));
            assert!(state.given_max <= 220, "{} at once", state.given_max);
            assert_eq!(board.read().totals.rejected, 2_500);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert!(in_sync(world, &rules).await);
    });
}

#[test]
fn a_message_is_deleted_only_when_its_work_is_done() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        // What waits for nobody is tried for itself, and once more with its change.
        let refusals = Arc::new(AtomicU64::new(2));
        let source = given(&queue, move || {
            let refusals = refusals.clone();
            let before =
                move |change: &Change| match refusals
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                {
                    Err(_) => Ok(()),
                    Ok(_) => Err(fault(CloudFaultKind::Throttled, change)),
                };
            Box::new(Shared { before: Box::new(before), ..Shared::new(world) })
        });
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            stop_logging(world).await;
            queue.send(1, &event(MANAGEMENT, MALLORY));
            clock.minutes(1).await;
            assert_eq!(board.read().rounds.last().unwrap().result, RoundResult::Partial);
            assert_eq!(lock(&queue.state).deleted, 0);
            queue.give_back();
            clock.minutes(1).await;
            assert_eq!(board.read().rounds.last().unwrap().result, RoundResult::Repaired);
            assert_eq!(lock(&queue.state).deleted, 1);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert!(in_sync(world, &rules).await);
    });
}

#[test]
fn a_fight_is_told_with_the_name_of_the_other_one() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        let source = given(&queue, move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            for n in 0..4 {
                stop_logging(world).await;
                queue.send(n, &event(MANAGEMENT, MALLORY));
                clock.minutes(1).await;
            }
            let status = board.read();
            let fight = status.findings.iter().find(|finding| finding.code == "Fight").unwrap();
            assert!(fight.message.ends_with(&format!("; last changed by {MALLORY}")), "{}", fight.message);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
    });
}

/// A world in which each change takes a while.
struct Slow {
    world: Shared,
    clock: TestClock,
    change_takes: Duration,
}

looks_through!(Slow);

#[async_trait]
impl CloudWriter for Slow {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        self.clock.sleep(self.change_takes).await;
        self.world.execute(change).await
    }
}

#[test]
fn a_message_is_kept_from_others_as_long_as_its_work_goes_on() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        let slowly = clock.clone();
        let source = given(&queue, move || {
            let change_takes = Duration::from_secs(300);
            Box::new(Slow { world: Shared::new(world), clock: slowly.clone(), change_takes })
        });
        let story = async |_: StatusBoard| {
            clock.minutes(1).await;
            stop_logging(world).await;
            queue.send(1, &event(MANAGEMENT, MALLORY));
            clock.minutes(4).await;
            // SQS gives a message out again after a minute, so it is asked for longer four times in each.
            let extended = lock(&queue.state).extended.get("1").copied().unwrap_or_default();
            assert!((12..=16).contains(&extended), "{extended} times");
            assert_eq!(lock(&queue.state).deleted, 0);
            clock.minutes(3).await;
            let state = lock(&queue.state);
            assert_eq!((state.deleted, state.extended["1"] <= 21), (1, true), "{:?}", state.extended);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert!(in_sync(world, &rules).await);
    });
}

#[test]
fn a_message_about_an_account_that_joined_has_it_taken_in_and_our_own_doing_wakes_nobody() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{every: 60m}");
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        let source = given(&queue, move || Box::new(Shared::new(world)));
        source.write(&format!("{CONFIG}\nreconcile: {{every: 60m, max_change: 100%}}\n"));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            let joins = |organization: &mut Organization, _: &mut Estate| {
                organization.accounts.insert(member(99), account("joined"));
            };
            world.edit(joins).await.unwrap();
            queue.send(1, &call("organizations.amazonaws.com", "CreateAccountResult", MANAGEMENT, MALLORY));
            clock.minutes(1).await;
            assert!(in_sync(world, &rules).await, "{:?}", board.read().findings);
            let rounds = board.read().rounds.len();
            // What that round did is told of too.
            for n in 2..10 {
                queue.send(n, &call("iam.amazonaws.com", "CreateRole", LOG, &ourselves(LOG)));
            }
            clock.minutes(10).await;
            assert_eq!((board.read().rounds.len(), lock(&queue.state).deleted), (rounds, 9));
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
    });
}

/// What Organizations tells of an account that came or went without a call in the management account.
fn membership(name: &str, account: &AccountId, how: serde_json::Value) -> String {
    let mut details = how;
    details["accountId"] = account.as_str().into();
    json!({
        "detail-type": "AWS Service Event via CloudTrail", "source": "aws.organizations", "account": MANAGEMENT,
        "detail": {"eventType": "AwsServiceEvent", "eventSource": "organizations.amazonaws.com", "eventName": name,
                   "readOnly": false, "userIdentity": {"invokedBy": "organizations.amazonaws.com"},
                   "serviceEventDetails": details}
    })
    .to_string()
}

#[test]
fn an_invited_account_is_taken_in_and_one_that_departed_for_good_is_noted_as_left_within_a_minute() {
    let clock = TestClock::new();
    clock.run(async {
        const RULES: &str = "{every: 60m, max_change: 100%}";
        let rules = config(RULES);
        let world = leak(world(2, &rules).await);
        let queue = InMemory::new(&clock);
        let source = given(&queue, move || Box::new(Shared::new(world)));
        source.write(&format!("{CONFIG}\nreconcile: {RULES}\n"));
        let reader = |account: &AccountId| {
            let role = Address::global(&id(LOG), Kind::Role, format!("CloudTrailReadLogs-{account}").as_str());
            world.snapshot().estate.resource(&role).map(|role| role.tags().unwrap().clone())
        };
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            let change = |organization: &mut Organization, _: &mut Estate| {
                organization.accounts.insert(member(99), account("invited"));
                organization.accounts.remove(&member(0)).unwrap();
            };
            world.edit(change).await.unwrap();
            queue.send(1, &membership("AccountJoinedOrganization", &member(99), json!({"joinedMethod": "Invited"})));
            queue.send(2, &membership("AccountDepartedOrganization", &member(0), json!({"departedMethod": "Cleaned"})));
            clock.minutes(1).await;
            assert!(reader(&member(99)).is_some(), "{:?}", board.read().findings);
            let left = |account: &AccountId| reader(account).unwrap().get(crate::estate::LEFT_TAG).cloned();
            assert!(left(&member(0)).is_some_and(|day| !day.is_empty()), "{:?}", board.read().findings);
            assert_eq!(left(&member(1)), None);
            assert_eq!(lock(&queue.state).deleted, 2);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
    });
}
