//! The wish that the daemon ends: heard everywhere at once, and often asked for.

use tokio::sync::watch;

/// Hears the wish. Clones hear the same one.
#[derive(Debug, Clone)]
pub struct Stop {
    wished: watch::Receiver<bool>,
}

/// Utters the wish.
#[derive(Debug)]
pub struct Stopper {
    wish: watch::Sender<bool>,
}

/// Makes the two ends.
pub fn stop() -> (Stopper, Stop) {
    let (wish, wished) = watch::channel(false);
    (Stopper { wish }, Stop { wished })
}

impl Stopper {
    /// Wishes that the daemon ends.
    pub fn stop(&self) {
        self.wish.send_replace(true);
    }
}

impl Stop {
    /// Returns when the end is wished; never where nobody is left to wish it.
    pub async fn wished(&self) {
        let mut wished = self.wished.clone();
        if wished.wait_for(|wished| *wished).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells whether the end is wished.
    pub fn is_cancelled(&self) -> bool {
        *self.wished.borrow()
    }
}
