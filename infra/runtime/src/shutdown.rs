//! Ending in order.
//!
//! Invariant: the first signal asks every part to finish what it holds; nothing is dropped half
//! done.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first `SIGINT` or `SIGTERM`.
pub fn shutdown_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};

    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}
