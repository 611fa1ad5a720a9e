//! `GET /audit/export`
//!
//! Invariant: it holds one page at a time, whatever is exported; a reader knows a whole export by
//! its last line.

use std::io;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::TenantId;
use futures::stream;
use projections::{
    At, Listed,
    audit::{self, AuditKey, AuditRow, Filter},
};
use schemas::api::{AuditManifest, AuditView};

use super::filter::{FilterParameters, Wanted};
use crate::{
    answer,
    app::App,
    extract::{FromParameters, Parameters, Query, Reading},
    problem::Result,
};

/// How many records are held at a time.
const PAGE: u32 = 500;

pub(super) struct Export(Wanted);

impl FromParameters for Export {
    fn take(query: &mut Query) -> Result<Self> {
        Wanted::take(query).map(Self)
    }
}

/// What is left to be sent.
struct Left {
    app: App,
    filter: Filter,
    manifest: AuditManifest,
    page: Option<Listed<AuditRow, AuditKey>>,
    tenant: TenantId,
}

/// Export who did or tried what.
///
/// JSON lines, the newest first. The last line is `{"manifest":{…}}`, which counts those before it:
/// an export without it was cut off.
#[utoipa::path(
    get, path = "/api/v1/audit/export", tag = "audit", params(FilterParameters),
    responses((status = 200, description = "The records", content_type = "application/x-ndjson",
        body = AuditView)),
)]
pub(super) async fn export_audit(
    State(app): State<App>,
    reading: Reading,
    Parameters(Export(wanted)): Parameters<Export>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let mut filter = wanted.of(&app, tenant).await?;
    // What comes in meanwhile would have no end.
    let to = *filter.to.get_or_insert(app.commands.clock().now());
    // The first page is asked for before anything is answered, so that a failure is a problem.
    let first = audit::list(&app.store, tenant, &filter, None, PAGE).await?;
    let headers = answer::read_headers(&app, &first);
    let At { value, .. } = first;
    let left = Left {
        app,
        filter,
        manifest: AuditManifest {
            count: 0,
            first: None,
            last: None,
            to,
        },
        page: Some(value),
        tenant,
    };
    let lines = stream::try_unfold(Some(left), |left| async {
        match left {
            Some(left) => left.send().await.map(Some),
            None => Ok(None),
        }
    });
    let kind = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"audit.ndjson\"",
        ),
    ];
    let kind = kind.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, kind, Body::from_stream(lines)).into_response())
}

impl Left {
    /// The lines of a page, or the last one; and what is left then.
    async fn send(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let Some(page) = self.page.take() else {
            let manifest = serde_json::json!({"manifest": self.manifest});
            return Ok((format!("{manifest}\n").into(), None));
        };
        let views = super::opened(&self.app, self.tenant, page.items).await;
        let views = views.map_err(|error| broken(&error))?;
        let mut lines = Vec::new();
        for view in &views {
            serde_json::to_writer(&mut lines, view)?;
            lines.push(b'\n');
        }
        let manifest = &mut self.manifest;
        manifest.count += views.len() as u64;
        manifest.first = manifest.first.or(views.first().map(|view| view.entry.id));
        manifest.last = views.last().map(|view| view.entry.id).or(manifest.last);
        if let Some(after) = page.next {
            let (store, filter) = (&self.app.store, &self.filter);
            let next = audit::list(store, self.tenant, filter, Some(after), PAGE).await;
            self.page = Some(next.map_err(|reason| broken(&reason.into()))?.value);
        }
        Ok((lines.into(), Some(self)))
    }
}

/// The answer has begun, so all that can be said is that it breaks off.
fn broken(error: &crate::problem::Error) -> io::Error {
    let code = error.code();
    tracing::warn!(?code, "an export of the audit breaks off");
    io::Error::other(format!("{code:?}"))
}
