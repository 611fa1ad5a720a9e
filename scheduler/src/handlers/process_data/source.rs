//! Where rows come from.
//!
//! Invariant: a file is read only up to its end as it was written: what has another digest ends the
//! task before anything is kept.

use bytes::Bytes;
use commands::Commands;
use domain::TaskId;
use files::{Digest, Files, FilesError, Reading};
use futures::{StreamExt as _, stream, stream::BoxStream};
use serde::Deserialize;
use serde_json::Value;

use super::Format;
use crate::handlers::{AttemptContext, Outcome, stored};

/// What the payload says of it: one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Input {
    /// A file of an earlier task.
    File {
        /// How it is written; by the ending of its name if absent.
        #[serde(default)]
        format: Option<Format>,
        name: String,
        task: TaskId,
    },
    /// The rows themselves.
    Rows(Vec<Value>),
    /// The rows as text.
    Text { content: String, format: Format },
}

/// Bytes that come.
pub(super) struct Source {
    /// How many there will be.
    pub bytes: Option<u64>,
    pub format: Format,
    pub parts: BoxStream<'static, Result<Bytes, FilesError>>,
}

impl Source {
    pub(super) async fn open(
        input: Input,
        commands: &Commands,
        files: Option<&Files>,
        context: &AttemptContext,
    ) -> Result<Self, Outcome> {
        let given = |format, text: String| Self {
            bytes: Some(text.len() as u64),
            format,
            parts: stream::iter([Ok(Bytes::from(text))]).boxed(),
        };
        match input {
            Input::Rows(rows) => Ok(given(Format::Json, Value::from(rows).to_string())),
            Input::Text { content, format } => Ok(given(format, content)),
            Input::File { format, name, task } => {
                let files = stored::place(files)?;
                let format = format.or_else(|| by_ending(&name)).ok_or_else(|| {
                    let why = format!("{name:?} does not say its format: csv, json or ndjson");
                    Outcome::fail("invalid_payload", why)
                })?;
                let file = stored::of_task(commands, context, task, &name).await?;
                let key = file.key_of(context.tenant, task);
                let key = key.map_err(|reason| Outcome::fail("file_missing", reason))?;
                let reading = files.read(&key).await.map_err(stored::failed)?;
                let altered = FilesError::Altered(key);
                Ok(Self {
                    bytes: Some(reading.bytes),
                    format,
                    parts: digested(reading, file.sha256, altered),
                })
            }
        }
    }
}

/// The parts of `reading`, and an error after them if they are not those that were written.
fn digested(
    reading: Reading,
    sha256: String,
    altered: FilesError,
) -> BoxStream<'static, Result<Bytes, FilesError>> {
    let begun = Some((reading.parts, Digest::default(), sha256, altered));
    let parts = stream::try_unfold(begun, |state| async move {
        let Some((mut parts, mut digest, sha256, altered)) = state else {
            return Ok(None);
        };
        match parts.next().await {
            Some(part) => {
                let part = part?;
                digest.update(&part);
                Ok(Some((part, Some((parts, digest, sha256, altered)))))
            }
            None if digest.finish().1 == sha256 => Ok(None),
            None => Err(altered),
        }
    });
    parts.boxed()
}

fn by_ending(name: &str) -> Option<Format> {
    match name.rsplit_once('.')?.1 {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" => Some(Format::Ndjson),
        _ => None,
    }
}
