//! Writes a part of the log into a folder.
//!
//! Invariant: a file bears its name only when it is complete and on disk, and the manifest names no
//! other; whatever breaks off is gone on with by the same command, and comes out the same.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, Result, bail};
use domain::log_checkpoint::LogCheckpointEvent;
use event_log::{EventLog, Frontier, Hash, Position, ReadFrom, checkpoints, leaf};
use futures::StreamExt as _;
use schemas::catalogue;

use super::{
    bounds,
    check::digest_of,
    encode::{Encoder, Finished, Format, Output},
    filter::Filter,
    manifest::{File, MANIFEST, Manifest},
    plan::{Cut, cuts},
};

/// What is wanted.
pub struct Question {
    pub filter: Filter,
    pub format: Format,
    pub per_file: u64,
}

/// Writes what is wanted of `log` into `folder`; `watch` is told how far it has come of how much.
pub async fn export(
    log: &dyn EventLog,
    folder: &Path,
    question: Question,
    mut watch: impl FnMut(Position, Position),
) -> Result<Manifest> {
    let Question {
        filter,
        format,
        per_file,
    } = question;
    let span = bounds::span(log, &filter).await?;
    let incarnation = log.head().await?.incarnation;
    let mut manifest = Manifest::begin(incarnation, format, filter, per_file);
    manifest.first = span.after.next();
    manifest.is_whole = manifest.filter.is_whole() && span.after == Position(0);
    let mut kept = kept(folder, &manifest)?.into_iter().peekable();
    let mut tree = manifest.is_whole.then(Frontier::default);
    manifest.last = span.after;
    write(folder, &manifest)?;
    for cut in cuts(span, per_file) {
        let known = kept.next_if(|file| cut.is_full && is_still(folder, file, cut));
        let file = if let Some(file) = known {
            tree = tree.and_then(|_| file.tree());
            file
        } else {
            // What follows a file that is not as it was is written anew as well.
            kept = Vec::new().into_iter().peekable();
            let name = cut.name(format.extension());
            let partial = folder.join(format!(".{name}.partial"));
            let output = fs::File::create(&partial);
            let output = output.with_context(|| format!("writing {}", partial.display()))?;
            let output = Output::new(Some(output));
            let watch = |at| watch(at, span.until);
            let finished = encode(log, &manifest, cut, output, tree.as_mut(), watch).await?;
            fs::rename(&partial, folder.join(&name))?;
            file(name, cut, &finished, tree.as_ref())
        };
        watch(cut.last, span.until);
        manifest.last = cut.last;
        manifest.add(file);
        write(folder, &manifest)?;
    }
    manifest.root = tree.map(|tree| tree.root().to_string());
    manifest.checkpoint = if manifest.is_whole {
        checkpoint(log, span.until).await?
    } else {
        None
    };
    manifest.is_complete = true;
    write(folder, &manifest)?;
    Ok(manifest)
}

/// Writes the file of `cut` to `output`; its entries are leaves of `tree`.
pub async fn encode(
    log: &dyn EventLog,
    manifest: &Manifest,
    cut: Cut,
    output: Output,
    mut tree: Option<&mut Frontier>,
    mut watch: impl FnMut(Position),
) -> Result<Finished> {
    let mut encoder = Encoder::begin(manifest.format, output)?;
    let span = cut.span();
    let mut parts = log.scan(span.after, span.until).await?;
    while let Some(part) = parts.next().await {
        for entry in part.context("the log could not be read")? {
            if let Some(tree) = &mut tree {
                tree.push(&leaf(&entry).0);
            }
            encoder.push(&entry, &manifest.filter)?;
            watch(entry.position());
        }
    }
    encoder.finish()
}

fn file(name: String, cut: Cut, finished: &Finished, tree: Option<&Frontier>) -> File {
    let roots = tree.map(|tree| tree.roots().iter().map(Hash::to_string).collect());
    File {
        name,
        first: cut.first,
        last: cut.last,
        commits: finished.counts.commits,
        events: finished.counts.events,
        unreadable: finished.counts.unreadable,
        bytes: finished.bytes,
        sha256: finished.sha256.to_string(),
        frontier: roots.unwrap_or_default(),
    }
}

/// The files of an earlier run that asked the same; refuses a folder that holds something else.
fn kept(folder: &Path, wanted: &Manifest) -> Result<Vec<File>> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    if fs::read_dir(folder)?.next().is_none() {
        return Ok(Vec::new());
    }
    if let Err(reason) = fs::metadata(folder.join(MANIFEST))
        && reason.kind() == ErrorKind::NotFound
    {
        let folder = folder.display();
        bail!("{folder} holds something that is no export → name another folder");
    }
    let found = Manifest::read(folder)?;
    if !found.is_of_the_same(wanted) {
        let folder = folder.display();
        bail!("{folder} holds an export of something else → name another folder");
    }
    Ok(found.files)
}

/// Whether a file of an earlier run is the one that `cut` would give.
fn is_still(folder: &Path, file: &File, cut: Cut) -> bool {
    let is_meant = (file.first, file.last) == (cut.first, cut.last);
    let found = || digest_of(&folder.join(&file.name)).ok();
    is_meant && found().is_some_and(|(_, digest)| digest.to_string() == file.sha256)
}

/// Replaces the manifest in one step.
fn write(folder: &Path, manifest: &Manifest) -> Result<()> {
    let partial = folder.join(format!(".{MANIFEST}.partial"));
    let written = fs::write(&partial, manifest.text()?)
        .and_then(|()| fs::File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, folder.join(MANIFEST)))
        .and_then(|()| fs::File::open(folder)?.sync_all());
    written.with_context(|| format!("writing {MANIFEST} in {}", folder.display()))
}

/// The last signed checkpoint up to `until`.
async fn checkpoint(log: &dyn EventLog, until: Position) -> Result<Option<String>> {
    let commits = log.load(checkpoints(), Position(0), ReadFrom::Any).await?;
    let signed = commits
        .iter()
        .rev()
        .filter(|commit| commit.position <= until);
    let mut notes = signed.filter_map(|commit| {
        let events = catalogue::decode::<LogCheckpointEvent>(&commit.payload).ok()?;
        let LogCheckpointEvent::Signed(signed) = events.into_iter().next_back()?;
        Some(signed.note)
    });
    Ok(notes.next())
}

#[cfg(test)]
pub mod tests;
