//! Files that an auditor keeps: keys, checkpoints, receipts.
//!
//! Invariant: what cannot be read is refused with the file's name.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, Result, ensure};
use event_log::{SignedNote, VerifierKey};

/// The text of a file; `-` is standard input.
pub(super) fn text(path: &Path) -> Result<String> {
    let named = || format!("{} cannot be read", path.display());
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .with_context(named)?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(named)
}

/// A key on each line; what follows a `#` is left out.
pub(in crate::command) fn keys(path: &Path) -> Result<Vec<VerifierKey>> {
    let text = text(path)?;
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Result<Vec<VerifierKey>, _> = keys.map(str::parse).collect();
    let keys = keys.with_context(|| format!("a line of {}", path.display()))?;
    ensure!(!keys.is_empty(), "{} holds no key", path.display());
    Ok(keys)
}

/// A signed checkpoint.
pub(super) fn note(path: &Path) -> Result<SignedNote> {
    let note = text(path)?.parse();
    note.with_context(|| path.display().to_string())
}
