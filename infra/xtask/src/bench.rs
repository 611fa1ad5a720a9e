//! Builds and runs the benches.
//!
//! Invariant: measured code is optimised code; the page is no part of it.

use std::process::ExitCode;

use anyhow::Result;

use crate::{steps::Step, workspace};

pub fn run(args: &[String]) -> Result<ExitCode> {
    let step = Step::begin("build");
    workspace::run(workspace::cargo().args([
        "build",
        "--profile",
        "measure",
        "--package",
        "bench",
    ]))?;
    step.done("optimised");
    workspace::run(workspace::command(&bench()).args(args))?;
    Ok(ExitCode::SUCCESS)
}

fn bench() -> String {
    workspace::target()
        .join("measure/bench")
        .display()
        .to_string()
}
