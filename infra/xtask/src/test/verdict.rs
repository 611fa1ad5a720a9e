//! What came of a check.
//!
//! Invariant: a verdict of failure carries what one needs to see of the output.

use std::{
    fs::{self, File},
    ops::AddAssign,
    process::{Command, ExitCode, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    steps::{self, Step},
    workspace,
};

const TAIL_LINES: usize = 60;
const FAULTS_SHOWN: usize = 60;

/// How many tests, or one for a check that is not made of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// The outcome of a check.
pub struct Verdict {
    counts: Counts,
    detail: String,
    /// The failed tests by name, with what each said.
    named: Vec<String>,
    /// What to show when it failed.
    output: String,
    /// Reasons of what was skipped.
    reasons: Vec<String>,
}

impl Verdict {
    pub fn new(counts: Counts, detail: String, output: String, reasons: Vec<String>) -> Self {
        Self {
            counts,
            detail,
            named: Vec::new(),
            output,
            reasons,
        }
    }

    /// The same, with its failed tests by name.
    pub fn naming(self, named: Vec<String>) -> Self {
        Self { named, ..self }
    }

    pub fn passed(detail: String) -> Self {
        Self::new(
            Counts {
                passed: 1,
                ..Counts::default()
            },
            detail,
            String::new(),
            Vec::new(),
        )
    }

    pub fn failed(detail: String, output: String) -> Self {
        Self::new(
            Counts {
                failed: 1,
                ..Counts::default()
            },
            detail,
            output,
            Vec::new(),
        )
    }

    pub fn skipped(reason: &str) -> Self {
        let counts = Counts {
            skipped: 1,
            ..Counts::default()
        };
        Self::new(
            counts,
            format!("skipped: {reason}"),
            String::new(),
            Vec::new(),
        )
    }

    /// Passed if there are no faults.
    pub fn of_faults(faults: &[String], detail: String) -> Self {
        if faults.is_empty() {
            return Self::passed(detail);
        }
        let mut shown: Vec<String> = faults.iter().take(FAULTS_SHOWN).cloned().collect();
        if faults.len() > FAULTS_SHOWN {
            shown.push(format!("… and {} more", faults.len() - FAULTS_SHOWN));
        }
        Self::failed(format!("{} faults", faults.len()), shown.join("\n"))
    }

    /// Runs a tool; its status is the verdict.
    pub fn of_command(log: &str, command: &mut Command, detail: &str) -> Result<Self> {
        let (status, output) = capture(log, command)?;
        if status.success() {
            return Ok(Self::passed(detail.to_owned()));
        }
        Ok(Self::failed(status.to_string(), tail(&output)))
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub fn named(&self) -> &[String] {
        &self.named
    }

    pub fn is_failed(&self) -> bool {
        self.counts.failed > 0
    }

    pub fn print(&self, name: &str, took: Duration) {
        let mark = match self.counts {
            Counts { failed: 1.., .. } => '✖',
            Counts { passed: 0, .. } => '–',
            Counts { .. } => '✔',
        };
        println!("{}", steps::line(mark, name, &self.detail, took));
        for reason in &self.reasons {
            println!("     skipped: {reason}");
        }
        if self.is_failed() && !self.output.is_empty() {
            println!("{}", indented(&self.output));
        }
    }

    /// For a check that is a command of its own.
    pub fn report(&self, step: &Step) -> ExitCode {
        self.print(step.name(), step.elapsed());
        if self.is_failed() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs a tool with both its outputs in one log, in the order they were written.
pub fn capture(name: &str, command: &mut Command) -> Result<(ExitStatus, String)> {
    let logs = workspace::target().join("xtask/logs");
    fs::create_dir_all(&logs).context("creating the folder of logs")?;
    let path = logs.join(format!("{name}.log"));
    let log = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .env("CARGO_TERM_COLOR", "never")
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("running {program}"))?;
    let output = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok((status, String::from_utf8_lossy(&output).into_owned()))
}

/// The end of an output.
pub fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("     {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
