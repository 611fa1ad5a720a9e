//! Files, as handlers read and make them.
//!
//! Invariant: a handler reads files of its own tenant only, and those that only administrators may
//! have not at all, since anybody who sees its output would see them.

use commands::Commands;
use domain::{TaskId, task::Task};
use files::{FileRef, Files, FilesError, Name, Writing};
use serde_json::Value;

use super::{AttemptContext, Outcome};

/// Where files are, or the end of a task that needs them where there is no place.
pub fn place(files: Option<&Files>) -> Result<&Files, Outcome> {
    let why = "this installation keeps no files: [files] of its configuration names no place";
    files.ok_or_else(|| Outcome::fail("files_unavailable", why))
}

/// The file `name` that `task` of the same tenant made.
pub async fn of_task(
    commands: &Commands,
    context: &AttemptContext,
    task: TaskId,
    name: &str,
) -> Result<FileRef, Outcome> {
    let found = commands.state::<Task>(context.tenant, task.uuid()).await;
    let found = found.map_err(|reason| Outcome::retry("task_unreadable", reason))?;
    let output = found.and_then(|current| current.state.output);
    let file = output.and_then(|output| files::named(&output, name));
    let missing = || format!("the task {task} has made no file {name:?}");
    let file = file.ok_or_else(|| Outcome::fail("file_missing", missing()))?;
    if file.admins_only {
        let why = format!("the file {name:?} is for administrators only");
        return Err(Outcome::fail("file_refused", why));
    }
    Ok(file)
}

/// Keeps `writing` as a file of the task of `context`, as its output tells of it.
pub async fn keep(
    writing: Writing,
    context: &AttemptContext,
    name: Name,
) -> Result<FileRef, Outcome> {
    let kept = writing.keep_for(context.tenant, context.task, name).await;
    kept.map_err(failed)
}

/// A reference as it stands in an output.
pub fn told(file: &FileRef) -> Value {
    serde_json::to_value(file).unwrap_or_default()
}

/// The end of a task whose files are not given or taken: whether another attempt may help.
pub fn failed(reason: FilesError) -> Outcome {
    match reason {
        FilesError::Unavailable(_) => Outcome::retry("files_unavailable", reason),
        FilesError::Altered(_) => Outcome::retry("file_altered", reason),
        FilesError::Missing(_) => Outcome::fail("file_missing", reason),
        FilesError::Refused(_) => Outcome::fail("files_refused", reason),
        FilesError::TooLarge { .. } => Outcome::fail("file_too_large", reason),
    }
}
