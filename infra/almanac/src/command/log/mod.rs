//! `almanac log …`: is it whole, can it be read, and what proves a commit of it.
//!
//! Invariant: nothing is changed by looking; only signing writes, and says so.

mod checkpoint;
mod decode;
pub(super) mod file;
mod receipt;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Log;

pub(super) async fn run(asked: Log) -> Result<ExitCode> {
    match asked {
        Log::CheckReceipt(asked) => receipt::check(&asked),
        Log::Checkpoint(asked) => checkpoint::print(asked).await,
        Log::Decode(asked) => decode::run(asked.place).await,
        Log::Keys(asked) => checkpoint::keys(asked).await,
        Log::Receipt(asked) => receipt::print(asked).await,
        Log::Verify(asked) => verify::run(asked).await,
    }
}

/// 0 if all is well, else 1.
fn code(is_well: bool) -> ExitCode {
    ExitCode::from(u8::from(!is_well))
}
