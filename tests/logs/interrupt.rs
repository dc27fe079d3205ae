//! A run that is stopped early tells what it knows by then.

use std::sync::Arc;

use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{KeyFinder, Request, Verifier};

use crate::bucket::{ACCOUNT, Layout, MemoryStore};
use crate::proof::{findings, request};

#[tokio::test]
async fn what_was_proved_stays_and_the_rest_is_unproven() {
    let layout = Layout { accounts: vec![ACCOUNT.into(), "222222222222".into()], ..Layout::default() };
    let bucket = layout.write();
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    let verifier = Verifier::new(Arc::new(MemoryStore::of(&bucket)), Arc::new(KeyFinder::new(ring, None)));
    let stop = Arc::clone(&verifier.stop);
    let request = Request { chains_at_once: 1, ..request(&bucket) };
    let answer = verifier.run(&request, |_| stop.set()).await.unwrap();
    assert!(answer.interrupted);
    assert_eq!(answer.state(), State::Unproven);
    assert_eq!((answer.chains[0].state, answer.chains[0].logs_attested), (State::Attested, 6));
    assert_eq!(findings(&answer.chains[1]), ["UNPROVEN run.interrupted -"]);
    assert_eq!(answer.chains[1].attested_to, None);
}
