//! The packages that are built.
//!
//! Invariant: `cargo tree` and not `cargo metadata`: the latter lists optional packages that no
//! enabled feature brings in.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::workspace;

/// One version of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Empty if it names none.
    pub license: String,
    /// A registry or repository; none for crates.io and for folders of this checkout.
    pub source: Option<String>,
}

/// Every package of every platform, our own included.
pub fn packages() -> Result<BTreeSet<Package>> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "tree",
        "--workspace",
        "--target",
        "all",
        "--edges",
        "normal,build,dev",
    ]);
    cargo.args(["--prefix", "none", "--format", "{p}\t{l}"]);
    Ok(parse(
        &workspace::read(&mut cargo)?,
        &workspace::root().display().to_string(),
    ))
}

/// Lines are `name vVERSION (notes)…<tab>licence`, a `(*)` for repetitions.
fn parse(tree: &str, root: &str) -> BTreeSet<Package> {
    tree.lines()
        .filter_map(|line| parse_line(line, root))
        .collect()
}

fn parse_line(line: &str, root: &str) -> Option<Package> {
    let (package, license) = line.split_once('\t')?;
    let mut words = package.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.trim_start_matches('v').to_owned();
    let source = words
        .map(|word| word.trim_matches(['(', ')']))
        .find(|word| word.contains('/') && !word.starts_with(root))
        .map(str::to_owned);
    let license = license.trim_end_matches("(*)").trim().to_owned();
    Some(Package {
        name,
        version,
        license,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let tree = "a v1.0.0\tMIT\nb v0.2.1 (proc-macro)\tMIT (*)\nc v0.1.0 (/here/c)\tMIT\n\
                    d v1.2.0 (https://elsewhere/d#1234)\t\n";
        let packages: Vec<Package> = parse(tree, "/here").into_iter().collect();
        assert_eq!(packages.len(), 4);
        assert_eq!(packages[1].license, "MIT");
        assert_eq!(packages[2].source, None);
        assert_eq!(
            packages[3].source.as_deref(),
            Some("https://elsewhere/d#1234")
        );
    }
}
