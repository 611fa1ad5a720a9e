//! A process of the program under test.
//!
//! Invariant: it dies with this one, however this one ends, and only it is ever signalled.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use local::provision::on_path;
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use super::{
    binary::{binary, build_dir},
    until,
};

/// A running process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where what it prints begins there.
    begins: u64,
    /// What it prints.
    pub log: PathBuf,
}

impl Process {
    /// Starts the program; what it prints goes to a log named for the test.
    pub fn start(name: &str, args: &[String], envs: &[(&str, &str)]) -> Result<Self> {
        Self::start_as(name, &binary()?, |command| {
            command.args(args).envs(envs.iter().copied());
        })
    }

    /// The same of another copy of the program, started as `told` says.
    pub fn start_as(name: &str, program: &Path, told: impl FnOnce(&mut Command)) -> Result<Self> {
        let logs = build_dir()?.join("e2e");
        fs::create_dir_all(&logs).context("making the folder of logs")?;
        let log = logs.join(format!("{name}.log"));
        // Appended to: a test may start the same system again.
        let output = File::options().create(true).append(true).open(&log)?;
        let begins = output.metadata()?.len();
        let mut command = match on_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "TERM", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        told(&mut command);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = launched(command).with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { child, begins, log })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        // The child is not reaped while we hold it, so its pid is nobody else's.
        let pid = Pid::from_raw(self.pid().cast_signed());
        signal::kill(pid, signal).context("signalling")
    }

    /// Holds that nats-server let it do whatever it tried.
    pub fn was_refused_nothing(&self) -> Result<()> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.begins))?;
        let mut said = String::new();
        file.read_to_string(&mut said)?;
        let refusal = said
            .lines()
            .find(|line| line.contains("nats-server refuses"));
        ensure!(refusal.is_none(), "{}: {refusal:?}", self.log.display());
        Ok(())
    }

    /// Waits for its end.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of pid {}, see {}", self.pid(), self.log.display());
        until(&what, limit, async || self.exited()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the command from a thread that lives as long as this process: the kernel tells a child of
/// the end of the thread that started it, and the threads of tests end early.
fn launched(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::SyncSender<io::Result<Child>>);
    static LAUNCHER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let launcher = LAUNCHER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in orders {
                // Who no longer waits needs no answer.
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    let gone = || io::Error::other("the launcher is gone");
    let (reply, answer) = mpsc::sync_channel(1);
    launcher.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}
