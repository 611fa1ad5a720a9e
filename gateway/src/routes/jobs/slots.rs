//! `GET /jobs/{id}/slots`
//!
//! Invariant: every slot that the job owed in the period is shown once, whatever became of it; also
//! of a job that is deleted.

use axum::{extract::State, response::Response};
use domain::{JobId, Timestamp};
use projections::slots::{self, Period, SlotKey};
use schemas::api::{Page, SlotView};

use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, FromParameters, Id, Paging, Parameters, Query, Reading},
    problem::{Error, Result},
};

/// How much of the past is shown unless the client says otherwise: a day.
const PAST_MS: i64 = 24 * 3_600_000;

pub(super) struct ListSlots {
    from: Option<Timestamp>,
    paging: Paging<()>,
    to: Option<Timestamp>,
}

impl FromParameters for ListSlots {
    fn take(query: &mut Query) -> Result<Self> {
        let instant = |text: &str| {
            text.parse()
                .map_err(|_| "is an instant such as 2027-01-01T00:00:00Z".to_owned())
        };
        Ok(Self {
            paging: query.plain_paging()?,
            from: query.parsed("from", instant)?,
            to: query.parsed("to", instant)?,
        })
    }
}

/// Show what became of a job's slots.
///
/// Every slot that was owed in a period, the earliest first: fired, with the task and how late, or
/// skipped, with the reason, or still open.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/slots", tag = "jobs",
    params(
        ("id" = JobId, Path),
        PageParameters,
        ("from" = Option<Timestamp>, Query,
            description = "Slots at this instant or later; a day before `to` by default"),
        ("to" = Option<Timestamp>, Query,
            description = "Slots up to this instant; now by default"),
    ),
    responses((status = 200, description = "A page", body = Page<SlotView>)),
)]
pub(super) async fn list_job_slots(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListSlots { from, paging, to }): Parameters<ListSlots>,
    Id(id): Id,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let until = to.unwrap_or_else(|| app.commands.clock().now());
    let from = from.unwrap_or(until.plus_ms(-PAST_MS));
    let after: Option<SlotKey> = paging.after(&cursors)?;
    let period = Period {
        after: after.map_or(from.plus_ms(-1), |key| key.slot),
        until,
    };
    let found = slots::ledger(&app.store, tenant, JobId::new(id), period, paging.limit).await?;
    reading.holds(&found, found.value.is_some())?;
    let Some(page) = found.value else {
        return Err(Error::not_found("job"));
    };
    let found = projections::At {
        position: found.position,
        stale_since: found.stale_since,
        value: page,
    };
    answer::listed(&app, &paging, &cursors, answer::each(found, SlotView::from))
}
