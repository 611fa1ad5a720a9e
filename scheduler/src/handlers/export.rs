//! `export`: all of a collection as a file, as of one position.
//!
//! Invariant: the file holds every row that the tenant's views showed at the position that the
//! manifest tells, in the order of their ids, and nothing personal; a manifest with the number of
//! rows and the SHA-256 is a file beside it. What tells of users is for administrators.

use std::time::Duration;

use async_trait::async_trait;
use files::{FileRef, Files, FilesError};
use futures::StreamExt as _;
use projections::{Extracts, People};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AttemptContext, Handler, Outcome, extracted, read, stored,
    table::{Table, TableFormat},
    unless_stopped,
};

/// The longest that an export may take.
const LIMIT: Duration = Duration::from_hours(24);

/// The handler.
pub struct Export {
    extracts: Option<Extracts>,
    files: Option<Files>,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    collection: Collection,
    #[serde(default)]
    format: TableFormat,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Collection {
    Events,
    Jobs,
    ResourceTypes,
    Resources,
    Tasks,
    Users,
}

impl Collection {
    /// Its name, as the API has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Jobs => "jobs",
            Self::ResourceTypes => "resource-types",
            Self::Resources => "resources",
            Self::Tasks => "tasks",
            Self::Users => "users",
        }
    }

    /// Its rows, in an order that no two of them share.
    const fn sql(self) -> &'static str {
        match self {
            Self::Events => "select * from events order by position, event_index",
            Self::Jobs => "select * from jobs order by job_id",
            Self::ResourceTypes => "select * from resource_types order by resource_type_id",
            Self::Resources => "select * from resources order by resource_id",
            Self::Tasks => "select * from tasks order by task_id",
            Self::Users => "select * from users order by user_id",
        }
    }

    /// Whether it tells of users, if only by their ids.
    const fn is_of_people(self) -> bool {
        matches!(self, Self::Events | Self::Users)
    }
}

impl Export {
    pub fn new(extracts: Option<Extracts>, files: Option<Files>) -> Self {
        Self { extracts, files }
    }

    async fn export(&self, payload: Payload, context: &AttemptContext) -> Result<Value, Outcome> {
        let Payload { collection, format } = payload;
        let extracts = extracted::place(self.extracts.as_ref())?;
        let files = stored::place(self.files.as_ref())?;
        let people = if collection.is_of_people() {
            People::Shown
        } else {
            People::Left
        };
        let limit = extracted::limit(context, LIMIT);
        let begun = extracts.begin(context.tenant, people, limit).await;
        let mut extract = begun.map_err(extracted::failed)?;
        let position = extract.position().0;
        let question = extract
            .ask(collection.sql())
            .await
            .map_err(extracted::failed)?;
        let writing = files.begin().map_err(stored::failed)?;
        let broken = |reason| stored::failed(FilesError::from(reason));
        let mut table = Table::begin(format, question.columns(), writing).map_err(broken)?;
        let mut rows = 0_u64;
        {
            let mut found = std::pin::pin!(extract.rows(&question, u64::MAX));
            while let Some(row) = found.next().await {
                table
                    .push(&row.map_err(extracted::failed)?)
                    .map_err(broken)?;
                rows += 1;
                context.report.progress(rows, None, "rows");
            }
        }
        extract.end().await;
        let writing = table.finish().map_err(broken)?;
        let name = collection.name();
        let mut file = keep(writing, context, &format!("{name}.{}", format.ending())).await?;
        file.admins_only = collection.is_of_people();
        let manifest = json!({
            "collection": name, "position": position, "rows": rows,
            "file": file.name, "bytes": file.bytes, "sha256": file.sha256,
        });
        let mut writing = files.begin().map_err(stored::failed)?;
        serde_json::to_writer_pretty(&mut writing, &manifest)
            .map_err(|reason| broken(reason.into()))?;
        let told = keep(writing, context, &format!("{name}.manifest.json")).await?;
        let files = [file, told].map(|file| stored::told(&file));
        Ok(json!({"files": files, "manifest": manifest}))
    }
}

async fn keep(
    writing: files::Writing,
    context: &AttemptContext,
    name: &str,
) -> Result<FileRef, Outcome> {
    let name = name
        .parse()
        .map_err(|reason| Outcome::fail("invalid_payload", reason))?;
    stored::keep(writing, context, name).await
}

#[async_trait]
impl Handler for Export {
    fn is_able(&self) -> bool {
        self.extracts.is_some()
    }

    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let exported = async { self.export(read(payload)?, context).await };
        unless_stopped(context, exported).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::{attempt, code};

    #[tokio::test]
    async fn a_worker_without_read_models_leaves_it_to_another() {
        let export = Export::new(None, None);
        let outcome = export.run(json!({"collection": "tasks"}), &attempt()).await;
        assert_eq!(code(&outcome), ("kind_unavailable", true));
        for payload in [
            json!({}),
            json!({"collection": "vault"}),
            json!({"collection": "tasks", "format": "xml"}),
            json!({"collection": "tasks", "where": "true"}),
        ] {
            let outcome = export.run(payload.clone(), &attempt()).await;
            assert_eq!(code(&outcome), ("invalid_payload", false), "{payload}");
        }
    }
}
