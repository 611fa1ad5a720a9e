//! `almanac backup list`
//!
//! Invariant: what a set says of itself is shown, not proven.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::Result;
use serde_json::json;

use crate::cli::ListBackups;

pub(super) async fn run(asked: ListBackups) -> Result<ExitCode> {
    let files = asked.place.files()?;
    for (key, set) in super::sets(&files).await? {
        let (position, made_at) = (set.copied.position, set.made_at);
        let bytes: u64 = set.files.iter().map(|file| file.bytes).sum();
        if stdout().is_terminal() {
            let count = set.files.len();
            println!("{made_at}  up to position {position}, {bytes} bytes in {count} files");
        } else {
            let line = json!({
                "key": key, "position": position, "made_at": made_at, "bytes": bytes,
                "root": set.copied.root,
            });
            println!("{line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
