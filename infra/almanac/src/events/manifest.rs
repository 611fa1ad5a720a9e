//! What is in an export.
//!
//! Invariant: it names every file with its digest, and which log and question it answers; it is
//! replaced as a whole, and says whether the export is.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use event_log::{Frontier, Hash, Position};
use serde::{Deserialize, Serialize};

use super::{
    encode::{Counts, Format},
    filter::Filter,
};

/// What it is called.
pub const MANIFEST: &str = "manifest.json";
/// The form of manifests.
const FORM: u16 = 1;

/// What is in an export.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Which form of manifest this is.
    pub form: u16,
    /// The version of the program that wrote it.
    pub program: String,
    /// Which log, by its incarnation.
    pub log: String,
    /// How the files are written.
    pub format: Format,
    /// Which events were wanted.
    pub filter: Filter,
    /// Whether every message of the log up to `last` is in it, from the first on.
    pub is_whole: bool,
    /// How many positions a file stands for.
    pub per_file: u64,
    /// The first position that was looked at.
    pub first: Position,
    /// The last position that was looked at.
    pub last: Position,
    /// Whether all files are there; if not, the same command goes on.
    pub is_complete: bool,
    /// How many commits there are in all.
    pub commits: u64,
    /// How many events there are in all.
    pub events: u64,
    /// The root of the Merkle tree (RFC 9162) over the log up to `last`, if all of it is here.
    pub root: Option<String>,
    /// The last signed checkpoint among the commits, if all of them are here.
    pub checkpoint: Option<String>,
    /// The files, in the order of positions.
    pub files: Vec<File>,
}

/// A file of an export.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// The first position that it stands for.
    pub first: Position,
    /// The last position that it stands for.
    pub last: Position,
    /// How many commits are in it.
    pub commits: u64,
    /// How many events are in it.
    pub events: u64,
    /// How many messages are in it that are no commits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
    /// The roots of the perfect trees over the log up to `last`, if all of it is here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<String>,
}

impl Manifest {
    /// The manifest of an export of which no file is written yet.
    pub fn begin(log: String, format: Format, filter: Filter, per_file: u64) -> Self {
        Self {
            form: FORM,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            log,
            format,
            is_whole: false,
            filter,
            per_file,
            first: Position(0),
            last: Position(0),
            is_complete: false,
            commits: 0,
            events: 0,
            root: None,
            checkpoint: None,
            files: Vec::new(),
        }
    }

    /// That of the export in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path);
        let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
        let found: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no manifest of an export", path.display()))?;
        ensure!(
            found.form == FORM,
            "{} is of form {}, and this program knows form {FORM}",
            path.display(),
            found.form
        );
        Ok(found)
    }

    /// As the file has it.
    pub fn text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self).context("encoding a manifest")? + "\n")
    }

    /// Whether the other answers the same question of the same log, written by the same program.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let question = |of: &Self| {
            let (log, program) = (of.log.clone(), of.program.clone());
            (
                log,
                program,
                of.format,
                of.filter.clone(),
                of.per_file,
                of.first,
            )
        };
        question(self) == question(other)
    }

    /// Adds a file that is written.
    pub fn add(&mut self, file: File) {
        self.commits += file.commits;
        self.events += file.events;
        self.files.push(file);
    }
}

impl File {
    /// How much is in it.
    pub const fn counts(&self) -> Counts {
        Counts {
            commits: self.commits,
            events: self.events,
            unreadable: self.unreadable,
        }
    }

    /// The tree over the log up to the end of this file, if it is told.
    pub fn tree(&self) -> Option<Frontier> {
        let roots: Result<Vec<Hash>, _> = self.frontier.iter().map(|root| root.parse()).collect();
        Frontier::new(roots.ok()?, self.last.0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
