//! The process group of a program.
//!
//! Invariant: unless the program and its streams are seen to have ended, dropping the group kills
//! it.

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::process::Child;

/// A program and whatever it started.
pub struct Group(Option<Pid>);

impl Group {
    /// The group that `child` leads.
    pub fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        Self(leader.map(Pid::from_raw))
    }

    /// Asks all of it to end.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// It has ended by itself, and its number may soon be another's.
    pub fn leave(mut self) {
        self.0 = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may have ended already, which is what is wanted.
            let _ended = killpg(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
