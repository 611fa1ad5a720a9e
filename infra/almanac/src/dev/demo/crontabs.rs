//! The crontabs of this machine.
//!
//! Invariant: only what this user may read.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    command::import::crontab::{Source, files},
    crontab::Layout,
};

const PLACES: [&str; 4] = [
    "/etc/crontab",
    "/etc/cron.d",
    "/var/spool/cron/crontabs",
    "/var/spool/cron",
];

/// The system's crontabs and, as far as they can be read, those of users.
pub fn of_this_machine() -> Vec<Source> {
    let places = PLACES.iter().map(Path::new).filter(|place| place.exists());
    let paths = places.filter_map(|place| files(place).ok()).flatten();
    let readable = paths.filter(|path| File::open(path).is_ok());
    let mut sources: Vec<_> = readable.map(from_file).collect();
    // Where users cannot look into the spool, cron shows each of them their own.
    if !sources
        .iter()
        .any(|source| source.path.starts_with("/var/spool"))
    {
        sources.extend(own());
    }
    sources
}

fn from_file(path: PathBuf) -> Source {
    Source {
        content: None,
        layout: None,
        owner: None,
        path,
    }
}

fn own() -> Option<Source> {
    let output = Command::new("crontab")
        .arg("-l")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let owner = nix::unistd::User::from_uid(nix::unistd::Uid::effective())
        .ok()??
        .name;
    (output.status.success() && !output.stdout.is_empty()).then(|| Source {
        content: Some(output.stdout),
        layout: Some(Layout::User),
        path: PathBuf::from(format!("crontab of {owner}")),
        owner: Some(owner),
    })
}
