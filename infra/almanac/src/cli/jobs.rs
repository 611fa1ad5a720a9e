//! What can be asked about jobs.
//!
//! Invariant: nothing is changed by any of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{JobId, Timestamp};

use super::Place;

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// Say what the jobs will do in the days to come, and what a change would make of that.
    Simulate(SimulateJobs),
    /// Prove that every slot that was owed is accounted for; exit code 1 if one is not.
    ///
    /// The slots are found again from the log alone, by looking at every minute, and held against
    /// the ledger that `GET /jobs/{id}/slots` shows. Where nobody watches, the certificate is
    /// printed as JSON.
    Verify(VerifyJobs),
}

#[derive(Args, Debug)]
pub struct SimulateJobs {
    /// How many days.
    #[arg(long, default_value_t = 90, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: u32,
    /// What to change first: a JSON object `{"jobs":{"<id>":{…}},"workers":8}`, where a job is
    /// patched as by `PATCH /jobs/{id}`, with `"enabled": false` to pause it, and null removes it.
    #[arg(long, value_name = "FILE")]
    pub change: Option<PathBuf>,
    /// From when on; now by default.
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// For how many hours nothing fires, from the middle of it on.
    #[arg(long, default_value_t = 0, value_name = "HOURS",
        value_parser = clap::value_parser!(u32).range(0..=720))]
    pub outage_hours: u32,
    /// How many attempts are made at a time.
    #[arg(long, default_value_t = 8, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub workers: u32,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct VerifyJobs {
    /// Slots from this instant on; all by default.
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Slots up to this instant; now by default.
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Only this job.
    #[arg(long, value_name = "ID")]
    pub job: Option<JobId>,
    #[command(flatten)]
    pub place: Place,
}
