//! The users of a private nats-server: those of Almanac's processes, with the rights that
//! production has, and one for whoever looks after the server.
//!
//! Invariant: each has a password of its own, in a file of mode 0600 and in the server's
//! configuration, which is as private; none is an argument of a process.

use std::path::Path;

use crate::{Error, Result, secret};

/// Generated from the table in `infra/event-log`; what production includes.
const USERS: &str = include_str!("../../../../schemas/generated/nats-users.conf");
/// Where the list of users begins.
const LIST: &str = "users: [\n";
/// Who may do everything: for tests, benches and people. No part of Almanac signs in as this.
pub(super) const KEEPER: &str = "almanac";

/// Says what the passwords are, then who may do what.
pub(super) fn config(dir: &Path) -> Result<String> {
    let passwords = names()
        .chain([KEEPER])
        .map(|user| Ok(format!("{user}: \"{}\"\n", password(dir, user)?)))
        .collect::<Result<String>>()?;
    let keeper = format!("{LIST}  {{ user: {KEEPER}, password: ${KEEPER} }}\n");
    let users = USERS.replacen(LIST, &keeper, 1);
    Ok(format!("{passwords}authorization {{\n{users}}}\n"))
}

/// The password of `user`.
pub(super) fn password(dir: &Path, user: &str) -> Result<String> {
    if user == KEEPER {
        return secret::kept(&dir.join("nats.password"));
    }
    if !names().any(|name| name == user) {
        let words = format!("no part of Almanac is called {user} on nats-server");
        return Err(Error::Unusable(words));
    }
    secret::kept(&dir.join(format!("{user}.password")))
}

fn names() -> impl Iterator<Item = &'static str> {
    let lines = USERS.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix("user: "))
}
