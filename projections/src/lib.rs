//! Remembers what happened: tables in Postgres, folded from the log, and the questions they answer.
//!
//! Invariant: every row is what the log says, and nothing else writes one. All tables stand at one
//! position, which is committed together with their rows, so the position of any answer is one
//! number.
//!
//! To add a read model: give its aggregate a folder under `models` that implements `Model`, a table
//! of the common shape and its history in a migration, a field and a line in `runner::folds`, and
//! the same in `verify::expected` and `verify::compare`, two lines in `difference::tables`. A
//! column that is to be filtered, sorted or shown is generated from the state in the migration.

pub mod analytics;
mod answer;
pub mod audit;
mod difference;
pub mod editions;
pub mod event_log;
mod extract;
mod feed;
mod freshness;
pub mod gate;
pub mod health;
pub mod live_query;
mod models;
pub mod moments;
mod page;
pub mod parked;
pub mod plans;
mod rebuild;
pub mod replay;
mod runner;
pub mod schedule;
pub mod slots;
pub mod stats;
mod store;
mod verify;

pub use answer::{At, Generation, Listed, Row};
pub use difference::{Differences, EventBehind, Sample, TableDifference, What, difference};
pub use extract::{Extract, ExtractColumn, ExtractError, Extracts, People, Question, ROW_MAX};
pub use feed::{Live, LiveFeed, LiveItem};
pub use freshness::{Freshness, Lagging};
pub use models::{
    api_keys, jobs, operations, resource_types, resources, settings, tasks, tenants, users,
};
pub use page::{ForeignKey, Key, PageRequest, Sort, SortKey, UnknownSort};
pub use rebuild::rebuild_into;
pub use runner::{Projector, RunError, run};
pub use store::{ConnectError, Overview, Owner, Store, StoreError, Writer};
pub use verify::{Difference, Told, Verification, VerifyError, verify, verify_telling};
