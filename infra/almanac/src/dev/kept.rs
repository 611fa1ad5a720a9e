//! Secrets of a data folder.
//!
//! Invariant: made once, and readable for their owner only.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use secrecy::SecretString;

/// The secret in `file`, made on first use.
pub fn text(file: &Path, make: impl FnOnce() -> String) -> Result<SecretString> {
    if file.exists() {
        let text = fs::read_to_string(file);
        let text = text.with_context(|| format!("reading {}", file.display()))?;
        if !text.trim().is_empty() {
            return Ok(text.trim().to_owned().into());
        }
    }
    let secret = make();
    write(file, &format!("{secret}\n"))?;
    Ok(secret.into())
}

/// Puts a file in place as a whole; only its owner may read it.
pub fn write(file: &Path, text: &str) -> Result<()> {
    let beside = file.with_added_extension("new");
    let written = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut new = options.open(&beside)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, file)
    };
    written().with_context(|| format!("writing {}", file.display()))
}

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_made_once_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        let first = text(&file, || hex(&[1, 171])).expect("made");
        let second = text(&file, || "another".to_owned()).expect("kept");
        assert_eq!(first.expose_secret(), "01ab");
        assert_eq!(second.expose_secret(), "01ab");
        let mode = fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }
}
