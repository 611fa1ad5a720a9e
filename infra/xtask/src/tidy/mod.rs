//! The house rules, held over manifests and source text.
//!
//! Invariant: every rule names the file it found broken, and has a test that plants the fault.
//!
//! To add a rule: write a function from [`Source`]s to [`Fault`]s in a file of its own, with a test
//! that plants a fault, and call it in [`check`].

mod arrows;
mod layout;
mod manifest;
mod paths;
mod shape;
mod source;
mod words;
mod wrap;

use std::{fmt, path::Path, process::ExitCode};

use anyhow::Result;
use cargo_metadata::MetadataCommand;
use source::Source;

use crate::{steps::Step, test::Verdict, workspace};

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    place: String,
    rule: String,
}

impl Fault {
    fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// Reports the faults; with `fix`, first mends those that a machine can.
pub fn command(fix: bool) -> Result<ExitCode> {
    let step = Step::begin("tidy");
    if fix {
        let root = workspace::root();
        let fixed = wrap::fix(&root, &source::read(&root)?)?;
        println!("   wrapped comments in {fixed} files");
    }
    Ok(verdict()?.report(&step))
}

pub fn verdict() -> Result<Verdict> {
    let root = workspace::root();
    let (faults, files) = check(&root)?;
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    Ok(Verdict::of_faults(
        &faults,
        format!("arrows, layout, shape, words, paths · {files} files"),
    ))
}

/// All rules over one checkout; the faults and how many files were read.
fn check(root: &Path) -> Result<(Vec<Fault>, usize)> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let sources = source::read(root)?;
    let mut faults = arrows::check(&arrows::edges(&metadata));
    faults.extend(layout::check(root)?);
    faults.extend(sources.iter().filter_map(layout::check_name));
    faults.extend(sources.iter().flat_map(shape::check));
    faults.extend(sources.iter().flat_map(|source| words::check(source, root)));
    faults.extend(sources.iter().flat_map(manifest::check));
    faults.extend(sources.iter().flat_map(|source| paths::check(source, root)));
    Ok((faults, sources.len()))
}
