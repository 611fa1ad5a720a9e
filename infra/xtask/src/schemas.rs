//! Writes the generated schema files.
//!
//! Invariant: the binary is their only source, so that what it serves and what lies here are equal.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace;

pub fn run() -> Result<ExitCode> {
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "almanac",
        "--",
        "schemas",
        "--write",
    ];
    workspace::run(workspace::cargo().args(arguments))?;
    Ok(ExitCode::SUCCESS)
}
