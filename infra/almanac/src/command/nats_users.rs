//! `almanac nats-users`: what the configuration of nats-server must say of Almanac's users.
//!
//! Invariant: it is what every process demands at its start, to the letter.

use std::process::ExitCode;

pub(super) fn run() -> ExitCode {
    print!("{}", event_log::nats_users());
    ExitCode::SUCCESS
}
