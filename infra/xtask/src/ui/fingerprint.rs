//! Whether the page must be built again.
//!
//! Invariant: everything that can change the page is part of the fingerprint: its sources, those of
//! the crates it shares, the locked dependencies, the compiler and this pipeline.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::workspace;

/// The file in the result that holds the fingerprint it was made from.
pub const FILE: &str = ".fingerprint";

const SOURCES: [&str; 6] = [
    "Cargo.lock",
    "Cargo.toml",
    "domain",
    "infra/xtask/src/ui",
    "schemas",
    "ui",
];

/// The fingerprint of the checkout as it is, in hexadecimal.
pub fn of(root: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(workspace::read(workspace::command("rustc").arg("--version"))?.as_bytes());
    for source in SOURCES {
        add(&mut hasher, root, &root.join(source))?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn add(hasher: &mut blake3::Hasher, root: &Path, path: &Path) -> Result<()> {
    let shown = path
        .strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string();
    if path.is_dir() {
        if ["dist", "node_modules", "target", "tests"]
            .iter()
            .any(|name| path.ends_with(name))
        {
            return Ok(());
        }
        let mut entries: Vec<_> = fs::read_dir(path)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .with_context(|| format!("reading {shown}"))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        return entries
            .iter()
            .try_for_each(|entry| add(hasher, root, &entry.path()));
    }
    let content = fs::read(path).with_context(|| format!("reading {shown}"))?;
    // Lengths keep a moved boundary between name and content from going unseen.
    for part in [shown.as_bytes(), &content] {
        hasher
            .update(&(part.len() as u64).to_le_bytes())
            .update(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(dir: &Path) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        add(&mut hasher, dir, dir).expect("readable");
        hasher.finalize()
    }

    #[test]
    fn content_and_names_count_but_results_do_not() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a.rs"), "one").expect("written");
        let first = fingerprint(dir.path());
        fs::create_dir(dir.path().join("dist")).expect("made");
        fs::write(dir.path().join("dist/a"), "result").expect("written");
        assert_eq!(fingerprint(dir.path()), first);
        fs::write(dir.path().join("a.rs"), "two").expect("written");
        let second = fingerprint(dir.path());
        assert_ne!(second, first);
        fs::rename(dir.path().join("a.rs"), dir.path().join("b.rs")).expect("renamed");
        assert_ne!(fingerprint(dir.path()), second);
    }
}
