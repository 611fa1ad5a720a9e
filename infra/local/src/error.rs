//! What can go wrong while providing or running a server.
//!
//! Invariant: each message is one line and says what to do about it.

use std::{io, path::PathBuf};

/// A failure, readable as it stands.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process operation failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A program could not be found or fetched.
    #[error("{what} not found → {remedy}; searched: {searched}")]
    Missing {
        /// The program.
        what: &'static str,
        /// What to do.
        remedy: String,
        /// Where it was looked for, and what came of it.
        searched: String,
    },
    /// Another process uses the folder.
    #[error("{} is used by pid {pid} → end it (kill {pid}) or take another folder", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// The process that holds it.
        pid: String,
    },
    /// A requested port is taken.
    #[error("port {port} is used by {holder} → end that process or choose another port")]
    PortInUse {
        /// The port.
        port: u16,
        /// Who holds it, as far as this user may know.
        holder: String,
    },
    /// A server's data cannot be used with the programs at hand.
    #[error("{0}")]
    Unusable(String),
    /// A server ended or stayed silent instead of becoming ready.
    #[error("{what} did not start: {detail} → see {}", log.display())]
    NotReady {
        /// The server.
        what: &'static str,
        /// Its exit status and the last words in its log, in one line.
        detail: String,
        /// Its log.
        log: PathBuf,
    },
}

impl Error {
    /// For `map_err`: wraps a system error with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
