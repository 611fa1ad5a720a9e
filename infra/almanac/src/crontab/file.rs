//! What the place of a crontab says about it.
//!
//! Invariant: only the path decides; the file is not looked at.

use std::path::Path;

use super::Layout;

/// `/etc/crontab` and everything in `/etc/cron.d` name users; all others belong to one.
pub fn layout_of(path: &Path) -> Layout {
    let folder = path.parent().and_then(Path::file_name);
    let is_main = path.file_name().is_some_and(|name| name == "crontab")
        && folder.is_some_and(|name| name == "etc");
    if is_main || folder.is_some_and(|name| name == "cron.d") {
        Layout::System
    } else {
        Layout::User
    }
}

/// Whose crontab this is, where the path says so: `/var/spool/cron/crontabs/ann`.
pub fn owner_of(path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?;
    let spools = ["crontabs", "cron", "tabs"]
        .iter()
        .any(|name| folder == *name);
    let owner = path.file_name()?.to_str()?;
    spools.then(|| owner.to_owned())
}

/// Why cron itself would not read a file of this name in a folder of crontabs.
pub fn ignored_in_folder(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let strange = name.chars().find(|letter| !plain(*letter));
    strange.map(|letter| format!("cron reads no file with {letter:?} in its name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_layout_and_owner() {
        assert_eq!(layout_of(Path::new("/etc/crontab")), Layout::System);
        assert_eq!(layout_of(Path::new("/etc/cron.d/php")), Layout::System);
        assert_eq!(
            layout_of(Path::new("/tmp/copy/etc/crontab")),
            Layout::System
        );
        assert_eq!(layout_of(Path::new("/home/ann/crontab")), Layout::User);
        assert_eq!(
            layout_of(Path::new("/var/spool/cron/crontabs/ann")),
            Layout::User
        );
        let owner = owner_of(Path::new("/var/spool/cron/crontabs/ann"));
        assert_eq!(owner.as_deref(), Some("ann"));
        assert_eq!(owner_of(Path::new("/home/ann/crontab")), None);
    }

    #[test]
    fn backups_are_ignored() {
        assert_eq!(ignored_in_folder("e2scrub_all"), None);
        assert!(ignored_in_folder("php.dpkg-old").is_some());
        assert!(ignored_in_folder(".placeholder").is_some());
        assert!(ignored_in_folder("php~").is_some());
    }
}
