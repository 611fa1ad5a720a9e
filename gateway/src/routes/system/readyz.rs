//! `GET /readyz`
//!
//! Invariant: ready means that a write can be stored and that a read shows what was written moments
//! ago, and nothing that the log does not hold; an ending gateway is not ready, whatever else
//! holds.

use std::{fmt::Write as _, time::Duration};

use axum::extract::State;
use commands::DEFAULT_TENANT;
use schemas::api::Code;

use crate::{
    app::App,
    extract::{FromParameters, Parameters, Query},
    log_end,
    problem::{Error, Result},
};

/// How old the oldest commit may be that the read models lack.
const LAG_MAX: Duration = Duration::from_secs(5);
/// How long Postgres may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Verbose(bool);

impl FromParameters for Verbose {
    fn take(query: &mut Query) -> Result<Self> {
        query.one("verbose").map(|given| Self(given.is_some()))
    }
}

/// What is looked at, and what is wrong with it.
type Check = (&'static str, Result<(), String>);

/// Whether requests can be served now.
#[utoipa::path(
    get, path = "/readyz", tag = "system",
    params(("verbose" = Option<String>, Query, description = "List what was looked at")),
    responses((status = 200, description = "They can", body = String, content_type = "text/plain")),
)]
pub(super) async fn readyz(
    State(app): State<App>,
    Parameters(Verbose(verbose)): Parameters<Verbose>,
) -> Result<String> {
    let (postgres, lag) = tokio::join!(postgres(&app), lag(&app));
    let checks: [Check; 5] = [
        ("shutdown", shutdown(&app)),
        ("nats", nats(&app)),
        ("postgres", postgres),
        ("projector", projector(&app)),
        ("lag", lag),
    ];
    let report = checks
        .iter()
        .fold(String::new(), |mut report, (name, found)| {
            let found = found.as_ref().map_or_else(String::as_str, |()| "ok");
            // Writing to a string does not fail.
            let _written = writeln!(report, "{name}: {found}");
            report
        });
    if checks.iter().all(|(_, found)| found.is_ok()) {
        return Ok(if verbose { report } else { "ok\n".to_owned() });
    }
    let wrong = checks.iter().filter_map(|(name, found)| {
        let reason = found.as_ref().err()?;
        Some(format!("{name}: {reason}"))
    });
    let wrong: Vec<_> = wrong.collect();
    let detail = if verbose {
        report.trim_end().replace('\n', "; ")
    } else {
        wrong.join("; ")
    };
    Err(Error::new(Code::Unavailable, detail).with_retry())
}

fn shutdown(app: &App) -> Result<(), String> {
    if app.shutdown.is_cancelled() {
        Err("the gateway is ending".to_owned())
    } else {
        Ok(())
    }
}

fn nats(app: &App) -> Result<(), String> {
    let connected = (app.log.is_connected)();
    connected
        .then_some(())
        .ok_or_else(|| "not connected".to_owned())
}

async fn postgres(app: &App) -> Result<(), String> {
    let asked = projections::tenants::get(&app.store, DEFAULT_TENANT, None);
    match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
        Ok(Ok(_)) => Ok(()),
        // What exactly broke is for those who run the installation: it is in the log of the reads.
        Ok(Err(_)) => Err("does not answer as it should".to_owned()),
        Err(_) => Err("does not answer".to_owned()),
    }
}

fn projector(app: &App) -> Result<(), String> {
    let heard = app.freshness.healthy();
    heard
        .then_some(())
        .ok_or_else(|| "its checkpoint is not heard of".to_owned())
}

/// Whether everything that was in the log when this began is readable in time.
async fn lag(app: &App) -> Result<(), String> {
    let head = log_end::head(app).await;
    let head = head.map_err(|reason| reason.to_string())?;
    match app.freshness.wait_for(head, LAG_MAX).await {
        Ok(_) => Ok(()),
        Err(lagging) => Err(format!(
            "position {} is reached, the log ends at {}",
            lagging.reached, lagging.wanted
        )),
    }
}
