//! `almanac events import`
//!
//! Invariant: nothing is written before all of it was checked, and what the log holds already is
//! the beginning of what is imported; so a run that broke off is gone on with by the same command.

use std::{
    fs,
    io::{BufReader, IsTerminal as _, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use event_log::{Entry, EventLog, Frontier, Hash, Position, Role, Unreadable, leaf};
use futures::StreamExt as _;
use serde_json::json;

use crate::{
    cli::ImportEvents,
    command::progress::Progress,
    events::{check::check, encode::Format, line, manifest::Manifest, part::Groups},
    roles,
};

/// How many entries are written together, and of how many bytes at most.
const BATCH: (usize, usize) = (1_000, 8 << 20);

pub(super) async fn run(asked: ImportEvents) -> Result<ExitCode> {
    let manifest = Manifest::read(&asked.from)?;
    let folder = asked.from.display();
    ensure!(
        manifest.is_whole && manifest.format == Format::Ndjson,
        "{folder} is no whole log in ndjson → almanac events export without any condition"
    );
    let mut progress = Progress::begin();
    let report = check(&asked.from, &manifest, &[], |at, of| progress.tell(at, of));
    progress.end();
    if let Some(first) = report.findings.first() {
        let count = report.findings_total;
        return Err(anyhow!("{first} ({count} findings) → nothing was imported"));
    }
    let log = roles::open_log(&asked.place.owner()?, Role::Owner).await?;
    let began = log.head().await?.position;
    ensure!(
        began <= manifest.last,
        "the log holds {began} commits and the export {} → import into an empty log",
        manifest.last
    );
    import(&log, &asked.from, &manifest, began).await?;
    let (end, root) = root(&log).await?;
    let told = manifest.root.clone().unwrap_or_default();
    ensure!(
        end == manifest.last && root.to_string() == told,
        "the log ends at {end} with the root {root}, the export at {} with {told}",
        manifest.last
    );
    let imported = end.0 - began.0;
    if stdout().is_terminal() {
        println!("✔ {imported} of {end} positions imported");
        println!("  root {root}, as the export says");
        println!(
            "  nobody can sign in without the vault and the master key of the old installation"
        );
    } else {
        let root = root.to_string();
        println!(
            "{}",
            json!({"imported": imported, "last": end, "root": root})
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares what the log has up to `began`, and writes the rest.
async fn import(
    log: &dyn EventLog,
    folder: &Path,
    manifest: &Manifest,
    began: Position,
) -> Result<()> {
    let mut present = log.scan(Position(0), began).await?;
    let mut known = Vec::new().into_iter();
    let mut batch = (Vec::new(), 0);
    let mut progress = Progress::begin();
    for file in &manifest.files {
        let lines = fs::File::open(folder.join(&file.name))?;
        for group in Groups::of(BufReader::new(lines)) {
            let group = group.map_err(|broken| anyhow!("{}: {}", file.name, broken.reason))?;
            let entry = line::entry(&group.lines).map_err(|reason| anyhow!(reason))?;
            progress.tell(entry.position().0, manifest.last.0);
            if entry.position() > began {
                take(log, &mut batch, entry).await?;
                continue;
            }
            if known.len() == 0 {
                let part = present
                    .next()
                    .await
                    .context("the log is shorter than it was")?;
                known = part?.into_iter();
            }
            ensure!(
                known
                    .next()
                    .is_some_and(|found| leaf(&found) == leaf(&entry)),
                "position {} of the log is another commit than in the export → import into an \
                 empty log",
                entry.position()
            );
        }
    }
    write(log, &mut batch).await?;
    progress.end();
    Ok(())
}

/// Entries that are to be written together, and their bytes.
type Batch = (Vec<Entry>, usize);

async fn take(log: &dyn EventLog, batch: &mut Batch, entry: Entry) -> Result<()> {
    batch.1 += match &entry {
        Entry::Commit(commit) => commit.payload.len(),
        Entry::Unreadable(Unreadable { payload, .. }) => payload.len(),
    };
    batch.0.push(entry);
    if batch.0.len() >= BATCH.0 || batch.1 >= BATCH.1 {
        write(log, batch).await?;
    }
    Ok(())
}

async fn write(log: &dyn EventLog, batch: &mut Batch) -> Result<()> {
    let (entries, _) = std::mem::take(batch);
    let Some(first) = entries.first().map(Entry::position) else {
        return Ok(());
    };
    let written = log.restore(entries).await;
    written.with_context(|| {
        format!("importing broke off at position {first} → the same command goes on there")
    })
}

/// Where the log ends, and the root of the tree over all of it.
async fn root(log: &dyn EventLog) -> Result<(Position, Hash)> {
    let head = log.head().await?.position;
    let mut parts = log.scan(Position(0), head).await?;
    let mut tree = Frontier::default();
    while let Some(part) = parts.next().await {
        for entry in part? {
            tree.push(&leaf(&entry).0);
        }
    }
    Ok((head, tree.root()))
}

#[cfg(test)]
mod tests {
    use event_log::MemoryLog;

    use super::*;
    use crate::events::export::tests::{told, whole};

    async fn imported(log: &MemoryLog, export: &Path) -> Result<()> {
        let manifest = Manifest::read(export)?;
        let began = log.head().await?.position;
        import(log, export, &manifest, began).await
    }

    #[tokio::test]
    async fn what_broke_off_is_gone_on_with() {
        let (full, half) = (told(25).await, told(12).await);
        let export = whole(&full).await;
        for log in [MemoryLog::new("7"), half, told(25).await] {
            imported(&log, export.path()).await.expect("imported");
            let expected = root(&full).await.expect("a root");
            assert_eq!(root(&log).await.expect("a root"), expected);
        }
    }

    #[tokio::test]
    async fn a_log_that_is_another_is_left_as_it_is() {
        let export = whole(&told(25).await).await;
        let other = crate::events::filter::tests::commit_at(9_999);
        let log = crate::events::filter::tests::log_of([other]).await;
        let refused = imported(&log, export.path()).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(
            refused.contains("position 1 of the log is another"),
            "{refused}"
        );
        assert_eq!(log.head().await.expect("a head").position, Position(1));
    }
}
