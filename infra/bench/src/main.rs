//! Measures Almanac, and beside each figure the bare limit of this machine in the same run.
//!
//! - One file per bench: `append`, `as_of`, `commands`, `idle`, `live`, `reads`, `rebuild`,
//!   `sign_in`, `slots`, `sse`, `tasks`, `verify`, `visible`.
//! - [`bare`] has the minimal programs that do only the step in question.
//! - [`world`] starts real servers; [`role`] runs parts of Almanac as processes of their own, so
//!   that their CPU time can be told apart.
//!
//! Invariant: a figure is never printed without what bounds it, and both were measured on the same
//! servers minutes apart at most. A goal that a report states as one makes the run fail if missed.

mod append;
mod as_of;
mod bare;
mod commands;
mod filling;
mod fixture;
mod http;
mod idle;
mod latency;
mod live;
mod load;
mod machine;
mod paced;
mod reads;
mod rebuild;
mod report;
mod role;
mod sign_in;
mod slots;
mod sse;
mod stages;
mod tasks;
mod verify;
mod visible;
mod world;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use load::Scale;
use machine::Machine;
use report::Report;

/// As in the binary `almanac`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Almanac beside the bare limits of this machine.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure; everything if not told.
    #[command(subcommand)]
    bench: Option<Bench>,
    /// Seconds per measured point; more is steadier.
    #[arg(long, global = true)]
    seconds: Option<f64>,
    /// One JSON document instead of tables.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Subcommand)]
enum Bench {
    /// Everything, each shortly: about seven minutes. Lists as they were are asked of a tenth of
    /// the history that the goal names: the whole takes longer to fill than the rest to measure.
    All,
    /// Appends to the log, one by one and by group commit.
    Append,
    /// Lists as they were, out of a long history.
    AsOf {
        /// Versions that have ended.
        #[arg(long, default_value_t = 1_000_000)]
        history: usize,
    },
    /// Commands, in process and over HTTP.
    Commands,
    /// Reads over HTTP: one by id, and a list of fifty.
    Reads {
        /// Tasks in the table.
        #[arg(long, default_value_t = 100_000)]
        rows: usize,
    },
    /// Lists that are followed: how soon one, and each of many, hears of a change.
    Live {
        /// How many follow the same list.
        #[arg(long, default_value_t = 5_000)]
        clients: usize,
    },
    /// Jobs that are not due.
    Idle {
        /// How many.
        #[arg(long, default_value_t = 100_000)]
        jobs: usize,
    },
    /// Rebuilding all read models from the log.
    Rebuild {
        /// Commits in the log.
        #[arg(long, default_value_t = 200_000)]
        commits: usize,
    },
    /// Signing in, and checking tokens.
    SignIn,
    /// Jobs due at one instant.
    Slots {
        /// How many; may be given more than once.
        #[arg(long, default_values_t = [1_000, 10_000])]
        jobs: Vec<usize>,
    },
    /// Fan-out of live events.
    Sse {
        /// How many listen.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
    },
    /// Tasks, from their creation to their success.
    Tasks,
    /// Proving the log whole and signed.
    Verify {
        /// Commits in the log.
        #[arg(long, default_value_t = 200_000)]
        commits: usize,
    },
    /// From a write until it can be read.
    Visible,
    /// Plays a part of Almanac for another bench process.
    #[command(hide = true)]
    Role {
        /// Which.
        part: role::Part,
    },
}

fn main() -> ExitCode {
    runtime::prefer_small_pages();
    runtime::install_crypto();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("✖ {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let bench = arguments.bench.clone().unwrap_or(Bench::All);
    if let Bench::Role { part } = bench {
        return runtime.block_on(role::play(part));
    }
    let machine = Machine::here()?;
    if !arguments.json {
        println!("{machine}");
    }
    let mut reports = Vec::new();
    for bench in bench.parts() {
        let report = runtime.block_on(bench.measure(Scale::new(arguments.seconds)))?;
        if !arguments.json {
            println!("{report}");
        }
        reports.push(report);
    }
    if arguments.json {
        let document = serde_json::json!({ "machine": machine, "benches": reports });
        println!("{document:#}");
    }
    let missed: Vec<_> = reports.iter().flat_map(Report::missed).collect();
    anyhow::ensure!(missed.is_empty(), "{}", missed.join("\n  "));
    Ok(())
}

impl Bench {
    /// What it consists of.
    fn parts(&self) -> Vec<Self> {
        match self {
            Self::All => vec![
                Self::Append,
                Self::AsOf { history: 100_000 },
                Self::Commands,
                Self::Visible,
                Self::Live { clients: 5_000 },
                Self::Idle { jobs: 10_000 },
                Self::Reads { rows: 30_000 },
                Self::Rebuild { commits: 60_000 },
                Self::SignIn,
                Self::Slots {
                    jobs: vec![1_000, 10_000],
                },
                Self::Sse { clients: 1_000 },
                Self::Tasks,
                Self::Verify { commits: 60_000 },
            ],
            one => vec![one.clone()],
        }
    }

    async fn measure(&self, scale: Scale) -> Result<Report> {
        match self {
            Self::All | Self::Role { .. } => anyhow::bail!("not a single bench"),
            Self::Append => append::run(scale).await,
            Self::AsOf { history } => as_of::run(scale, *history).await,
            Self::Commands => Box::pin(commands::run(scale)).await,
            Self::Idle { jobs } => Box::pin(idle::run(*jobs)).await,
            Self::Live { clients } => live::run(scale, *clients).await,
            Self::Reads { rows } => reads::run(scale, *rows).await,
            Self::Rebuild { commits } => rebuild::run(*commits).await,
            Self::SignIn => Box::pin(sign_in::run(scale)).await,
            Self::Slots { jobs } => slots::run(jobs).await,
            Self::Sse { clients } => sse::run(scale, *clients).await,
            Self::Tasks => Box::pin(tasks::run(scale)).await,
            Self::Verify { commits } => verify::run(*commits).await,
            Self::Visible => visible::run(scale).await,
        }
    }
}
