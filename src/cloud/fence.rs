//! Asked before each call that writes, not only before each change: a change can be many calls, and between two of them a
//! run can be held up until another one has taken its place.
//!
//! Whoever runs a change says with [`fenced`] whom to ask; an adapter asks with [`may_write`] before it sends anything. The
//! question goes from the call to the run and back over a channel, so that an adapter needs to know nothing of leases.

use std::pin::pin;

use tokio::sync::{mpsc, oneshot};

type Answer = Result<(), String>;

tokio::task_local! {
    static ASKED: mpsc::UnboundedSender<oneshot::Sender<Answer>>;
}

/// Runs a change. Each time that it asks whether it may still write, `admit` answers.
pub async fn fenced<T>(change: impl Future<Output = T>, admit: impl AsyncFn() -> Answer) -> T {
    let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<Answer>>();
    let mut change = pin!(ASKED.scope(ask, change));
    loop {
        tokio::select! {
            biased;
            Some(answer) = asked.recv() => {
                // A call that does not wait any more needs no answer.
                let _ = answer.send(admit().await);
            }
            result = &mut change => return result,
        }
    }
}

/// Asks whether the change that is being made may still write. Outside of one, nobody minds.
///
/// # Errors
/// In a sentence, why not.
pub async fn may_write() -> Answer {
    let Ok(ask) = ASKED.try_with(Clone::clone) else { return Ok(()) };
    let gone = || Err("the run that began this change is over".to_owned());
    let (answer, told) = oneshot::channel();
    if ask.send(answer).is_err() {
        return gone();
    }
    told.await.unwrap_or_else(|_| gone())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn each_call_of_a_change_is_asked_for_and_none_is_sent_after_a_refusal() {
        let (asked, sent) = (Cell::new(0), Cell::new(0));
        let change = async {
            for _ in 0..5 {
                may_write().await?;
                sent.set(sent.get() + 1);
            }
            Ok::<(), String>(())
        };
        let admit = async || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { Ok(()) } else { Err("the lease was taken over".to_owned()) }
        };
        assert_eq!(fenced(change, admit).await, Err("the lease was taken over".into()));
        assert_eq!((asked.get(), sent.get()), (3, 2));
        assert_eq!(may_write().await, Ok(()), "nobody is asked outside of a change");
    }
}
