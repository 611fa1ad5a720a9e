//! Operations as the API shows them.
//!
//! Invariant: an operation is asked for by a filter of tasks; all else of it the server does.

use domain::{
    OperationId, Timestamp,
    operation::{Action, Counts, TaskFilter},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that is done to many tasks at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct OperationView {
    /// Its identity.
    pub id: OperationId,
    /// What is done to each task.
    pub action: Action,
    /// Which tasks, with the statuses that are meant.
    pub filter: TaskFilter,
    /// Tasks as they were at this position of the log are meant.
    pub as_of: u64,
    /// What has become of tasks so far.
    pub counts: Counts,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it had come to all tasks; null until then.
    pub finished_at: Option<Timestamp>,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}
