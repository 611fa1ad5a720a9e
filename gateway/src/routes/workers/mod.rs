//! Workers: those that are there, and attempts that are made outside of Almanac.
//!
//! Invariant: an attempt is spoken of by who has its token and is of its tenant; whether it still
//! is theirs, the log decides.

mod complete;
mod fail;
mod heartbeat;
mod lease;
mod list;
mod logs;

use commands::{Lease, Receipt};
use domain::task::Task;
use schemas::api::TaskView;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer,
    app::App,
    extract::Caller,
    problem::{Error, Result},
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_workers))
        .routes(routes!(lease::lease_attempts))
        .routes(routes!(heartbeat::say_attempt_goes_on))
        .routes(routes!(complete::complete_attempt))
        .routes(routes!(fail::fail_attempt))
        .routes(routes!(logs::say_of_attempt))
}

/// The lease that the token in the path proves.
fn lease_of(app: &App, caller: &Caller, token: &str) -> Result<Lease> {
    let lease = app.external.lease_of(caller.tenant(), token);
    lease.ok_or_else(|| Error::not_found("attempt"))
}

/// The task after its attempt has ended.
fn ended(lease: &Lease, receipt: &Receipt<Task>) -> Result<TaskView> {
    let task = answer::state(receipt)?;
    Ok(schemas::task_view(lease.task, receipt.version, task))
}
