//! The commands of a checkout: `cargo xtask dev | test | ui | …`.
//!
//! Invariant: each works on a fresh machine with rustup, git, Python 3 and Node, and says in one
//! line per step what it did and how long it took.
//!
//! To add a check to `cargo xtask test`: write it as a function that returns a
//! [`test::Verdict`] and add it to the list in `test::steps`.

mod bench;
mod deny;
mod dev;
mod doctor;
mod schemas;
mod steps;
mod test;
mod tidy;
mod ui;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The commands of this checkout.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, beside the bare limits of this machine.
    Bench {
        /// Arguments for the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Check bans, licences and sources of all dependencies against deny.toml.
    Deny,
    /// Set up what is missing, build, and serve everything on this machine.
    Dev {
        /// Arguments for `almanac dev`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Say what this machine has and lacks.
    Doctor,
    /// Write the schema files anew from the types.
    Schemas,
    /// Run every check there is.
    Test {
        /// Only what needs no server and no browser.
        #[arg(long)]
        fast: bool,
    },
    /// Check the house rules over the source text.
    Tidy {
        /// Wrap comments that are too long.
        #[arg(long)]
        fix: bool,
    },
    /// Build the page into ui/dist, unless it is up to date.
    Ui,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bench { args } => bench::run(&args),
        Command::Deny => deny::command(),
        Command::Dev { args } => dev::run(&args),
        Command::Doctor => Ok(doctor::run()),
        Command::Schemas => schemas::run(),
        Command::Test { fast } => test::run(fast),
        Command::Tidy { fix } => tidy::command(fix),
        Command::Ui => ui::command(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!(" ✖ {error:#}");
            ExitCode::FAILURE
        }
    }
}
