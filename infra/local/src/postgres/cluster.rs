//! Making a cluster, and clearing what a killed server left in it.
//!
//! Invariant: a cluster appears complete (checksums, UTF-8, password, database) or not at all.

use std::{
    ffi::OsString,
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{end_left_behind, roles};
use crate::{
    Error, Result, account::Account, process::Identity, provision::PostgresPrograms, secret,
};

/// With what a cluster is made.
pub(super) struct Making<'a> {
    pub(super) programs: &'a PostgresPrograms,
    pub(super) account: Option<Account>,
    pub(super) password: &'a str,
    /// The statements that make the roles.
    pub(super) roles: &'a [String],
}

/// The major version that made the cluster; none if there is no cluster yet.
pub(super) fn major(cluster: &Path) -> Result<Option<u32>> {
    let file = cluster.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| {
            Error::Unusable(format!(
                "{} is damaged → wipe it (--reset)",
                cluster.display()
            ))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::io(format!("reading {}", file.display()))(source)),
    }
}

impl Making<'_> {
    /// Makes the cluster unless it is there. `durable` false skips waiting for the disk.
    pub(super) fn ensure(&self, cluster: &Path, durable: bool) -> Result<()> {
        if cluster.join("PG_VERSION").exists() {
            return Ok(());
        }
        let unfinished = beside(cluster, ".new");
        let password_file = beside(cluster, ".password");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(Error::io("removing an unfinished cluster"))?;
        }
        fs::create_dir(&unfinished)
            .and_then(|()| fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o700)))
            .map_err(Error::io(format!("creating {}", unfinished.display())))?;
        secret::write_private(&password_file, self.password)?;
        if let Some(account) = self.account {
            account.own(&unfinished)?;
            account.own(&password_file)?;
        }
        let made = self.initdb(&unfinished, &password_file, durable);
        fs::remove_file(&password_file).map_err(Error::io("removing the password file"))?;
        made?;
        self.create_database(&unfinished)?;
        fs::rename(&unfinished, cluster)
            .map_err(Error::io(format!("placing {}", cluster.display())))
    }

    fn initdb(&self, dir: &Path, password_file: &Path, durable: bool) -> Result<()> {
        let mut command = self.command("initdb", dir);
        command
            .arg("--pgdata")
            .arg(dir)
            .arg("--pwfile")
            .arg(password_file)
            .args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ])
            .args(["--locale=C.UTF-8", "--data-checksums"]);
        if !durable {
            command.arg("--no-sync");
        }
        let output = command.output().map_err(Error::io("running initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let line = complaint
            .lines()
            .find(|line| line.contains("error"))
            .unwrap_or(&complaint);
        Err(Error::Unusable(format!(
            "initdb failed: {}",
            line.trim().replace('\n', " | ")
        )))
    }

    fn create_database(&self, dir: &Path) -> Result<()> {
        let mut statements = vec!["CREATE DATABASE almanac".to_owned()];
        statements.extend_from_slice(self.roles);
        self.single_user(dir, "postgres", &statements)?;
        roles::mark(dir, self.roles)
    }

    /// Runs statements, each of one line, on a cluster that is not served: needs neither a port nor
    /// a client program.
    pub(super) fn single_user(&self, dir: &Path, database: &str, lines: &[String]) -> Result<()> {
        let failed = || Error::io("preparing the database");
        let mut child = self
            .command("postgres", dir)
            .arg("--single")
            .arg("-D")
            .arg(dir)
            // A statement that fails may hold a password.
            .args(["-c", "log_min_messages=error"])
            .args(["-c", "log_min_error_statement=panic", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        if let Some(mut input) = child.stdin.take() {
            let text = lines.join("\n") + "\n";
            input.write_all(text.as_bytes()).map_err(failed())?;
        }
        let output = child.wait_with_output().map_err(failed())?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        // Single-user mode exits with 0 after a failed statement, too.
        if output.status.success() && !complaint.contains("ERROR") {
            return Ok(());
        }
        Err(Error::Unusable(format!(
            "preparing the database failed: {}",
            complaint.trim().replace('\n', " | ")
        )))
    }

    fn command(&self, program: &str, cwd: &Path) -> Command {
        let mut command = Command::new(self.programs.bin.join(program));
        command
            .current_dir(cwd)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        if let Some(account) = self.account {
            account.apply(&mut command);
        }
        command
    }
}

/// Ends an orphaned server of this cluster and removes a lock file that no server of it holds:
/// Postgres itself would take any live process with that pid for one.
pub(super) fn end_orphan(cluster: &Path) {
    let file = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return;
    };
    let orphan = text
        .lines()
        .next()
        .and_then(|pid| pid.trim().parse().ok())
        .and_then(Identity::of)
        .filter(|process| process.runs_with(&cluster.display().to_string()));
    if let Some(orphan) = orphan {
        end_left_behind(&orphan);
    }
    // Already gone if the orphan ended in good order.
    let _ = fs::remove_file(&file);
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
