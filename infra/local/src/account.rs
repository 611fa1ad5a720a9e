//! The unprivileged account a server runs under when this process is root.
//!
//! Invariant: Postgres never runs as root, and nothing it must reach lies behind a closed folder.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use nix::unistd::{Uid, User};

use crate::{Error, Result};

/// Who a server runs as; none for "as ourselves".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `postgres` or else `nobody` when this process is root, none otherwise.
    pub(crate) fn for_root() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let user = ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root());
        let Some(user) = user else {
            return Err(Error::Unusable(
                "postgres refuses to run as root → create an account for it: useradd -r postgres"
                    .to_owned(),
            ));
        };
        Ok(Some(Self {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }))
    }

    /// Makes the command run under this account, without root's groups.
    pub(crate) fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives one file or folder to this account.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(Error::io(format!(
            "giving {} to uid {}",
            path.display(),
            self.uid
        )))
    }

    /// Whether this account can pass every folder above `path`.
    pub(crate) fn reaches(self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .filter(|folder| !folder.as_os_str().is_empty())
            .all(|folder| {
                fs::metadata(folder).is_ok_and(|meta| {
                    let pass = if meta.uid() == self.uid { 0o100 } else { 0o001 };
                    meta.mode() & pass != 0
                })
            })
    }
}
