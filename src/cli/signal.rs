//! How somebody who runs the program has it stop: Ctrl-C at a terminal, SIGTERM from a scheduler.

/// Is done when the program is told to stop. Where no signal can be listened to, it never is, and a signal ends the process
/// as it always does.
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

/// Is done when the program is told to stop, and never where no signal can be listened to.
#[cfg(not(unix))]
pub async fn told_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
