//! The machine itself.
//!
//! Invariant: nothing that changes while it runs undisturbed.

use std::fs;

use serde_json::{Value, json};

use super::{Found, attributes};

/// The machine's name.
pub fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

pub(super) fn read() -> Found {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(Value::Null, |n| n.get().into());
    let release = text("/etc/os-release");
    let name = hostname();
    Found {
        attributes: attributes([
            ("architecture", std::env::consts::ARCH.into()),
            ("cpus", cpus),
            ("kernel", text("/proc/sys/kernel/osrelease").trim().into()),
            ("memory_bytes", memory_bytes(&text("/proc/meminfo"))),
            ("os", os_value(&release, "PRETTY_NAME").into()),
            ("os_id", os_value(&release, "ID").into()),
            ("os_version", os_value(&release, "VERSION_ID").into()),
        ]),
        key: name.clone(),
        name,
        reference: "/proc/sys/kernel".to_owned(),
    }
}

/// A value of os-release(5), without its quotes.
fn os_value<'a>(release: &'a str, name: &str) -> &'a str {
    let value = release
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches(['"', '\''])
}

fn memory_bytes(meminfo: &str) -> Value {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(Value::Null, |kib| json!(kib * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_files_are_understood() {
        let release =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(
            os_value(release, "PRETTY_NAME"),
            "Debian GNU/Linux 12 (bookworm)"
        );
        assert_eq!(os_value(release, "ID"), "debian");
        assert_eq!(os_value(release, "BUILD_ID"), "");
        let meminfo = "MemTotal:       16303412 kB\nMemFree:         1 kB\n";
        assert_eq!(memory_bytes(meminfo), 16_694_693_888_u64);
        assert_eq!(memory_bytes(""), Value::Null);
    }

    #[test]
    fn this_machine_has_a_name() {
        assert_eq!(read().name, hostname());
    }
}
