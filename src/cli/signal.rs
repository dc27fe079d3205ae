//! How somebody who runs the program has it stop: Ctrl-C at a terminal, SIGTERM from a scheduler, a terminal that is
//! closed.

use std::convert::Infallible;

use tokio_util::sync::CancellationToken;

/// Is done when the program is told to stop. Where no signal can be listened to, it never is, and a signal ends the
/// process as it always does.
#[cfg(unix)]
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
        }
        _ => std::future::pending().await,
    }
}

/// Has Ctrl-C end the process no longer: from now on it does what [`interrupted`] is waited for.
#[cfg(feature = "sql")]
pub fn hold_interrupts() {
    // Whoever listens once is listened for until the process ends.
    #[cfg(unix)]
    let _held = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
}

/// Is done at the next Ctrl-C.
#[cfg(feature = "sql")]
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Is done when the program is told to stop, or its terminal is closed: what has begun is to be finished then, too.
#[cfg(unix)]
pub async fn told_to_stop_or_left_alone() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return told_to_stop().await };
    tokio::select! { () = told_to_stop() => (), _ = hangup.recv() => () }
}

/// Calls `each` at each SIGHUP, which then does not end the process.
#[cfg(unix)]
pub async fn at_each_hangup(mut each: impl FnMut()) -> Infallible {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut hangup) = signal(SignalKind::hangup()) {
        while hangup.recv().await.is_some() {
            each();
        }
    }
    std::future::pending().await
}

/// Is done when the program is told to stop, and never where no signal can be listened to.
#[cfg(not(unix))]
pub async fn told_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Is done when the program is told to stop.
#[cfg(not(unix))]
pub async fn told_to_stop_or_left_alone() {
    told_to_stop().await;
}

/// Never calls anything: there is no such signal.
#[cfg(not(unix))]
pub async fn at_each_hangup(_each: impl FnMut()) -> Infallible {
    std::future::pending().await
}

/// Cancels a daemon at the first signal to stop, and goes on listening so that a second one does no harm.
pub async fn cancel_at_signals(stop: &CancellationToken) -> Infallible {
    loop {
        told_to_stop().await;
        tracing::info!("stopping; changes in progress will finish first");
        stop.cancel();
    }
}
