//! The text files of a checkout that people write.
//!
//! Invariant: what tools generate (builds, dependencies, schemas, lock files) is not read.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// One file.
pub struct Source {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

const GENERATED: [&str; 5] = ["dist", "generated", "node_modules", "target", "golden"];
const KINDS: [&str; 14] = [
    "conf", "css", "html", "js", "json", "md", "mjs", "rs", "sh", "sql", "toml", "txt", "yaml",
    "yml",
];
const LOCKS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

impl Source {
    /// The file name's ending, without the dot.
    pub fn kind(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, kind)| kind)
    }

    pub fn is_rust(&self) -> bool {
        self.kind() == "rs"
    }
}

/// All of them, in order.
pub fn read(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    add(root, root, &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn add(root: &Path, dir: &Path, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') && name != ".ci" {
            continue;
        }
        if path.is_dir() {
            if !GENERATED.contains(&name.as_str()) {
                add(root, &path, sources)?;
            }
            continue;
        }
        let kind = name.rsplit_once('.').map_or("sh", |(_, kind)| kind);
        if LOCKS.contains(&name.as_str()) || !KINDS.contains(&kind) {
            continue;
        }
        // What is not text is not ours to read.
        if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
            sources.push(Source { path, text });
        }
    }
    Ok(())
}
