//! The read models: for each aggregate, its table and the questions it answers.
//!
//! Invariant: a row is the state that the domain's own `evolve` folded from the log, so what the
//! read side shows and what the write side decided on are the same.

pub mod api_keys;
mod get;
pub mod jobs;
mod list;
pub mod operations;
pub mod resource_types;
pub mod resources;
pub mod settings;
mod statements;
pub mod tasks;
pub mod tenants;
pub mod users;

use schemas::{catalogue::Recorded, domain::Aggregate};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use get::row_of;
pub(crate) use statements::Statements;

/// An aggregate that has a read model.
///
/// Its `evolve` must treat an aggregate whose life has ended as one that never was: once its row is
/// gone, the projector knows nothing more of it than its version.
pub(crate) trait Model: Aggregate<Event: Recorded> + Serialize + DeserializeOwned {
    /// What to ask Postgres.
    fn statements() -> &'static Statements;

    /// What it is counted by, if its counts are shown.
    fn bucket(&self) -> Option<&str>;

    /// Whether it lives, and so has a current row.
    fn lives(&self) -> bool;
}
