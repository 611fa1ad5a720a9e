//! One server process: launched so that it dies with us, identified so that we end only our own.
//!
//! Invariant: a process is signalled only while its pid still has the start time recorded for it.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::{Error, Result, account::Account, provision, secret, wait};

/// How long a killed process may take to be gone; only an unresponsive disk makes it longer.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// How long threads may take to notice that they are to stop.
const PAUSE_LIMIT: Duration = Duration::from_secs(10);

/// What to run, and how.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: Vec<String>,
    pub(crate) envs: Vec<(&'static str, String)>,
    pub(crate) account: Option<Account>,
    /// Where it runs; must be reachable for the account.
    pub(crate) cwd: &'a Path,
    /// Receives what it prints.
    pub(crate) log: &'a Path,
    /// Receives its identity, for a later start that finds it orphaned.
    pub(crate) record: PathBuf,
    /// What the kernel sends it when this process dies.
    pub(crate) on_parent_death: &'static str,
    /// How far it lets all else go first where cores are short; 0 not at all.
    pub(crate) niceness: u8,
}

/// A running child; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    record: PathBuf,
}

/// A process as nothing else can be it: pid and start time (in clock ticks since boot).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pid: i32,
    started: String,
}

impl Process {
    /// Starts the program in its own process group.
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self> {
        let shown = launch.program.display().to_string();
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(launch.log)
            .map_err(Error::io(format!("opening {}", launch.log.display())))?;
        let errors = output.try_clone().map_err(Error::io("sharing the log"))?;
        let mut command = prefixed(&launch);
        command
            .args(launch.args)
            .envs(launch.envs)
            .current_dir(launch.cwd)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        if let Some(account) = launch.account {
            account.apply(&mut command);
        }
        let child = launched(command).map_err(Error::io(format!("starting {shown}")))?;
        let process = Self {
            child,
            record: launch.record,
        };
        if let Some(identity) = Identity::of(process.pid()) {
            let line = format!("{} {}\n", identity.pid, identity.started);
            secret::write_private(&process.record, &line)?;
        }
        Ok(process)
    }

    /// Itself once it is `ready`; what it said last if it ends before, or not in time.
    pub(crate) fn once_ready(
        mut self,
        what: &'static str,
        log: PathBuf,
        limit: Duration,
        ready: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        let became = wait::until(limit, || match self.exited() {
            Some(status) => Some(Err(status.to_string())),
            None => ready(self.pid()).then_some(Ok(())),
        });
        let problem = match became {
            Some(Ok(())) => return Ok(self),
            Some(Err(status)) => status,
            None => format!("silent for {} s", limit.as_secs()),
        };
        let detail = format!("{problem}: {}", last_words(&log));
        Err(Error::NotReady { what, detail, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal; a process that has ended is left alone.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.exited().is_none() {
            // The child is not reaped, so its pid cannot belong to another process.
            let _ = signal::kill(Pid::from_raw(self.pid().cast_signed()), signal);
        }
    }

    /// Stops it for a while; when this returns none of its threads runs any more, which the signal
    /// alone does not promise.
    pub(crate) fn pause(&mut self) {
        self.signal(Signal::SIGSTOP);
        let _ = wait::until(PAUSE_LIMIT, || all_stopped(self.pid()).then_some(()));
    }

    /// Sends each signal in turn, waiting up to its limit, and kills at last.
    pub(crate) fn end(mut self, steps: &[(Signal, Duration)]) {
        for (signal, limit) in steps {
            self.signal(*signal);
            if wait::until(*limit, || self.exited()).is_some() {
                break;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = wait::until(KILL_LIMIT, || self.exited());
        let _ = fs::remove_file(&self.record);
    }
}

impl Identity {
    /// The process that has this pid now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command name may hold spaces and brackets; fields count from its closing bracket.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        if state == "Z" || state == "X" {
            return None;
        }
        Some(Self {
            pid: pid.cast_signed(),
            started: fields.nth(18)?.to_owned(),
        })
    }

    /// The identity that an earlier start recorded.
    pub(crate) fn recorded(record: &Path) -> Option<Self> {
        let text = fs::read_to_string(record).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.to_owned(),
        })
    }

    /// Pid and start time in one word, for file names.
    pub(crate) fn word(&self) -> String {
        format!("{}-{}", self.pid, self.started)
    }

    /// The inverse of [`Identity::word`].
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let (pid, started) = word.split_once('-')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.to_owned(),
        })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid.cast_unsigned()).as_ref() == Some(self)
    }

    /// Whether its command line holds `text`.
    pub(crate) fn runs_with(&self, text: &str) -> bool {
        fs::read(format!("/proc/{}/cmdline", self.pid))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    }

    /// Ends a process that an earlier start left behind, as [`Process::end`] does.
    pub(crate) fn end(&self, steps: &[(Signal, Duration)]) {
        let kill = (Signal::SIGKILL, KILL_LIMIT);
        for (signal, limit) in steps.iter().copied().chain([kill]) {
            if !self.is_alive() {
                return;
            }
            let _ = signal::kill(Pid::from_raw(self.pid), signal);
            let _ = wait::until(limit, || (!self.is_alive()).then_some(()));
        }
    }
}

/// Whether every thread of the process is stopped; also if there are none any more.
fn all_stopped(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_none_or(|(_, fields)| fields.starts_with(['T', 'Z', 'X']))
    })
}

/// Begins a new log and keeps the one before it as `<name>.previous`: a crash is explained there.
pub(crate) fn fresh_log(log: &Path) -> Result<()> {
    if log.exists() {
        let previous = log.with_extension("log.previous");
        fs::rename(log, previous).map_err(Error::io("keeping the previous log"))?;
    }
    fs::write(log, "").map_err(Error::io(format!("creating {}", log.display())))
}

/// The last lines of a log in one line, for error messages.
pub(crate) fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

/// The program under `nice` and under util-linux's `setpriv`, which asks the kernel for a signal on
/// our death. On a minimal system without them it gives way to nobody, and an orphan is ended by
/// the next start instead.
fn prefixed(launch: &Launch<'_>) -> Command {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(nice) = provision::on_path("nice").filter(|_| launch.niceness > 0) {
        words.extend([nice.into(), "-n".into(), launch.niceness.to_string().into()]);
    }
    if let Some(setpriv) = provision::on_path("setpriv") {
        words.extend([
            setpriv.into(),
            "--pdeathsig".into(),
            launch.on_parent_death.into(),
        ]);
        words.push("--".into());
    }
    words.push(launch.program.into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// Starts the command from a thread that lives as long as this process: the kernel sends the
/// parent-death signal when the *thread* that forked ends, and test threads are short-lived.
fn launched(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::SyncSender<io::Result<Child>>);
    static LAUNCHER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let launcher = LAUNCHER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in orders {
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    let gone = || io::Error::other("the launcher thread is gone");
    let (reply, answer) = mpsc::sync_channel(1);
    launcher.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}
