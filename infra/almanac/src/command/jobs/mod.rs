//! `almanac jobs …`: one file for each question.
//!
//! Invariant: nothing is changed by looking.

mod certificate;
mod facts;
mod simulate;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Jobs;

pub(super) async fn run(asked: Jobs) -> Result<ExitCode> {
    match asked {
        Jobs::Simulate(asked) => simulate::run(asked).await,
        Jobs::Verify(asked) => verify::run(asked).await,
    }
}
