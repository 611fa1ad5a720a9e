//! Programs that accept connections from other machines.
//!
//! Invariant: what listens on loopback only is private to its user and does not count; neither do
//! ports that the kernel hands out, which are others tomorrow. That a listener is not seen is no
//! proof that there is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::inventory::{Found, Seen, attributes};

/// A listening socket of the kernel's table.
#[derive(Debug, Eq, PartialEq)]
struct Socket {
    address: String,
    inode: u64,
}

/// Reads the tables and processes of the kernel's file system `proc`. That some processes do not
/// show their sockets matters only if a socket is left without a process.
pub fn read(proc: &Path) -> Result<Seen, String> {
    let sockets = listening(proc)?;
    let processes = fs::read_dir(proc).map_err(|reason| told(proc, &reason))?;
    let mut seen = Seen::default();
    let mut refused = None;
    let mut unowned: BTreeSet<u64> = sockets.keys().copied().collect();
    let mut services: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for folder in processes.flatten().map(|entry| entry.path()) {
        if !is_process(&folder) {
            continue;
        }
        let held = match held(&folder) {
            Ok(held) => held,
            Err(reason) if has_ended(&reason) => continue,
            Err(reason) => {
                refused.get_or_insert_with(|| format!(" ({})", told(&folder.join("fd"), &reason)));
                continue;
            }
        };
        unowned.retain(|inode| !held.contains(inode));
        let addresses: Vec<_> = held.iter().filter_map(|inode| sockets.get(inode)).collect();
        if addresses.is_empty() {
            continue;
        }
        let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        let program = fs::read_link(folder.join("exe")).unwrap_or_default();
        let service = services.entry(name.trim().to_owned()).or_default();
        program
            .to_string_lossy()
            .trim_end_matches(" (deleted)")
            .clone_into(&mut service.0);
        service.1.extend(addresses.into_iter().cloned());
    }
    if let Some(address) = unowned.first().and_then(|inode| sockets.get(inode)) {
        let reason = refused.unwrap_or_default();
        seen.hide(|| format!("nobody is seen to listen on {address}{reason}"));
    }
    seen.found = services.into_iter().map(found).collect();
    Ok(seen)
}

/// The addresses that count, by their sockets' inodes.
fn listening(proc: &Path) -> Result<BTreeMap<u64, String>, String> {
    let range = fs::read_to_string(proc.join("sys/net/ipv4/ip_local_port_range"));
    let range = range.unwrap_or_default();
    let ephemeral = range.split_whitespace().next();
    let ephemeral = ephemeral.and_then(|port| port.parse().ok());
    let mut all = BTreeMap::new();
    for table in ["net/tcp", "net/tcp6"] {
        let text = match fs::read_to_string(proc.join(table)) {
            Ok(text) => text,
            // A kernel without IPv6 has no such table.
            Err(reason) if reason.kind() == ErrorKind::NotFound && table.ends_with('6') => continue,
            Err(reason) => return Err(told(&proc.join(table), &reason)),
        };
        let sockets = sockets(&text, ephemeral.unwrap_or(32_768));
        all.extend(sockets.into_iter().map(|one| (one.inode, one.address)));
    }
    Ok(all)
}

fn found((name, (program, addresses)): (String, (String, BTreeSet<String>))) -> Found {
    Found {
        attributes: attributes([
            (
                "addresses",
                addresses.into_iter().collect::<Vec<_>>().into(),
            ),
            ("manager", "none".into()),
            ("program", program.into()),
            ("state", "listening".into()),
        ]),
        key: name.clone(),
        reference: format!("/proc/net/tcp:{name}"),
        name,
    }
}

fn is_process(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.bytes().all(|letter| letter.is_ascii_digit())
}

/// The inodes of the sockets that a process has open.
fn held(process: &Path) -> io::Result<BTreeSet<u64>> {
    let mut inodes = BTreeSet::new();
    for file in fs::read_dir(process.join("fd"))? {
        let link = match fs::read_link(file?.path()) {
            Ok(link) => link,
            Err(reason) if has_ended(&reason) => continue,
            Err(reason) => return Err(reason),
        };
        let inode = link
            .to_str()
            .and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        inodes.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
    }
    Ok(inodes)
}

/// Processes end and close files while they are looked at.
fn has_ended(reason: &io::Error) -> bool {
    reason.kind() == ErrorKind::NotFound
        || reason.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}

fn told(path: &Path, reason: &io::Error) -> String {
    format!("{}: {reason}", path.display())
}

/// Fields of the kernel's table: 1 = local address, 3 = state (0A: listening), 9 = inode.
fn sockets(table: &str, ephemeral: u16) -> Vec<Socket> {
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (host, port) = fields.get(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let listens = *fields.get(3)? == "0A" && port < ephemeral && !is_loopback(host);
        listens.then_some(())?;
        Some(Socket {
            address: if is_any(host) {
                format!("*:{port}")
            } else {
                format!("port {port}")
            },
            inode: fields.get(9)?.parse().ok()?,
        })
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// Hexadecimal in the machine's byte order: 127.0.0.0/8, `::1`, and the former in IPv6.
fn is_loopback(host: &str) -> bool {
    match host.len() {
        8 => host.ends_with("7F"),
        _ => {
            host == "00000000000000000000000001000000"
                || (host.starts_with("0000000000000000FFFF0000") && host.ends_with("7F"))
        }
    }
}

fn is_any(host: &str) -> bool {
    host.bytes().all(|digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_others_can_reach_counts() {
        let table = "sl local_address rem_address st tx_queue rx_queue tr tm->when uid inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 11 1\n\
            1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 22 1\n\
            2: 0500000A:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 33 1\n\
            3: 0500000A:0050 0600000A:C000 01 00000000:00000000 00:00000000 00000000 0 0 44 1\n\
            4: 00000000:EA60 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 55 1\n";
        let found = sockets(table, 32_768);
        let told: Vec<_> = found
            .iter()
            .map(|socket| (socket.address.as_str(), socket.inode))
            .collect();
        assert_eq!(told, [("*:22", 22), ("port 80", 33)]);
    }

    const LISTENING: &str = "head\n\
        0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 22 1\n\
        1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 80 1\n";

    /// What the kernel would show of `sshd` (7) and `nginx` (8), which hold these sockets.
    fn kernel(held: [&str; 2]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().expect("a folder");
        let path = |name: &str| proc.path().join(name);
        fs::create_dir_all(path("net")).expect("made");
        fs::write(path("net/tcp"), LISTENING).expect("written");
        for (pid, name, held) in [("7", "sshd\n", held[0]), ("8", "nginx\n", held[1])] {
            let folder = path(pid);
            fs::create_dir_all(folder.join("fd")).expect("made");
            fs::write(folder.join("comm"), name).expect("written");
            symlink(format!("socket:[{held}]"), folder.join("fd/3")).expect("linked");
        }
        proc
    }

    fn names(seen: &Seen) -> Vec<&str> {
        seen.found.iter().map(|found| found.name.as_str()).collect()
    }

    #[test]
    fn everything_is_seen_when_every_socket_has_its_process() {
        let seen = read(kernel(["22", "80"]).path()).expect("readable");
        assert_eq!(names(&seen), ["nginx", "sshd"]);
        assert_eq!(seen.hidden, None);
    }

    /// Root may read any folder, so what stands for a refusal is that it is none.
    fn refuse(process: &Path) {
        fs::create_dir_all(process).expect("made");
        let _not_there = fs::remove_dir_all(process.join("fd"));
        fs::write(process.join("fd"), "").expect("written");
    }

    #[test]
    fn a_process_that_does_not_show_its_sockets_hides_a_service() {
        let proc = kernel(["22", "80"]);
        refuse(&proc.path().join("8"));
        let seen = read(proc.path()).expect("readable");
        assert_eq!(names(&seen), ["sshd"]);
        let hidden = seen.hidden.expect("not everything was seen");
        assert!(
            hidden.contains("*:80") && hidden.contains("8/fd"),
            "{hidden}"
        );
    }

    #[test]
    fn a_process_that_can_hold_none_of_the_sockets_hides_nothing() {
        let proc = kernel(["22", "80"]);
        refuse(&proc.path().join("1"));
        let seen = read(proc.path()).expect("readable");
        assert_eq!((names(&seen).len(), seen.hidden.clone()), (2, None));
    }

    #[test]
    fn a_socket_without_a_process_hides_something() {
        let seen = read(kernel(["22", "81"]).path()).expect("readable");
        assert_eq!(names(&seen), ["sshd"]);
        let hidden = seen.hidden.expect("not everything was seen");
        assert!(hidden.contains("*:80"), "{hidden}");
    }

    #[test]
    fn a_table_that_cannot_be_read_is_not_empty() {
        let proc = kernel(["22", "80"]);
        fs::remove_file(proc.path().join("net/tcp")).expect("removed");
        let reason = read(proc.path()).expect_err("unreadable");
        assert!(reason.contains("net/tcp"), "{reason}");
    }

    #[test]
    fn loopback_in_either_family() {
        assert!(is_loopback("00000000000000000000000001000000"));
        assert!(is_loopback("0000000000000000FFFF00000100007F"));
        assert!(!is_loopback("00000000000000000000000000000000"));
        assert!(!is_loopback("B80D01200000000067452301EFCDAB89"));
    }
}
