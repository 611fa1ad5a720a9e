//! Starts and stops private nats-server and Postgres processes for development, tests and benches.
//!
//! Invariant: every server runs the real program, listens on loopback only, is ready when `start`
//! returns, ends with the process that started it, and only processes started here are ever ended.
//!
//! To get both servers in a test: `let servers = local::Servers::scratch()?`, then connect to
//! `servers.nats.url()` and `servers.postgres.url("almanac")`; they vanish when `servers` drops.
//! To keep data: [`Servers::start`] with a folder; a second start continues where the first ended;
//! [`Servers::wipe`] removes it.
//! To try faults: `kill` (as `kill -9`), `pause`, `resume` and `restart` on either server.
//!
//! The interface is synchronous; from async code call it through `spawn_blocking`.

mod account;
mod error;
mod lock;
mod nats;
pub mod ports;
mod postgres;
mod process;
pub mod provision;
mod scratch;
mod secret;
mod servers;
mod wait;

pub use error::Error;
pub use lock::Lock;
pub use nats::{Nats, NatsOptions, Sync};
pub use postgres::{Postgres, PostgresOptions, Role, wipe};
pub use servers::{Scratch, Servers};

/// What every fallible function here answers with.
pub type Result<T> = std::result::Result<T, Error>;
