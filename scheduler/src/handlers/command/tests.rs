//! Real programs, run as tasks would run them.
//!
//! Invariant: whether something still runs is asked of the kernel.

use std::time::Instant;

use nix::{sys::signal::kill, unistd::Pid};

use super::*;
use crate::handlers::testing::{attempt, code};

async fn shell(script: &str, more: Value) -> Outcome {
    run(script, more, &attempt()).await
}

async fn run(script: &str, more: Value, context: &AttemptContext) -> Outcome {
    let mut payload = json!({"program": "/bin/sh", "args": ["-c", script]});
    for (name, value) in more.as_object().expect("an object") {
        payload[name] = value.clone();
    }
    Command::new(true).run(payload, context).await
}

#[tokio::test]
async fn is_off_unless_allowed() {
    let outcome = Command::new(false)
        .run(json!({"program": "/bin/true"}), &attempt())
        .await;
    assert_eq!(code(&outcome), ("commands_disabled", false));
}

#[tokio::test]
async fn a_program_gets_input_and_gives_output() {
    let outcome = shell("cat; echo oops >&2", json!({"stdin": "hello"})).await;
    let expected =
        json!({"exit_status": 0, "stdout": "hello", "stderr": "oops\n", "truncated": false});
    assert_eq!(outcome, Outcome::Done(expected));
}

#[tokio::test]
async fn what_it_prints_is_in_the_log_while_it_runs() {
    let context = attempt();
    let (report, cancel) = (context.report.clone(), context.cancel.clone());
    let running = tokio::spawn(async move {
        let script = "echo one; echo two >&2; sleep 60";
        run(script, json!({}), &context).await
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    let said = |level, text: &str| report.lines().contains(&(level, text.to_owned()));
    while !(said(LogLevel::Info, "one") && said(LogLevel::Warn, "two")) {
        assert!(Instant::now() < deadline, "{:?}", report.lines());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(said(LogLevel::Info, "runs /bin/sh"), "no arguments");
    assert!(!running.is_finished());
    cancel.cancel();
    running.await.expect("no panic");
}

#[tokio::test]
async fn it_sees_only_the_environment_meant_for_it() {
    let outcome = shell("env; pwd", json!({"env": {"A": "1"}, "cwd": "/"})).await;
    let Outcome::Done(output) = outcome else {
        panic!("{outcome:?}");
    };
    let lines = output["stdout"].as_str().expect("text").lines();
    let names: Vec<_> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(n, _)| n)
        .collect();
    let known = ["A", "HOME", "LANG", "OLDPWD", "PATH", "PWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(names.contains(&"A") && names.contains(&"PATH"), "{names:?}");
}

#[tokio::test]
async fn an_exit_status_may_be_better_next_time() {
    let outcome = shell("echo reason >&2; exit 3", json!({})).await;
    assert_eq!(code(&outcome), ("exit_status", true));
    let Outcome::Retry(error) = outcome else {
        panic!("retryable");
    };
    assert!(
        error.message.contains('3') && error.message.contains("reason"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_cannot_start_never_will() {
    for payload in [
        json!({"program": "/no/such/program"}),
        json!({"program": "/bin/true", "cwd": "/no/such/folder"}),
        json!({"program": "/etc/passwd"}),
    ] {
        let outcome = Command::new(true).run(payload, &attempt()).await;
        assert_eq!(code(&outcome), ("not_started", false));
    }
    let outcome = shell("true", json!({"user": "nobody-at-all"})).await;
    assert_eq!(code(&outcome), ("other_user", false));
    let outcome = shell("true", json!({"shell": true})).await;
    assert_eq!(code(&outcome), ("invalid_payload", false));
}

#[tokio::test]
async fn much_output_is_cut_to_its_end() {
    let outcome = shell("seq 1 100000", json!({})).await;
    let Outcome::Done(output) = outcome else {
        panic!("{outcome:?}");
    };
    let stdout = output["stdout"].as_str().expect("text");
    assert!(stdout.len() <= TAIL_MAX && stdout.ends_with("\n100000\n"));
    assert_eq!(output["truncated"], true);
}

#[tokio::test]
async fn output_is_cut_by_what_it_takes_in_the_log() {
    // 80 KiB of a character that JSON writes as six.
    let outcome = shell("head -c 81920 /dev/zero | tr '\\0' '\\1'", json!({})).await;
    let Outcome::Done(output) = outcome else {
        panic!("{outcome:?}");
    };
    let written = output["stdout"].to_string().len();
    assert!(written <= TAIL_MAX + 2, "{written}");
    assert!(written > TAIL_MAX - 6, "{written}");
    assert_eq!(output["truncated"], true);
}

#[tokio::test]
async fn stops_when_asked_with_all_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let script = format!(
        "sleep 1000 & echo $$ $! > {}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let attempt = attempt();
    let cancel = attempt.cancel.clone();
    let running = tokio::spawn(async move { run(&script, json!({}), &attempt).await });
    let pids = appear(&file).await;
    cancel.cancel();
    assert_eq!(code(&running.await.expect("no panic")), ("stopped", true));
    for pid in pids {
        gone(pid).await;
    }
}

#[tokio::test]
async fn dropping_the_attempt_kills_what_ignores_the_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let script = format!(
        "trap '' TERM; sleep 1000 & echo $$ $! > {}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let running = tokio::spawn(async move { shell(&script, json!({})).await });
    let pids = appear(&file).await;
    running.abort();
    for pid in pids {
        gone(pid).await;
    }
}

#[tokio::test]
async fn nothing_outlives_a_program_that_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let script = format!(
        "exec >/dev/null 2>&1; sleep 1000 & echo $$ $! > {}",
        file.display()
    );
    let outcome = shell(&script, json!({})).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    for pid in appear(&file).await {
        gone(pid).await;
    }
}

async fn appear(file: &std::path::Path) -> Vec<i32> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Ok(text) = std::fs::read_to_string(file) {
            let pids = text
                .split_whitespace()
                .map(|pid| pid.parse().expect("a number"));
            return pids.collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the program did not start");
}

async fn gone(pid: i32) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let ended = kill(Pid::from_raw(pid), None).is_err()
            || std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| stat.contains(") Z "));
        if ended {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{pid} still runs");
}
