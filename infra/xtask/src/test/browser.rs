//! The page in a real browser, against the real binary.
//!
//! Invariant: a machine without a browser shows this step as skipped, with the reason.

use anyhow::{Context, Result};
use local::provision::on_path;

use super::verdict::{Counts, Verdict, capture, tail};
use crate::workspace;

/// The runner's exit code for "could not run, here is why".
const SKIPPED: i32 = 77;

pub fn verdict() -> Result<Verdict> {
    let folder = workspace::root().join("infra/e2e/browser");
    for program in ["node", "npm"] {
        if on_path(program).is_none() {
            return Ok(Verdict::skipped(&format!(
                "no {program} → install Node.js 20 or newer"
            )));
        }
    }
    if !folder.join("node_modules/playwright-core").is_dir() {
        let mut npm = workspace::command("npm");
        npm.args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder);
        let (status, output) = capture("npm-ci", &mut npm)?;
        if !status.success() {
            return Ok(Verdict::failed("npm ci failed".to_owned(), tail(&output)));
        }
    }
    let mut build = workspace::cargo();
    let (status, output) = capture(
        "build",
        build.args(["build", "--locked", "--package", "almanac"]),
    )?;
    if !status.success() {
        return Ok(Verdict::failed(
            "almanac does not build".to_owned(),
            tail(&output),
        ));
    }
    let mut node = workspace::command("node");
    node.arg(folder.join("run.mjs"))
        .env("ALMANAC_BIN", workspace::target().join("debug/almanac"))
        .env(
            "ALMANAC_BROWSER_REPORT",
            workspace::target().join("xtask/browser"),
        );
    let (status, output) = capture("browser", &mut node)?;
    judge(status.code(), &output)
}

/// The runner's last line is `N passed, N failed`, or the reason for skipping.
fn judge(code: Option<i32>, output: &str) -> Result<Verdict> {
    let last = output
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    if code == Some(SKIPPED) {
        return Ok(Verdict::skipped(last));
    }
    let number = |word: &str| -> Result<usize> {
        let before = last.split(word).next().unwrap_or_default().trim_end();
        let number = before.rsplit(' ').next().unwrap_or_default();
        number
            .parse()
            .with_context(|| format!("the browser run ended with: {}", tail(output)))
    };
    let mut counts = Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: 0,
    };
    if code != Some(0) && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(Verdict::new(
        counts,
        last.to_owned(),
        tail(output),
        Vec::new(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_words_are_understood() {
        let skipped = judge(Some(77), "\nno chromium\n").expect("understood");
        assert_eq!(
            skipped.counts(),
            Counts {
                skipped: 1,
                ..Counts::default()
            }
        );
        let passed = judge(Some(0), "ok a\n3 passed, 0 failed\n").expect("understood");
        assert_eq!(
            passed.counts(),
            Counts {
                passed: 3,
                ..Counts::default()
            }
        );
        assert!(
            judge(Some(1), "3 passed, 0 failed\n")
                .expect("understood")
                .is_failed()
        );
        assert!(judge(Some(1), "Error: boom\n").is_err());
    }
}
