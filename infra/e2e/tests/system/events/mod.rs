//! Events on the command line: listed, followed, exported, checked, and made a log again.
//!
//! Invariant: the shared log grows meanwhile, so whatever is compared ends at a position that is
//! named.

mod import;
mod list;
mod tail;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{harness::almanac, shared};

pub use import::a_log_is_the_same_after_it_was_files;
pub use list::filters_cut_what_they_should;
pub use tail::what_happens_is_seen_while_it_is_followed;

/// Runs `almanac events ARGS… --data-dir` of the shared system, which must succeed.
async fn ask(args: &[&str]) -> Result<String> {
    let (_, data) = shared::told().await?;
    let data = data.display().to_string();
    let args = [&["events"], args, &["--data-dir", &data]].concat();
    let run = almanac(&args).await?.succeeded();
    Ok(run.with_context(|| args.join(" "))?.stdout)
}

fn lines(text: &str) -> Result<Vec<Value>> {
    text.lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok((name, fs::read(entry.path())?))
    };
    fs::read_dir(folder)?.map(read).collect()
}
