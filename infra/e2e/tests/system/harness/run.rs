//! One run of the program to its end: imports, checks, refusals to start.
//!
//! Invariant: a run that does not end within its limit is ended, and is an error.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};

use super::binary::binary;

const LIMIT: Duration = Duration::from_mins(3);

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `almanac ARGS…`.
pub async fn almanac<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Result<Run> {
    almanac_with(args, &[]).await
}

/// The same with more environment.
pub async fn almanac_with<A: AsRef<std::ffi::OsStr>>(
    args: &[A],
    envs: &[(&str, &str)],
) -> Result<Run> {
    let program = tokio::task::block_in_place(binary)?;
    let output = tokio::process::Command::new(program)
        .args(args)
        .envs(envs.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let words: Vec<_> = args
        .iter()
        .map(|arg| arg.as_ref().to_string_lossy())
        .collect();
    let output = tokio::time::timeout(LIMIT, output)
        .await
        .with_context(|| format!("`almanac {}` does not end", words.join(" ")))??;
    Ok(Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Holds that the log is whole, that this program reads all of it, and that the read models are
/// what it says, by the program's own proofs.
pub async fn verify(option: &str, path: &Path) -> Result<()> {
    let path = path.display().to_string();
    almanac(&["log", "verify", option, &path])
        .await?
        .succeeded()
        .context("the log is not whole")?;
    almanac(&["log", "decode", "--all", option, &path])
        .await?
        .succeeded()
        .context("the program cannot read the whole log")?;
    almanac(&["projections", "verify", option, &path])
        .await?
        .succeeded()
        .context("the read models are not what the log says")?;
    Ok(())
}

impl Run {
    /// The run, if it succeeded.
    pub fn succeeded(self) -> Result<Self> {
        let Self {
            code,
            stdout,
            stderr,
        } = &self;
        ensure!(*code == 0, "ended with {code}:\n{stdout}\n{stderr}");
        Ok(self)
    }

    /// The one line with which a run ended that could not do what it was asked.
    pub fn one_line(&self) -> Result<&str> {
        let Self { code, stderr, .. } = self;
        ensure!(*code != 0, "succeeded:\n{}", self.stdout);
        let mut lines = stderr.lines().filter(|line| !line.trim().is_empty());
        let line = lines.next().context("says nothing")?;
        ensure!(lines.next().is_none(), "says more than one line:\n{stderr}");
        ensure!(line.starts_with("✖ "), "is no refusal: {line}");
        Ok(line)
    }
}
