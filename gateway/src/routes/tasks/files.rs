//! `GET /tasks/{id}/files/{name}`
//!
//! Invariant: a file is looked up by what is known of the task, its tenant included, and by nothing
//! that the task's output says of a place. It is saved by a browser, never shown: whatever is in
//! it, it runs nothing here.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{TaskId, user::Role};
use files::{FileRef, FilesError};
use projections::tasks;
use schemas::api::Code;

use crate::{
    answer,
    app::App,
    extract::{IdAndName, Nothing, Parameters, Reading},
    problem::{Error, Result},
};

/// Download a file that a task made.
///
/// Its output names it: `{"file": {"name", "bytes", "sha256", …}}`, or several under `files`. The
/// `ETag` is the SHA-256. What tells of users is for administrators alone. Files go after the time
/// that the installation keeps them.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/files/{name}", tag = "tasks",
    params(("id" = TaskId, Path), ("name" = String, Path, description = "As the output names it")),
    responses((status = 200, description = "The file",
        content_type = "application/octet-stream", body = Vec<u8>)),
)]
pub(super) async fn download_task_file(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    IdAndName(id, name): IdAndName,
) -> Result<Response> {
    let (tenant, task) = (reading.tenant(), TaskId::new(id));
    let found = tasks::get(&app.store, tenant, task, None).await?;
    reading.holds(&found, found.value.is_some())?;
    let output = found
        .value
        .as_ref()
        .and_then(|row| row.state.output.as_ref());
    let file = output.and_then(|output| files::named(output, &name));
    let file = file.ok_or_else(|| Error::not_found("file of this task"))?;
    if file.admins_only && reading.role() < Role::Admin {
        let why = "this file tells of users: it is for administrators";
        return Err(Error::new(Code::Forbidden, why));
    }
    let mut headers = answer::read_headers(&app, &found);
    describe(&mut headers, &file);
    if reading.has_tag(&etag(&file)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let key = file.key_of(tenant, task);
    let key = key.map_err(|_| Error::not_found("file of this task"))?;
    let store = app.files.as_ref();
    let store = store.ok_or_else(|| Error::not_found("file: this gateway keeps none"))?;
    let content = store.read(&key).await.map_err(failed)?;
    headers.insert(header::CONTENT_LENGTH, content.bytes.into());
    Ok((headers, Body::from_stream(content.parts)).into_response())
}

fn etag(file: &FileRef) -> String {
    format!("\"{}\"", file.sha256)
}

fn describe(headers: &mut HeaderMap, file: &FileRef) {
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let told = [
        (header::CACHE_CONTROL, "no-cache, private".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'".to_owned(),
        ),
        (header::CONTENT_TYPE, file.name.content_type().to_owned()),
        (header::ETAG, etag(file)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    for (name, value) in told {
        // Names and digests are plain ASCII.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn failed(reason: FilesError) -> Error {
    match reason {
        FilesError::Missing(_) => Error::not_found("file any more: it was cleaned up"),
        FilesError::Unavailable(_) => {
            let why = "The store of files cannot be reached; try again in a moment.";
            Error::new(Code::Unavailable, why)
                .with_retry()
                .caused_by(reason)
        }
        reason => Error::internal(reason),
    }
}
