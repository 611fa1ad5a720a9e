//! From a cluster to a server that accepts clients.
//!
//! Invariant: a fixed port is used or the start fails; any other is given up for the next as long
//! as others are faster, but not for ever.

use std::{fs, time::Duration};

use super::{Postgres, ready};
use crate::{
    Error, Result,
    process::{self, Launch, Process},
    wait,
};

/// The log goes first: what is written to it waits for an answer, read models say how old they are.
const NICENESS: u8 = 10;
/// Recovery after a kill comes before readiness.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// How long sessions of a killed server may hold its shared memory.
pub(super) const LEFTOVER_LIMIT: Duration = Duration::from_secs(15);
/// How many ports are tried if others take them between the choice and the start.
const PORTS_MAX: usize = 5;

impl Postgres {
    /// Tries until sessions of a killed predecessor have let go of its shared memory, and with
    /// other ports if somebody takes those that were free.
    pub(super) fn launch(&mut self, mut free: impl FnMut() -> Result<u16>) -> Result<()> {
        let mut failure = None;
        let mut collisions = 0;
        let launched = wait::until(LEFTOVER_LIMIT, || {
            let Err(error) = self.launch_once() else {
                return Some(Ok(()));
            };
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let is_taken = log.contains("Address already in use");
            if is_taken && self.options.port.is_none() {
                collisions += 1;
                if collisions == PORTS_MAX {
                    return Some(Err(all_taken()));
                }
                match free() {
                    Ok(port) => self.port = port,
                    Err(reason) => return Some(Err(reason)),
                }
            }
            if !is_taken && !log.contains("pre-existing shared memory block") {
                return Some(Err(error));
            }
            failure = Some(error);
            None
        });
        match (launched, failure) {
            (Some(ended), _) => ended,
            (None, Some(error)) => Err(error),
            (None, None) => Ok(()),
        }
    }

    fn launch_once(&mut self) -> Result<()> {
        process::fresh_log(&self.log())?;
        let process = Process::start(Launch {
            program: &self.programs.bin.join("postgres"),
            args: self.arguments(),
            envs: vec![("LC_ALL", "C.UTF-8".to_owned())],
            account: self.account,
            cwd: &self.cluster,
            log: &self.log(),
            record: self.options.dir.join("postgres.pid"),
            on_parent_death: "QUIT",
            niceness: NICENESS,
        })?;
        let process = process.once_ready("postgres", self.log(), READY_LIMIT, |pid| {
            ready::accepts(self.port, &self.cluster, pid)
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Settings live here and not in the cluster, so that they follow the code.
    fn arguments(&self) -> Vec<String> {
        let durable = if self.options.durable { "on" } else { "off" };
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &self.port.to_string()),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "4GB"),
            ("checkpoint_completion_target", "0.9"),
            ("fsync", durable),
            ("full_page_writes", durable),
            ("synchronous_commit", durable),
            ("jit", "off"),
            ("password_encryption", "scram-sha-256"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] %u@%d "),
            ("cluster_name", "almanac"),
        ];
        let mut arguments = vec!["-D".to_owned(), self.cluster.display().to_string()];
        for (name, value) in settings {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        arguments
    }
}

fn all_taken() -> Error {
    Error::Unusable(format!(
        "postgres did not start: {PORTS_MAX} ports in a row were free and taken a moment later → \
         start again, or choose a port"
    ))
}
