//! The process group of a program.
//!
//! Invariant: the group is killed before its leader is reaped. Until then the leader keeps the
//! group's number, so the kill can meet nobody else.

use std::{io, process::ExitStatus};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
};

/// A program and whatever it started; dropping it kills them.
pub struct Group {
    leader: Child,
}

impl Group {
    /// The group that `leader` leads.
    pub const fn of(leader: Child) -> Self {
        Self { leader }
    }

    /// Asks all of it to end.
    pub fn terminate(&self) {
        self.send(Signal::SIGTERM);
    }

    /// Waits until the program has ended; what it started may still run.
    pub async fn leader_ended(&self) -> io::Result<()> {
        // Listening begins before looking, so that no end falls between the two.
        let mut ends = signal(SignalKind::child())?;
        while self.leader_runs() {
            ends.recv().await;
        }
        Ok(())
    }

    /// Kills all of it, and says how the program ended.
    pub async fn end(mut self) -> io::Result<ExitStatus> {
        self.send(Signal::SIGKILL);
        self.leader.wait().await
    }

    /// Looks without reaping.
    fn leader_runs(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        self.unreaped()
            .is_some_and(|leader| waitid(Id::Pid(leader), look) == Ok(WaitStatus::StillAlive))
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.unreaped() {
            // It may have ended already, which is what is wanted.
            let _ended = killpg(leader, signal);
        }
    }

    /// The leader, and so the group, by its number, for as long as that cannot be another's.
    fn unreaped(&self) -> Option<Pid> {
        let id = self.leader.id()?;
        i32::try_from(id).ok().map(Pid::from_raw)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_leader_that_ended_is_reaped_after_the_kill() {
        let mut shell = tokio::process::Command::new("/bin/sh");
        shell.args(["-c", "exit 3"]).process_group(0);
        let group = Group::of(shell.spawn().expect("a shell"));
        group.leader_ended().await.expect("heard of");
        let leader = group.unreaped().expect("its number is kept");
        let stat = std::fs::read_to_string(format!("/proc/{leader}/stat")).expect("it is there");
        assert!(stat.contains(") Z "), "{stat}");
        let status = group.end().await.expect("reaped");
        assert_eq!(status.code(), Some(3));
    }
}
