//! Builds and runs the benches.
//!
//! Invariant: measured code is release code; the page is no part of it.

use std::process::ExitCode;

use anyhow::Result;

use crate::{steps::Step, workspace};

pub fn run(args: &[String]) -> Result<ExitCode> {
    let step = Step::begin("build");
    workspace::run(workspace::cargo().args([
        "build",
        "--release",
        "-p",
        "bench",
        "-p",
        "almanac",
    ]))?;
    step.done("release");
    workspace::run(workspace::command(&bench()).args(args))?;
    Ok(ExitCode::SUCCESS)
}

fn bench() -> String {
    workspace::target()
        .join("release/bench")
        .display()
        .to_string()
}
