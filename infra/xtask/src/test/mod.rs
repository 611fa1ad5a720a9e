//! Every check there is, one line each.
//!
//! Invariant: a failed step does not hide the later ones; a step that could not run is shown as
//! skipped with its reason and never counted as passed.

mod browser;
mod cargo_test;
mod verdict;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use verdict::Counts;
pub use verdict::Verdict;

use crate::{deny, dev, steps, tidy, ui, workspace};

/// A check: its name, whether it belongs to `--fast`, and how it is run.
type Check = (&'static str, bool, fn(bool) -> Result<Verdict>);

fn checks() -> Vec<Check> {
    vec![
        ("format", true, |_| format()),
        ("clippy", true, |_| clippy()),
        ("tidy", true, |_| tidy::verdict()),
        ("deny", true, |_| deny::verdict()),
        ("web ui", false, |_| web_ui()),
        ("clippy ui", false, |_| clippy_ui()),
        ("tests", true, cargo_test::workspace),
        ("tests ui", true, |_| cargo_test::page()),
        ("browser", false, |_| browser::verdict()),
    ]
}

/// Runs all checks, or the fast ones.
pub fn run(fast: bool) -> Result<ExitCode> {
    let started = Instant::now();
    dev::toolchain()?;
    let mut total = Counts::default();
    let mut failed_steps = Vec::new();
    let mut named = Vec::new();
    for (name, is_fast, check) in checks() {
        let step = Instant::now();
        let verdict = if fast && !is_fast {
            Verdict::skipped("--fast")
        } else {
            check(fast).unwrap_or_else(|error| Verdict::failed(format!("{error:#}"), String::new()))
        };
        verdict.print(name, step.elapsed());
        total += verdict.counts();
        if verdict.is_failed() {
            failed_steps.push(name);
            named.extend_from_slice(verdict.named());
        }
    }
    let code = sum(total, &failed_steps, started.elapsed());
    for test in named {
        println!("  {test}");
    }
    Ok(code)
}

fn sum(total: Counts, failed_steps: &[&str], took: Duration) -> ExitCode {
    let Counts {
        passed,
        failed,
        skipped,
    } = total;
    let summary = format!("{passed} passed · {failed} failed · {skipped} skipped");
    let mark = if failed_steps.is_empty() {
        '✔'
    } else {
        '✖'
    };
    println!("{}", steps::line(mark, "sum", &summary, took));
    println!("{passed} passed, {failed} failed");
    if failed_steps.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {}", failed_steps.join(", "));
    ExitCode::FAILURE
}

fn format() -> Result<Verdict> {
    let mut cargo = workspace::cargo();
    Verdict::of_command("format", cargo.args(["fmt", "--all", "--check"]), "rustfmt")
}

fn clippy() -> Result<Verdict> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "clippy",
        "--quiet",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    Verdict::of_command("clippy", &mut cargo, "no warnings")
}

fn clippy_ui() -> Result<Verdict> {
    let mut cargo = workspace::cargo();
    cargo.args(["clippy", "--quiet", "--locked", "--package", "ui"]);
    cargo.args(["--target", "wasm32-unknown-unknown", "--", "-D", "warnings"]);
    Verdict::of_command("clippy-ui", &mut cargo, "no warnings on wasm32")
}

fn web_ui() -> Result<Verdict> {
    Ok(Verdict::passed(ui::build()?.to_string()))
}
