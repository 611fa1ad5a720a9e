//! What each role may say and hear, tried at a real server, both ways.
//!
//! Invariant: every role is held against every subject that any role may use, and against what
//! nobody may.

mod attempt;
mod start;
mod table;
mod told;

use local::{Nats, Scratch};

use crate::fixture::open;

/// A server of its own, with everything on it.
async fn server() -> Scratch<Nats> {
    let server = Nats::scratch().expect("a nats-server starts");
    open(&server, event_log::Role::Owner).await;
    server
}
