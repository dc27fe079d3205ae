//! Tries again what AWS is not ready for yet.
//!
//! Throttling and broken connections are the SDK's to retry. This is about the other kind: AWS has taken a change but
//! not yet told all its parts, so that the next change is refused for a while with an ordinary error code.

use std::future::Future;

use backon::{ExponentialBuilder, Retryable};

use super::rate_limits::Timing;
use crate::cloud::{CloudFault, CloudFaultKind};

/// Tries after the first.
const TRIES_MAX: usize = 10;

/// Tries after the first of what is not found. New things are seen everywhere in seconds; what is missing longer than
/// that was never there, such as a group that a configuration names.
const TRIES_ABSENT_MAX: usize = 4;

/// Makes one write, again and again while AWS says that it is not ready.
///
/// A thing that is not found counts as not ready: what is written to was there a moment ago.
///
/// # Errors
/// The last [`CloudFault`], after about two minutes at [`Timing::AWS`].
pub(super) async fn retry_not_ready<T, F>(tempo: Timing, write: impl FnMut() -> F) -> Result<T, CloudFault>
where
    F: Future<Output = Result<T, CloudFault>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(tempo.first_pause)
        .with_max_delay(tempo.first_pause * 15)
        .with_factor(2.0)
        .with_max_times(TRIES_MAX)
        .with_jitter();
    let mut absent = 0;
    let may_succeed_later = |fault: &CloudFault| match fault.kind {
        CloudFaultKind::NotYet => true,
        CloudFaultKind::Absent => {
            absent += 1;
            absent <= TRIES_ABSENT_MAX
        }
        _ => false,
    };
    write
        .retry(pauses)
        .when(may_succeed_later)
        .notify(|fault, pause| tracing::debug!(%fault, ?pause, "not ready yet"))
        .await
}

/// Asks after a change, again and again while its answer is still the old one; nothing where it stays so, after about
/// two minutes at [`Timing::AWS`].
pub(super) async fn until<T, F>(tempo: Timing, mut probe: impl FnMut() -> F) -> Result<Option<T>, CloudFault>
where
    F: Future<Output = Result<Option<T>, CloudFault>>,
{
    let mut pause = tempo.first_pause;
    for _ in 0..TRIES_MAX {
        if let Some(answer) = probe().await? {
            return Ok(Some(answer));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(tempo.first_pause * 15);
    }
    probe().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn fault(kind: CloudFaultKind) -> CloudFault {
        CloudFault {
            kind,
            account: "111111111111".parse().unwrap(),
            operation: "cloudtrail:CreateTrail".into(),
            code: "X".into(),
            message: String::new(),
            help: String::new(),
        }
    }

    async fn tries(kind: CloudFaultKind, succeed_at: usize) -> (usize, bool) {
        let tempo = Timing { first_pause: std::time::Duration::from_micros(1), ..Timing::EMULATOR };
        let count = Cell::new(0);
        let result = retry_not_ready(tempo, || async {
            count.set(count.get() + 1);
            if count.get() == succeed_at { Ok(()) } else { Err(fault(kind)) }
        })
        .await;
        (count.get(), result.is_ok())
    }

    #[tokio::test]
    async fn an_old_answer_is_waited_out() {
        let tempo = Timing { first_pause: std::time::Duration::from_micros(1), ..Timing::EMULATOR };
        let answered = async |at: usize| {
            let count = Cell::new(0);
            let probe = || async {
                count.set(count.get() + 1);
                Ok((count.get() == at).then_some(()))
            };
            until(tempo, probe).await.unwrap().is_some()
        };
        assert!(answered(1).await && answered(TRIES_MAX + 1).await);
        assert!(!answered(usize::MAX).await);
    }

    #[tokio::test]
    async fn only_what_may_succeed_later_is_tried_again() {
        assert_eq!(tries(CloudFaultKind::NotYet, 3).await, (3, true));
        assert_eq!(tries(CloudFaultKind::NotYet, usize::MAX).await, (TRIES_MAX + 1, false));
        assert_eq!(tries(CloudFaultKind::Absent, usize::MAX).await, (TRIES_ABSENT_MAX + 1, false));
        assert_eq!(tries(CloudFaultKind::Refused, 3).await, (1, false));
        assert_eq!(tries(CloudFaultKind::Denied, 3).await, (1, false));
    }
}
