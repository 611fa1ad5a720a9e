//! The one binary: everything on this machine (`almanac dev`), or one role of an installation.
//!
//! - [`cli`] says what can be asked, [`command`] has one file for each sub-command.
//! - [`dev`] runs everything together, [`roles`] each part by itself.
//! - [`events`] writes the log into files and makes the same log of them again.
//! - [`crontab`] and [`inventory`] read what exists already; [`client`] tells it to a gateway.
//!
//! Invariant: a failure is one line that says what is wrong and what to do; the exit code is 0 when
//! all went well, 1 when something failed or does not hold, and 2 when the question was not
//! understood.

mod cli;
mod client;
mod command;
mod crontab;
mod dev;
mod events;
mod identity;
mod inventory;
mod roles;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;

/// Many small objects, made in one thread and dropped in another, are what this process allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long threads that block may take to end after everything else has.
const LAST_WORDS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    runtime::prefer_small_pages();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::explain(&error),
    };
    runtime::install_crypto();
    let threads = match tokio::runtime::Runtime::new() {
        Ok(threads) => threads,
        Err(error) => return failed(&error.into()),
    };
    let done = threads.block_on(command::run(cli));
    threads.shutdown_timeout(LAST_WORDS);
    done.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("✖ {}", in_one_line(error));
    ExitCode::FAILURE
}

/// The sentence and its causes; many an error repeats its cause in its own words.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_and_in_one_line() {
        let cause = anyhow::anyhow!("no such\nfile");
        let error = cause
            .context("reading x: no such\nfile")
            .context("starting");
        assert_eq!(in_one_line(&error), "starting: reading x: no such file");
    }
}
