//! Mounted file systems that hold files.
//!
//! Invariant: neither the kernel's own (proc, cgroup, …) nor memory counts; what is used and what
//! is free is left out, since it changes all the time.

use std::{collections::BTreeMap, fs};

use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};

use super::{Found, Seen, attributes};

/// Types without a device of their own that hold files all the same.
const REAL: [&str; 9] = [
    "9p",
    "ceph",
    "cifs",
    "fuse.sshfs",
    "nfs",
    "nfs4",
    "overlay",
    "virtiofs",
    "zfs",
];
/// Options of overlays that name folders of the container's engine, thousands of characters long.
const INTERNAL: [&str; 4] = ["lowerdir=", "upperdir=", "uuid=", "workdir="];

/// A line of the mount table.
#[derive(Debug, Eq, PartialEq)]
struct Mount {
    device: String,
    options: Vec<String>,
    path: String,
    type_name: String,
}

pub(super) fn read() -> Result<Seen, String> {
    let text = |path: &str| fs::read_to_string(path).map_err(|reason| format!("{path}: {reason}"));
    let mounts = mounts(&text("/proc/self/mounts")?, &text("/proc/filesystems")?);
    Ok(seen(mounts))
}

/// Containers mount single files such as /etc/hosts; those are no file systems to speak of. What
/// this user cannot get at may be either.
fn seen(mounts: Vec<Mount>) -> Seen {
    let mut seen = Seen::default();
    for mount in mounts {
        match fs::metadata(&mount.path) {
            Ok(metadata) if metadata.is_dir() => seen.found.push(found(mount)),
            Ok(_) => {}
            Err(reason) => seen.hide(|| format!("{}: {reason}", mount.path)),
        }
    }
    seen
}

fn found(mount: Mount) -> Found {
    let total = statvfs(mount.path.as_str()).map_or(Value::Null, |size| {
        json!(size.blocks() * size.fragment_size())
    });
    Found {
        attributes: attributes([
            ("device", mount.device.into()),
            ("filesystem", mount.type_name.into()),
            ("options", mount.options.into()),
            ("total_bytes", total),
        ]),
        key: mount.path.clone(),
        reference: format!("/proc/self/mounts:{}", mount.path),
        name: mount.path,
    }
}

/// The real ones; of several on one path, the one on top.
fn mounts(table: &str, known: &str) -> Vec<Mount> {
    let has_device = |name: &str| {
        known
            .lines()
            .any(|line| !line.starts_with("nodev") && line.trim() == name)
    };
    let real = table
        .lines()
        .filter_map(mount)
        .filter(|mount| REAL.contains(&mount.type_name.as_str()) || has_device(&mount.type_name));
    let by_path: BTreeMap<_, _> = real.map(|mount| (mount.path.clone(), mount)).collect();
    by_path.into_values().collect()
}

fn mount(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ');
    let mut field = || fields.next().map(unescaped);
    let (device, path, type_name, options) = (field()?, field()?, field()?, field()?);
    let telling = |option: &&str| !INTERNAL.iter().any(|internal| option.starts_with(internal));
    Some(Mount {
        device,
        options: options
            .split(',')
            .filter(telling)
            .map(str::to_owned)
            .collect(),
        path,
        type_name,
    })
}

/// The kernel writes space, tab, line break and backslash as three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letter = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(letter) = letter {
            plain.push(char::from(letter));
            plain.push_str(&part[3..]);
        } else {
            plain.push('\\');
            plain.push_str(part);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text4\n\tvfat\nnodev\toverlay\n";

    #[test]
    fn only_what_holds_files_counts() {
        let table = "proc /proc proc rw 0 0\n\
            /dev/sda1 / ext4 rw,relatime 0 0\n\
            tmpfs /run tmpfs rw,size=10k 0 0\n\
            /dev/sdb1 /media/my\\040disk vfat ro 0 0\n\
            /dev/sdc1 /media/my\\040disk ext4 rw 0 0\n\
            overlay /var/lib/x overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d 0 0\n\
            nas:/home /home nfs4 rw,vers=4.2 0 0\n\
            short line\n";
        let mounts = mounts(table, KNOWN);
        let paths: Vec<_> = mounts.iter().map(|mount| mount.path.as_str()).collect();
        assert_eq!(paths, ["/", "/home", "/media/my disk", "/var/lib/x"]);
        assert_eq!(mounts[2].device, "/dev/sdc1", "the one on top");
        assert_eq!(mounts[3].options, ["rw"]);
    }

    #[test]
    fn what_cannot_be_got_at_is_no_proof_of_absence() {
        let mount = |path: &str| mount(&format!("/dev/sda1 {path} ext4 rw 0 0")).expect("a mount");
        let seen_of = |path: &str| seen(vec![mount("/"), mount(path)]);
        let whole = seen_of("/proc/self/mounts");
        assert_eq!((whole.found.len(), whole.hidden), (1, None), "a file");
        let part = seen_of("/proc/self/mounts/under-a-file");
        assert_eq!(part.found.len(), 1);
        let hidden = part.hidden.expect("not everything was seen");
        assert!(hidden.contains("under-a-file"), "{hidden}");
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescaped(r"a\134b\012c\9"), "a\\b\nc\\9");
        assert_eq!(unescaped("\\1é"), "\\1é");
    }
}
