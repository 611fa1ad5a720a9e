//! `command`: runs a program on the worker's machine, as the worker's own user.
//!
//! Invariant: off unless the configuration allows it. The program gets an environment of its own
//! and a process group of its own; when the attempt ends, however it ends, so does the group.

mod capture;
mod group;
mod lines;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use domain::LogLevel;
use nix::unistd::{User, geteuid};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Child};

use super::{AttemptContext, Handler, Outcome, read, text::tail};
use capture::Capture;
use group::Group;
use lines::Lines;

/// How much of each stream the task's output holds: the last 64 KiB, as JSON.
const TAIL_MAX: usize = 64 * 1024;
/// How much of the last words goes into an error's message, in bytes.
const LAST_WORDS_MAX: usize = 500;
/// How long to go on reading after the program ended, if something it left behind holds its
/// streams.
const LINGER: Duration = Duration::from_secs(1);
/// What a program sees of this process's environment.
const INHERITED: [&str; 3] = ["HOME", "LANG", "PATH"];

/// The handler.
pub struct Command {
    allowed: bool,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    cwd: Option<PathBuf>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    program: String,
    #[serde(default)]
    stdin: Option<String>,
    /// The user that it was meant for, as in a crontab; refused if that is not who would run it.
    #[serde(default)]
    user: Option<String>,
}

impl Command {
    /// Runs programs only if `allowed`.
    pub const fn new(allowed: bool) -> Self {
        Self { allowed }
    }
}

#[async_trait]
impl Handler for Command {
    fn is_able(&self) -> bool {
        self.allowed
    }

    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        if !self.allowed {
            let message = "this worker runs no programs (worker.allow_commands is off)";
            return Outcome::fail("commands_disabled", message);
        }
        let payload: Payload = match read(payload) {
            Ok(payload) => payload,
            Err(outcome) => return outcome,
        };
        if let Err(outcome) = check_user(payload.user.as_deref()) {
            return outcome;
        }
        // Arguments may hold secrets; what is run does not.
        let runs = format!("runs {}", payload.program);
        context.report.log(LogLevel::Info, runs);
        match start(&payload) {
            Ok(child) => follow(child, payload.stdin, context).await,
            Err(reason) => not_started(&payload.program, &reason),
        }
    }
}

fn check_user(wanted: Option<&str>) -> Result<(), Outcome> {
    let Some(wanted) = wanted else { return Ok(()) };
    let own = User::from_uid(geteuid()).ok().flatten();
    if own.as_ref().is_some_and(|own| own.name == wanted) {
        return Ok(());
    }
    let own = own.map_or_else(|| "an unnamed user".to_owned(), |own| own.name);
    let message = format!("meant for the user {wanted}; this worker is {own}");
    Err(Outcome::fail("other_user", message))
}

fn start(payload: &Payload) -> std::io::Result<Child> {
    let mut command = tokio::process::Command::new(&payload.program);
    command
        .args(&payload.args)
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((*name, std::env::var_os(name)?))),
        )
        .envs(&payload.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(cwd) = &payload.cwd {
        command.current_dir(cwd);
    }
    command.spawn()
}

fn not_started(program: &str, reason: &std::io::Error) -> Outcome {
    use std::io::ErrorKind::{InvalidInput, NotADirectory, NotFound, PermissionDenied};
    let message = format!("{program}: {reason}");
    match reason.kind() {
        InvalidInput | NotADirectory | NotFound | PermissionDenied => {
            Outcome::fail("not_started", message)
        }
        _ => Outcome::retry("not_started", message),
    }
}

async fn follow(mut child: Child, stdin: Option<String>, context: &AttemptContext) -> Outcome {
    let lines = |level| Lines::new(level, context.report.clone());
    let stdout = Capture::start(child.stdout.take(), TAIL_MAX, lines(LogLevel::Info));
    let stderr = Capture::start(child.stderr.take(), TAIL_MAX, lines(LogLevel::Warn));
    let mut input = child.stdin.take();
    let group = Group::of(child);
    let writing = async {
        if let (Some(input), Some(text)) = (&mut input, stdin) {
            // A program need not read what it is given.
            let _unread = input.write_all(text.as_bytes()).await;
        }
        drop(input);
        std::future::pending::<()>().await;
    };
    let mut stopped = false;
    let ended = {
        let ended = group.leader_ended();
        tokio::pin!(ended, writing);
        loop {
            tokio::select! {
                ended = &mut ended => break ended,
                () = context.cancel.cancelled(), if !stopped => {
                    stopped = true;
                    group.terminate();
                }
                () = &mut writing => {}
            }
        }
    };
    let (stdout, stderr) = tokio::join!(stdout.end(LINGER), stderr.end(LINGER));
    match ended.and(group.end().await) {
        _ if stopped => Outcome::stopped(),
        Ok(status) => judge(status, &stdout.0, &stderr.0, stdout.1 || stderr.1),
        Err(reason) => Outcome::retry("not_followed", reason),
    }
}

fn judge(status: ExitStatus, stdout: &[u8], stderr: &[u8], missing: bool) -> Outcome {
    if status.success() {
        let (stdout, out_cut) = tail(stdout, TAIL_MAX);
        let (stderr, err_cut) = tail(stderr, TAIL_MAX);
        return Outcome::Done(json!({
            "exit_status": 0,
            "stdout": stdout,
            "stderr": stderr,
            "truncated": missing || out_cut || err_cut,
        }));
    }
    let said = if stderr.is_empty() { stdout } else { stderr };
    let (last_words, _) = tail(said, LAST_WORDS_MAX);
    Outcome::retry("exit_status", format!("{status}: {}", last_words.trim()))
}
