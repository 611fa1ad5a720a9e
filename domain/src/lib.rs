//! What may happen: the aggregates of Almanac as pure functions.
//!
//! Invariant: nothing here reads a clock, draws a random number or touches the outside world. Time
//! and ids arrive in [`Context`] or in the command, so the same input always gives the same events.
//!
//! To add an aggregate: copy a neighbour's file and keep its order (events, state and `evolve`,
//! commands and `decide`, rejections), add a variant to [`AggregateKind`], list its events in the
//! catalogue of the `schemas` crate, and give it a read model in `projections`.

mod aggregate;
pub mod api_key;
pub mod email_claim;
pub mod identity_claim;
mod ids;
pub mod job;
pub mod log_checkpoint;
mod log_level;
pub mod operation;
pub mod parked_commit;
pub mod resource;
pub mod resource_type;
pub mod schedule;
pub mod settings;
mod slug;
pub mod task;
pub mod tenant;
mod time;
pub mod unique_key;
pub mod user;
mod values;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

pub use aggregate::{Actor, Aggregate, AggregateKind, Context, Decision, UnknownKind};
pub use ids::{
    ApiKeyId, CommandId, JobId, OperationId, ParkedCommitId, ResourceId, ResourceTypeId, TaskId,
    TenantId, UniqueKeyId, UserId,
};
pub use log_level::LogLevel;
pub use slug::{InvalidSlug, Slug};
pub use time::{InvalidTimestamp, Timestamp};
pub use values::{Attributes, InvalidName, Labels, Name, Origin, Sealed};
