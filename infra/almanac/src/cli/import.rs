//! What can be brought in.
//!
//! Invariant: it is told to a gateway, as any client would.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Turn the lines of crontabs into jobs, paused.
    Crontab(Crontab),
    /// Turn what this machine has into resources.
    Inventory(Target),
}

#[derive(Args, Debug)]
pub struct Crontab {
    /// Crontabs, or folders of them such as /etc/cron.d.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Let the jobs fire.
    #[arg(long)]
    pub enable: bool,
    /// A user's name stands in each line, as in /etc/crontab.
    #[arg(long, conflicts_with = "user")]
    pub system: bool,
    /// No user's name stands in the lines, as in `crontab -l`.
    #[arg(long)]
    pub user: bool,
    #[command(flatten)]
    pub target: Target,
}

/// Which gateway to tell.
#[derive(Args, Debug)]
pub struct Target {
    /// Where a running `almanac dev` keeps its data.
    #[arg(
        long,
        default_value = ".almanac",
        value_name = "DIR",
        conflicts_with = "url"
    )]
    pub data_dir: PathBuf,
    /// Another gateway, such as `https://almanac.example.org`.
    #[arg(long, requires = "email")]
    pub url: Option<String>,
    /// Who signs in there.
    #[arg(long, requires = "url", value_name = "ADDRESS")]
    pub email: Option<String>,
    /// The slug of their tenant; the main one if absent.
    #[arg(long, requires = "url", value_name = "SLUG")]
    pub tenant: Option<String>,
    /// The environment variable that holds their password.
    #[arg(long, default_value = "ALMANAC_PASSWORD", value_name = "NAME")]
    pub password_env: String,
}
