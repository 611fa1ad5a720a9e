//! `almanac schemas`: the documents that are generated from the types.
//!
//! Invariant: a committed schema is never replaced by one that breaks its readers; such a change is
//! a new version of the event. Nor is the document of the API replaced by one that breaks clients.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cli::Schemas;

/// Names each change from an old document to a new one that breaks readers.
type Compare = fn(&Value, &Value) -> Vec<String>;

/// Compares the committed documents with the code, or writes them anew.
pub fn run(asked: &Schemas) -> Result<ExitCode> {
    let mut documents = ::schemas::generated::documents();
    documents.insert("asyncapi.json".to_owned(), gateway::asyncapi());
    documents.insert("nats-users.conf".to_owned(), event_log::nats_users());
    documents.insert("openapi.json".to_owned(), gateway::openapi());
    let stale = stale(&asked.dir, documents);
    if stale.is_empty() {
        println!("✔ every document is what the code says");
        return Ok(ExitCode::SUCCESS);
    }
    for (name, text) in &stale {
        if asked.write {
            write(&asked.dir.join(name), text)?;
            println!("✔ {name} written");
        } else {
            println!("✖ {name} differs → cargo xtask schemas");
        }
    }
    Ok(if asked.write {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Those documents whose file is not equal.
fn stale(folder: &Path, documents: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let differs = |name: &str, text: &str| {
        fs::read_to_string(folder.join(name)).map_or(true, |committed| committed != text)
    };
    documents
        .into_iter()
        .filter(|(name, text)| differs(name, text))
        .collect()
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some((compare, instead)) = compared(file)
        && let Ok(committed) = fs::read_to_string(file)
    {
        let (old, new) = (
            serde_json::from_str(&committed)?,
            serde_json::from_str(text)?,
        );
        let broken = compare(&old, &new);
        if !broken.is_empty() {
            let (file, broken) = (file.display(), broken.join("; "));
            bail!("{file} would break its readers ({broken}) → {instead}");
        }
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

/// What tells a change that breaks readers of this file, and what to do instead of it.
fn compared(file: &Path) -> Option<(Compare, &'static str)> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    if name.ends_with(".schema.json") {
        let instead = "add a version of the event instead";
        return Some((::schemas::breaking_changes, instead));
    }
    let instead = "keep what clients use; to break them after all, remove the file first";
    (name == "openapi.json").then_some((::schemas::breaking_api_changes, instead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_breaks_clients_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("openapi.json");
        write(&file, r#"{"paths":{"/a":{"get":{}}}}"#).expect("nothing there yet");
        write(&file, r#"{"paths":{"/a":{"get":{}},"/b":{}}}"#).expect("more");
        let refused = write(&file, r#"{"paths":{"/b":{}}}"#).expect_err("less");
        assert!(refused.to_string().contains("GET /a: removed"), "{refused}");
    }

    #[test]
    fn a_change_that_breaks_readers_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.v1.schema.json");
        write(&file, r#"{"required":["a"]}"#).expect("nothing there yet");
        write(&file, r#"{"required":[]}"#).expect("looser");
        let refused = write(&file, r#"{"required":["a","b"]}"#).expect_err("stricter");
        assert!(
            refused.to_string().contains("a became required"),
            "{refused}"
        );
    }
}
