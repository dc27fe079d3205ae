//! The status server of a daemon: where it listens, and who may see it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::failure::CliError;
use super::ui::Ui;
use crate::daemon::clock::SystemClock;
use crate::daemon::status_board::StatusBoard;
use crate::daemon::status_server::{Access, ServerError, StatusSite, listen, serve as serve_status};
use crate::files;

/// A status server that listens and serves nothing yet.
pub struct StatusServer {
    listener: TcpListener,
    access: Access,
}

impl StatusServer {
    /// Listens at an address, and says where. `token_file` holds the token that is asked for; `None` where none is set.
    ///
    /// # Errors
    /// An address that others could see without a token, or that cannot be had; a file that cannot be read.
    pub async fn open(address: SocketAddr, token_file: Option<&Path>, ui: &Ui) -> Result<Self, CliError> {
        let failed = |error: ServerError| {
            CliError::new("cannot show the status").because(error).hint("see --listen and --token-file")
        };
        let token = token_file.map(read_token).transpose()?;
        let access = Access::new(address, token.as_deref()).map_err(failed)?;
        let listener = listen(address).await.map_err(failed)?;
        // Port 0 is any free one: which, only the listener knows.
        let address = listener.local_addr().unwrap_or(address);
        ui.note(&format!("status at http://{address}/"));
        Ok(Self { listener, access })
    }
}

/// Serves the status for as long as it is polled; waits for ever where there is no server.
pub async fn serve<S: StatusSite>(server: Option<StatusServer>, board: StatusBoard<S>) -> Infallible {
    match server {
        Some(StatusServer { listener, access }) => serve_status(listener, access, board, Arc::new(SystemClock)).await,
        None => std::future::pending().await,
    }
}

/// The largest file of a token, in bytes.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

fn read_token(file: &Path) -> Result<String, CliError> {
    files::read_text(file, TOKEN_BYTES_MAX)
        .map_err(|error| CliError::new(format!("cannot read the token in {}", file.display())).because(error))
}
