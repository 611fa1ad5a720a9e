//! Reads crontabs: the system's, which name a user in each line, and a user's own.
//!
//! Syntax and meaning are those of Vixie cron and its descendants on Linux (crontab(5)).
//!
//! Invariant: every line becomes exactly one of comment, environment, job or skipped with a reason;
//! nothing vanishes silently, and nothing here touches the world.

mod command;
mod environment;
mod file;
mod job;
mod line;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::schedule::Schedule;

pub use file::{ignored_in_folder, layout_of, owner_of};
pub use job::{Place, jobs};
pub use line::parse;

/// Which of the two layouts a crontab has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// A user's name stands between schedule and command.
    System,
    /// The command follows the schedule.
    User,
}

/// One line of a crontab.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// What it says.
    pub content: Content,
}

/// What a line says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// Nothing.
    Blank,
    /// Something for people.
    Comment,
    /// A variable for the jobs below it.
    Environment {
        /// Its name.
        name: String,
        /// Its value, without the quotes around it.
        value: String,
    },
    /// A command and when to run it.
    Job(Box<Entry>),
    /// Something that cannot become a job.
    Skipped {
        /// Why.
        reason: String,
        /// The line itself.
        text: String,
    },
}

/// A command and when to run it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The text for the shell.
    pub command: String,
    /// The variables set above it.
    pub environment: BTreeMap<String, String>,
    /// When it is due; checked.
    pub schedule: Schedule,
    /// What the command is given to read, if the line has an unescaped `%`.
    pub stdin: Option<String>,
    /// Whom it runs as, where the layout says so.
    pub user: Option<String>,
}
