//! What an attempt says while it runs: lines, and how far it is.
//!
//! Invariant: saying something takes no time and cannot fail. What there is no room for is left
//! out, and a line says how much; nothing else may ever wait for it.

mod pulse;
mod said;
mod writer;

use std::sync::Arc;

use domain::{LogLevel, TaskId, TenantId};

pub use writer::LogWriter;

use pulse::Pulse;
use said::Said;

/// Where a handler says what it does. Clones speak for the same attempt.
#[derive(Clone, Debug)]
pub struct Report {
    pulse: Pulse,
    said: Arc<Said>,
}

/// Whose report it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reporter {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// At which task.
    pub task: TaskId,
    /// Whose task.
    pub tenant: TenantId,
}

impl Report {
    fn new(said: Said) -> Self {
        Self {
            pulse: Pulse::default(),
            said: Arc::new(said),
        }
    }

    /// When the handler last said anything.
    pub(crate) const fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Says something. What is longer than 8 KiB is cut.
    pub fn log(&self, level: LogLevel, text: impl AsRef<str>) {
        self.pulse.beat();
        Said::log(&self.said, level, text.as_ref());
    }

    /// Says how far the attempt is, in whatever it counts; only the latest is kept.
    pub fn progress(&self, done: u64, total: Option<u64>, note: impl AsRef<str>) {
        self.pulse.beat();
        Said::progress(&self.said, done, total, note.as_ref());
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A report that nobody stores.
    //!
    //! Invariant: what is said stays to be looked at.

    use super::*;
    use runtime::Clock;
    use uuid::Uuid;

    /// A report of a first attempt.
    pub(crate) fn report() -> Report {
        let reporter = Reporter {
            attempt: 1,
            task: TaskId::new(Uuid::from_u128(1)),
            tenant: TenantId::new(Uuid::from_u128(2)),
        };
        let (ready, _nobody) = tokio::sync::mpsc::unbounded_channel();
        let said = Said::new(
            reporter,
            Clock::system(),
            LogLevel::Debug,
            ready,
            Arc::default(),
        );
        Report::new(said)
    }

    impl Report {
        /// The lines that were said so far.
        pub(crate) fn lines(&self) -> Vec<(LogLevel, String)> {
            self.said.waiting_lines()
        }
    }
}
