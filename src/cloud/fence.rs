//! Asked before each request that writes, not only before each change: a change can be many calls, a call is sent again
//! where no answer comes, and between two requests a run can be held up until another one has taken its place.
//!
//! Whoever runs a change says with [`fenced`] whom to ask; an adapter marks a call that writes with [`writing`] and
//! asks with [`may_send`] where it sends a request. The question goes from the request to the run and back over a
//! channel, so that an adapter needs to know nothing of leases.

use std::cell::RefCell;
use std::pin::pin;

use tokio::sync::{mpsc, oneshot};

type Answer = Result<(), String>;

tokio::task_local! {
    static ASKED: mpsc::UnboundedSender<oneshot::Sender<Answer>>;
    /// Why a request of the call that writes was not sent.
    static REFUSED: RefCell<Option<String>>;
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

/// Makes a call that writes; each of its requests is asked for.
///
/// # Errors
/// In a sentence, why one of them was not sent.
pub async fn writing<T>(call: impl Future<Output = T>) -> Result<T, String> {
    let told = async {
        let answer = call.await;
        (answer, REFUSED.with(RefCell::take))
    };
    match REFUSED.scope(RefCell::default(), told).await {
        (_, Some(why)) => Err(why),
        (answer, None) => Ok(answer),
    }
}

/// Asks whether a request may be sent. What belongs to no call that writes always may.
///
/// # Errors
/// In a sentence, why not.
pub async fn may_send() -> Answer {
    if REFUSED.try_with(|_| ()).is_err() {
        return Ok(());
    }
    let answer = may_write().await;
    if let Err(why) = &answer {
        REFUSED.with(|refused| refused.replace(Some(why.clone())));
    }
    answer
}

/// Asks whether the change that is being made may still write. Outside of one, nobody minds.
async fn may_write() -> Answer {
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
    async fn each_request_of_a_change_that_writes_is_asked_for_and_none_is_sent_after_a_refusal() {
        let (asked, sent) = (Cell::new(0), Cell::new(0));
        let request = async || {
            may_send().await?;
            sent.set(sent.get() + 1);
            Ok::<(), String>(())
        };
        let change = async {
            request().await?;
            // The second call is sent again and again, as for want of an answer.
            writing(request()).await??;
            writing(async {
                let mut answer = Ok(());
                for _ in 0..5 {
                    answer = request().await;
                }
                answer
            })
            .await?
        };
        let admit = async || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { Ok(()) } else { Err("the lease was taken over".to_owned()) }
        };
        assert_eq!(fenced(change, admit).await, Err("the lease was taken over".into()));
        assert_eq!((asked.get(), sent.get()), (6, 3), "one that reads, and two that write");
        assert_eq!(writing(may_send()).await, Ok(Ok(())), "nobody is asked outside of a change");
    }
}
