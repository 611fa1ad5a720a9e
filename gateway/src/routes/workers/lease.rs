//! `POST /workers/lease`
//!
//! Invariant: what Almanac's own workers do is handed to nobody outside, and attempts of a tenant
//! only to that tenant.

use std::time::Duration;

use axum::{Json, extract::State};
use commands::{Leased, Wanted};
use domain::{TenantId, task::is_built_in};
use schemas::api::{LeaseAttempts, LeasedAttempt, LeasedAttempts};

use crate::{
    app::App,
    extract::{Body, Caller, Fields, Nothing, Parameters},
    problem::Result,
};

const KINDS_MAX: usize = 10;
const AT_ONCE_MAX: usize = 20;
const NAME_MAX: usize = 40;
const WAIT_MAX_S: u64 = 20;
/// How often whoever has an attempt is to say so: three times within what it is known for.
const HEARTBEAT_MS: u64 = 5_000;

/// Take attempts to make them outside of Almanac.
///
/// Answers as soon as there are any, or once `wait_s` is over. Each is claimed for this worker and
/// lost again after 15 s without a heartbeat.
#[utoipa::path(
    post, path = "/api/v1/workers/lease", tag = "workers", request_body = LeaseAttempts,
    responses((status = 200, description = "Attempts, perhaps none", body = LeasedAttempts)),
)]
pub(super) async fn lease_attempts(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<LeaseAttempts>,
) -> Result<Json<LeasedAttempts>> {
    let wanted = check(caller.tenant(), body.value)?;
    let leased = tokio::select! {
        leased = app.external.lease(&wanted) => leased?,
        () = app.shutdown.cancelled() => Vec::new(),
    };
    let items = leased.into_iter().map(view).collect();
    Ok(Json(LeasedAttempts { items }))
}

fn check(tenant: TenantId, asked: LeaseAttempts) -> Result<Wanted> {
    let mut fields = Fields::default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let name = &asked.worker;
    let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain);
    let reason = "has 1 to 40 characters from a-z, A-Z, 0-9, '-' and '_'";
    fields.take("/worker", fits.then_some(()).ok_or(reason));
    let few = (1..=KINDS_MAX).contains(&asked.kinds.len());
    fields.take("/kinds", few.then_some(()).ok_or("has 1 to 10 kinds"));
    for (index, kind) in asked.kinds.iter().enumerate() {
        fields.take(format!("/kinds/{index}"), check_kind(kind));
    }
    let max = asked.max.unwrap_or(1);
    let within = (1..=AT_ONCE_MAX).contains(&max);
    fields.take(
        "/max",
        within.then_some(()).ok_or("is a number from 1 to 20"),
    );
    let wait_s = asked.wait_s.unwrap_or_default();
    let within = wait_s <= WAIT_MAX_S;
    fields.take(
        "/wait_s",
        within.then_some(()).ok_or("is a number from 0 to 20"),
    );
    fields.finish(Some(Wanted {
        kinds: asked.kinds,
        max,
        name: asked.worker,
        tenant,
        wait: Duration::from_secs(wait_s),
    }))
}

fn check_kind(kind: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !(1..=100).contains(&kind.len()) || !kind.bytes().all(plain) {
        return Err("has 1 to 100 characters from a-z, A-Z, 0-9, '-', '_' and '.'");
    }
    if is_built_in(kind) {
        return Err("is done by Almanac's own workers");
    }
    Ok(())
}

fn view(leased: Leased) -> LeasedAttempt {
    let Leased { lease, task, token } = leased;
    let spec = task.spec;
    LeasedAttempt {
        token,
        task_id: lease.task,
        attempt: lease.attempt,
        max_attempts: spec.max_attempts,
        kind: spec.kind,
        payload: spec.payload.as_ref().clone(),
        priority: spec.priority,
        timeout_ms: spec.timeout_ms,
        heartbeat_ms: HEARTBEAT_MS,
    }
}
