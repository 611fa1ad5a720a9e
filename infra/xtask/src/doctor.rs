//! What this machine has and lacks.
//!
//! Invariant: changes nothing but the cache of programs; each lack comes with its remedy.

use std::process::ExitCode;

use local::provision;

use crate::{dev, workspace};

/// A program that only some steps need: its name, the argument for its version, what needs it.
const OPTIONAL: [(&str, &str, &str); 4] = [
    (
        "chromium",
        "--version",
        "browser tests → apt-get install chromium",
    ),
    (
        "node",
        "--version",
        "browser tests → install Node.js 20 or newer",
    ),
    (
        "psql",
        "--version",
        "tests of Postgres → apt-get install postgresql-client",
    ),
    (
        "setpriv",
        "--version",
        "ending servers with their parent → install util-linux",
    ),
];

pub fn run() -> ExitCode {
    let mut healthy = true;
    let mut say = |found: std::result::Result<String, String>, name: &str| {
        healthy &= found.is_ok();
        match found {
            Ok(detail) => println!(" ✔ {name:<13} {detail}"),
            Err(problem) => println!(" ✖ {name:<13} {problem}"),
        }
    };
    let toolchain = dev::ensure_toolchain().map_err(|error| format!("{error:#}"));
    say(toolchain, "toolchain");
    let nats = provision::nats_server().map(|found| {
        let note = found
            .note
            .map_or_else(String::new, |note| format!(" · {note}"));
        format!("{} ({}){note}", found.version, found.source)
    });
    say(nats.map_err(|error| error.to_string()), "nats-server");
    let postgres = provision::postgres(None);
    let postgres = postgres.map(|found| format!("{} ({})", found.version, found.source));
    say(postgres.map_err(|error| error.to_string()), "postgres");
    for (program, argument, needed_for) in OPTIONAL {
        match workspace::read(workspace::command(program).arg(argument)) {
            Ok(version) => println!(" ✔ {program:<13} {}", version.trim()),
            Err(_) => println!(" – {program:<13} missing; needed for {needed_for}"),
        }
    }
    if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
