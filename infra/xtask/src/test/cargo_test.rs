//! Tests that cargo runs, counted from what it prints.
//!
//! Invariant: a run that failed without a failed test (it did not compile, or was killed) counts as
//! one failure.

use anyhow::Result;

use super::verdict::{Counts, Verdict, capture, tail};
use crate::workspace;

/// How many lines of a failed test are repeated at the end: where it was, and what.
const SAID_LINES: usize = 3;

/// All crates but the page; fast ones are those beside the code, which start no servers.
pub fn workspace(fast: bool) -> Result<Verdict> {
    let mut arguments = vec!["--workspace", "--exclude", "ui"];
    if fast {
        arguments.extend(["--lib", "--bins"]);
    }
    run("tests", &arguments)
}

/// The page's logic, on this machine.
pub fn page() -> Result<Verdict> {
    run("tests-ui", &["--package", "ui"])
}

fn run(log: &str, arguments: &[&str]) -> Result<Verdict> {
    let mut cargo = workspace::cargo();
    // A panic says where it was; the frames above it would hide what else has failed.
    cargo
        .env("RUST_BACKTRACE", "0")
        .args(["test", "--locked", "--no-fail-fast"])
        .args(arguments);
    let (status, output) = capture(log, &mut cargo)?;
    Ok(judge(status.success(), &output))
}

fn judge(success: bool, output: &str) -> Verdict {
    let mut counts = Counts::default();
    for line in output
        .lines()
        .filter(|line| line.starts_with("test result: "))
    {
        counts += count(line);
    }
    if !success && counts.failed == 0 {
        counts.failed = 1;
    }
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    let detail = format!("{passed} passed, {failed} failed, {skipped} skipped");
    let shown = failures(output);
    let failed = failed_tests(&shown);
    Verdict::new(counts, detail, shown, skipped_tests(output)).naming(failed)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn count(line: &str) -> Counts {
    let number = |word: &str| {
        let before = line.split(word).next().unwrap_or_default().trim_end();
        before
            .rsplit(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
    };
    Counts {
        passed: number("passed"),
        failed: number("failed"),
        skipped: number("ignored"),
    }
}

/// What the failed tests said; if no test failed, the end of the output.
fn failures(output: &str) -> String {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in output.lines() {
        if line == "failures:" && open.is_none() {
            open = Some(Vec::new());
        } else if line.starts_with("test result: ") {
            blocks.extend(open.take());
        } else if let Some(block) = &mut open {
            block.push(line);
        }
    }
    if blocks.is_empty() {
        return tail(output);
    }
    blocks.concat().join("\n")
}

/// Each failed test with what it said, in one line.
fn failed_tests(failures: &str) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    let mut words = 0;
    for line in failures.lines().map(str::trim) {
        if line == "failures:" {
            // The list of their names.
            words = SAID_LINES;
        } else if let Some(test) = line.strip_prefix("---- ") {
            let test = test.trim_end_matches(" ----").trim_end_matches(" stdout");
            named.push(format!("{test}:"));
            words = 0;
        } else if let Some(last) = named.last_mut()
            && !line.is_empty()
            && words < SAID_LINES
        {
            last.extend([" ", line]);
            words += 1;
        }
    }
    named
}

fn skipped_tests(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"))
        .map(|(test, reason)| format!("{test}{reason}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\n\
        test a ... ok\ntest b ... FAILED\ntest c ... ignored, needs a printer\n\nfailures:\n\n\
        ---- b stdout ----\nleft: 1\n\nfailures:\n    b\n\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n\
        test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";

    #[test]
    fn results_are_added_up() {
        let verdict = judge(false, OUTPUT);
        assert_eq!(
            verdict.counts(),
            Counts {
                passed: 21,
                failed: 1,
                skipped: 1
            }
        );
        assert!(failures(OUTPUT).contains("left: 1"));
        assert!(!failures(OUTPUT).contains("test a"));
        assert_eq!(skipped_tests(OUTPUT), ["c, needs a printer"]);
        assert_eq!(failed_tests(&failures(OUTPUT)), ["b: left: 1"]);
    }

    #[test]
    fn a_run_that_does_not_compile_is_a_failure() {
        let verdict = judge(false, "error[E0425]: cannot find value\n");
        assert_eq!(verdict.counts().failed, 1);
        assert!(verdict.is_failed());
    }
}
