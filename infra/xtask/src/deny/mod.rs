//! What may come into the build: bans, licences and sources.
//!
//! Invariant: `deny.toml` is the only list; cargo-deny reads it where it is installed, and where it
//! is not the same rules are held here, over the graph that cargo really builds.

mod graph;
mod policy;

use std::{fs, process::ExitCode};

use anyhow::{Context, Result};

use crate::{steps::Step, test::Verdict, workspace};

pub fn command() -> Result<ExitCode> {
    let step = Step::begin("deny");
    Ok(verdict()?.report(&step))
}

/// Checks all dependencies of the workspace, for every platform.
pub fn verdict() -> Result<Verdict> {
    if local::provision::on_path("cargo-deny").is_some() {
        let mut cargo = workspace::cargo();
        cargo.args(["deny", "--offline", "check", "bans", "licenses", "sources"]);
        return Verdict::of_command("deny", &mut cargo, "bans, licences, sources (cargo-deny)");
    }
    let text = fs::read_to_string(workspace::root().join("deny.toml")).context("deny.toml")?;
    let policy: policy::Policy = toml::from_str(&text).context("deny.toml")?;
    let packages = graph::packages()?;
    let faults = policy.faults(&packages)?;
    let detail = format!("bans, licences, sources · {} packages", packages.len());
    Ok(Verdict::of_faults(&faults, detail))
}
