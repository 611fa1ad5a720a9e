//! What can be asked on the command line.
//!
//! Invariant: a question that is not understood is answered in one line.

mod backup;
mod events;
mod import;
mod jobs;
mod log;
mod parked;
mod projections;
mod replay;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, error::ErrorKind};

pub use backup::{Backup, FetchBackup, ListBackups, RestoreVault};
pub use events::{
    CheckExport, Events, ExportEvents, ImportEvents, ListEvents, ShowCommit, TailEvents,
};
pub use import::{Crontab, Import, Target};
pub use jobs::{Jobs, SimulateJobs, VerifyJobs};
pub use log::{CheckReceipt, Checkpoint, Log, LogKeys, ReceiptOf, Verify};
pub use parked::{Parked, Retry, Skip};
pub use projections::{Compared, Projections};
pub use replay::{Replay, Until};

/// An event-sourced operations backend.
#[derive(Debug, Parser)]
#[command(name = "almanac", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Which log lines to write, as in `info,gateway=debug`.
    #[arg(long, global = true, env = "ALMANAC_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in from scripts.
    #[command(subcommand)]
    Auth(Auth),
    /// Look into the backups that tasks have made, and get them back.
    #[command(subcommand)]
    Backup(Backup),
    /// Serve everything on this machine, with servers of its own.
    Dev(Dev),
    /// Look into the events of the log, copy them, and make the same log of a copy.
    #[command(subcommand)]
    Events(Events),
    /// Serve the API and the page.
    Gateway(Configured),
    /// Bring in what exists already.
    #[command(subcommand)]
    Import(Import),
    /// Account for what jobs did, and tell what they will do.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Look after the keys that sign access tokens.
    #[command(subcommand)]
    Keys(Keys),
    /// Look into the log.
    #[command(subcommand)]
    Log(Log),
    /// Print what nats-server's configuration must say of Almanac's users.
    NatsUsers,
    /// Say who administers the platform.
    #[command(subcommand)]
    Platform(Platform),
    /// Look into the read models.
    #[command(subcommand)]
    Projections(Projections),
    /// Keep the read models up to date.
    Projector(Configured),
    /// Build the read models of any past moment, or those that would be, beside the live ones.
    Replay(Replay),
    /// Turn due jobs into tasks.
    Scheduler(Configured),
    /// Compare the documents generated from the types with the committed ones.
    #[command(hide = true)]
    Schemas(Schemas),
    /// Create streams and tables, and the first administrator.
    Setup(Setup),
    /// Work on tasks.
    Worker(Configured),
}

#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Print an access token of the administrator of a running `almanac dev`.
    Token {
        /// Where that keeps its data.
        #[arg(long, default_value = ".almanac", value_name = "DIR")]
        data_dir: PathBuf,
    },
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Dev {
    /// Let tasks of the kind `command` run programs, as you.
    #[arg(long)]
    pub allow_commands: bool,
    /// Where everything is kept.
    #[arg(long, default_value = ".almanac", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Where to serve; 0 for any free port. Without it 8080, or the next that is free.
    #[arg(long)]
    pub port: Option<u16>,
    /// Begin with nothing.
    #[arg(long)]
    pub no_demo: bool,
    /// Do not open a browser.
    #[arg(long)]
    pub no_open: bool,
    /// Forget everything first.
    #[arg(long)]
    pub reset: bool,
}

#[derive(Args, Debug)]
pub struct Configured {
    /// A TOML file; `ALMANAC__<SECTION>__<KEY>` in the environment overrides it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Schemas {
    /// Where they are committed.
    #[arg(long, default_value = "schemas/generated", value_name = "DIR")]
    pub dir: PathBuf,
    /// Write those that differ.
    #[arg(long)]
    pub write: bool,
}

#[derive(Args, Debug)]
pub struct Setup {
    #[command(flatten)]
    pub configured: Configured,
    /// The address of the first administrator.
    #[arg(long, env = "ALMANAC_ADMIN_EMAIL", value_name = "ADDRESS")]
    pub admin_email: String,
    /// Their password; give it in the environment, where other users cannot read it.
    #[arg(long, env = "ALMANAC_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: String,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print the public keys that are in use, as a JSON Web Key Set.
    List(Place),
    /// Publish the next key, which signs five minutes later. By itself that happens every 89 days.
    Rotate(Place),
}

#[derive(Debug, Subcommand)]
pub enum Platform {
    /// Let an administrator of the main tenant create tenants and act in each.
    Grant(Somebody),
    /// Let them do so no more.
    Revoke(Somebody),
}

/// A user of the main tenant.
#[derive(Args, Debug)]
pub struct Somebody {
    /// Their address.
    #[arg(value_name = "ADDRESS")]
    pub email: String,
    #[command(flatten)]
    pub place: Place,
}

/// Which servers to look at.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Where a running `almanac dev` keeps its data.
    #[arg(long, default_value = ".almanac", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Servers elsewhere, as this file says.
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    pub config: Option<PathBuf>,
}

/// Answers what could not be understood, and requests for help.
pub fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nobody is left to tell that the help could not be printed.
        let _unprinted = error.print();
        return ExitCode::from(u8::from(error.use_stderr()) * 2);
    }
    eprintln!("✖ {} → almanac --help", sentence(&error.to_string()));
    ExitCode::from(2)
}

/// What is wrong, without the usage that follows it.
fn sentence(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"));
    let words = lines
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ");
    words
        .strip_prefix("error: ")
        .map_or(words.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn refused(args: &[&str]) -> String {
        let args = std::iter::once("almanac").chain(args.iter().copied());
        sentence(&Cli::try_parse_from(args).expect_err("refused").to_string())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn mistakes_are_told_in_one_line() {
        for (args, told) in [
            (&["dev", "--prot", "1"][..], "unexpected argument '--prot'"),
            (&["dev", "--port", "70000"], "70000"),
            (&["import", "crontab"], "<FILE>"),
            (
                &["import", "crontab", "a", "--system", "--user"],
                "cannot be used with",
            ),
            (&["import", "inventory", "--url", "http://x"], "--email"),
            (&["replay"], "--to"),
            (
                &["replay", "--to", "yesterday"],
                "neither a position nor a time",
            ),
            (&["replay", "--to", "7", "--without", "0"], "'0'"),
            (&["replay", "--to", "7", "--keep"], "--without"),
            (&["jobs", "verify", "--from", "yesterday"], "yesterday"),
            (&["jobs", "simulate", "--days", "0"], "0"),
            (&["projections", "parked", "skip", "7"], "--reason"),
            (&["projections", "parked", "retry", "0"], "'0'"),
            (
                &["projections", "verify", "--config", "a", "--data-dir", "b"],
                "cannot be used",
            ),
        ] {
            let line = refused(args);
            assert!(line.contains(told), "{line}");
            assert!(!line.contains('\n') && !line.contains("Usage"), "{line}");
        }
    }

    #[test]
    fn dev_needs_no_argument() {
        let cli = Cli::try_parse_from(["almanac", "dev"]).expect("understood");
        let Command::Dev(dev) = cli.command else {
            panic!("dev is dev");
        };
        assert_eq!(dev.data_dir, PathBuf::from(".almanac"));
        assert!(dev.port.is_none() && !dev.allow_commands && !dev.reset);
    }
}
