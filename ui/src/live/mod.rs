//! The live stream: every commit, as soon as what it changed can be read.
//!
//! Invariant: whoever listens either hears of every commit since its data was loaded, or is told to
//! load again ([`News::Reload`]). Nothing is missed silently.

mod connection;
mod feed;
mod sse;

pub use connection::Connection;
pub use feed::Feed;

use std::rc::Rc;

use schemas::api::LiveEvent;

/// How the stream is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// Not connected; will be soon.
    #[default]
    Connecting,
    /// Connected: what is shown is what is.
    Live,
    /// Let go while nobody looks.
    Paused,
}

/// How the stream is and how far it has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// Connected or not.
    pub state: State,
    /// The position reached.
    pub position: u64,
    /// When the stream that broke was last heard of, in milliseconds since the epoch.
    pub heard_ms: i64,
    /// Whether it was ever connected; if so, a break is a reconnection.
    pub known: bool,
}

/// What listeners hear.
#[derive(Clone, Debug)]
pub enum News {
    /// Something changed.
    Commit(Rc<LiveEvent>),
    /// Commits may have been missed: load what you show again.
    Reload,
    /// The stream itself changed.
    Status(Status),
}
