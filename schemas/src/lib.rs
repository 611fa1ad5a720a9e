//! How it is written down: the commit envelope, the event catalogue, and the types of the HTTP API
//! that the gateway and the page share.
//!
//! Invariant: whatever was ever written can be read. Field and event names are spelled out here and
//! in the events themselves, so that renaming Rust code never rewrites history.
//!
//! To add an event: add it to its aggregate in `domain`, list it in [`catalogue`], put a golden
//! example under `schemas/golden/` with its line in `golden.digests`, and regenerate with
//! `cargo xtask schemas`. To change one: add a version and an upcaster; the old version stays as it
//! is.

pub mod api;
mod api_compatibility;
mod audit;
pub mod catalogue;
mod compatibility;
mod envelope;
mod event_views;
pub mod generated;
mod lease;
mod task_logs;
mod views;
mod worker;

pub use api_compatibility::breaking_api_changes;
pub use audit::{AuditRecord, Origin, OriginKey, SealedOrigin};
pub use compatibility::breaking_changes;
pub use domain;
pub use envelope::{Commit, Hash, InvalidHash, Meta, Position, StreamId, Version};
pub use event_views::{Occurrence, event_views, occurrence};
pub use lease::LeaseEntry;
pub use task_logs::{TaskLogBatch, TaskLogEntry};
pub use views::{
    job_view, operation_view, resource_type_view, resource_view, settings_view, task_view,
    tenant_view,
};
pub use worker::{RunningAttempt, WorkerEntry};
