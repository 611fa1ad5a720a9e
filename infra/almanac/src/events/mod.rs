//! The log as files and lines: which events are wanted, how they are written down, and the very
//! same log made of them again.
//!
//! - [`filter`] says which, [`bounds`] turns times into positions.
//! - [`line`] is one event as a line of JSON, [`table`] a file of columns; [`encode`] is either.
//! - [`plan`] cuts a log into files, [`export`] writes them, [`manifest`] says what is in them.
//! - [`part`] reads a file again, [`check`] holds an export against its manifest.
//!
//! Invariant: the same log and the same question give the same bytes, whenever and wherever: there
//! is no time of now and no chance in an export.

pub mod bounds;
pub mod check;
pub mod encode;
pub mod export;
pub mod filter;
pub mod line;
pub mod manifest;
pub mod part;
pub mod plan;
pub mod table;

/// What stands for the events of a commit that this program cannot read.
pub const UNDECODABLE: &str = "almanac.undecodable";
/// What stands for a message that is no commit.
pub const UNREADABLE: &str = "almanac.unreadable";
