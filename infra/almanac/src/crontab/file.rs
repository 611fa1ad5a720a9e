//! What the place of a crontab says about it.
//!
//! Invariant: only the path decides; the file is not looked at.

use std::path::Path;

use super::Layout;

/// Where each file is called after the user whose crontab it is.
const SPOOLS: [&str; 3] = ["cron/tabs", "crontabs", "spool/cron"];

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
    let folder = path.parent()?;
    let owner = path.file_name()?.to_str()?;
    let is_spool = SPOOLS.iter().any(|spool| folder.ends_with(spool));
    is_spool.then(|| owner.to_owned())
}

/// Why cron itself would not read this file, which lies in a folder of crontabs. In a spool any
/// user's name is right, and only what `crontab -e` leaves there is not; elsewhere names are as
/// strict as those of run-parts(8).
pub fn ignored_in_folder(path: &Path) -> Option<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if owner_of(path).is_some() {
        let is_left = name.starts_with('.') || name.starts_with("tmp.");
        return is_left.then(|| "no user's crontab has such a name".to_owned());
    }
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
    fn files_that_lie_elsewhere_are_nobodys() {
        for path in ["/home/ann/cron/backup", "/home/ann/tabs/daily"] {
            assert_eq!(owner_of(Path::new(path)), None);
        }
        for path in [
            "/var/spool/cron/ann",
            "/var/spool/cron/tabs/ann",
            "/etc/crontabs/ann",
        ] {
            assert_eq!(owner_of(Path::new(path)).as_deref(), Some("ann"));
        }
    }

    #[test]
    fn what_cron_ignores_depends_on_the_folder() {
        let ignored = |path: &str| ignored_in_folder(Path::new(path)).is_some();
        assert!(!ignored("/etc/cron.d/e2scrub_all"));
        for name in ["php.dpkg-old", ".placeholder", "php~", "ann.smith"] {
            assert!(ignored(&format!("/etc/cron.d/{name}")), "{name}");
        }
        for name in ["ann", "ann.smith", "svc$", "ann@example.org"] {
            assert!(
                !ignored(&format!("/var/spool/cron/crontabs/{name}")),
                "{name}"
            );
        }
        for name in [".hidden", "tmp.Xa31fz"] {
            assert!(
                ignored(&format!("/var/spool/cron/crontabs/{name}")),
                "{name}"
            );
        }
    }
}
