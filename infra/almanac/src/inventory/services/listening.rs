//! Programs that accept connections from other machines.
//!
//! Invariant: what listens on loopback only is private to its user and does not count; neither do
//! ports that the kernel hands out, which are others tomorrow.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::inventory::{Found, attributes};

/// A listening socket of the kernel's table.
#[derive(Debug, Eq, PartialEq)]
struct Socket {
    address: String,
    inode: u64,
}

pub fn read() -> Result<Vec<Found>, String> {
    let table = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let range = table("/proc/sys/net/ipv4/ip_local_port_range");
    let ephemeral = range
        .split_whitespace()
        .next()
        .and_then(|port| port.parse().ok());
    let mut sockets = sockets(&table("/proc/net/tcp"), ephemeral.unwrap_or(32_768));
    sockets.extend(self::sockets(
        &table("/proc/net/tcp6"),
        ephemeral.unwrap_or(32_768),
    ));
    let by_inode: BTreeMap<u64, String> = sockets
        .into_iter()
        .map(|socket| (socket.inode, socket.address))
        .collect();
    let processes = fs::read_dir("/proc").map_err(|reason| format!("/proc: {reason}"))?;
    let mut services: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for folder in processes.flatten().map(|entry| entry.path()) {
        let addresses = held(&folder, &by_inode);
        if addresses.is_empty() {
            continue;
        }
        let name = fs::read_to_string(folder.join("comm"))
            .unwrap_or_default()
            .trim()
            .to_owned();
        let program = fs::read_link(folder.join("exe")).unwrap_or_default();
        let service = services.entry(name).or_default();
        program
            .to_string_lossy()
            .trim_end_matches(" (deleted)")
            .clone_into(&mut service.0);
        service.1.extend(addresses);
    }
    Ok(services.into_iter().map(found).collect())
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

/// The addresses whose sockets a process has open; none if it cannot be looked into.
fn held(process: &Path, by_inode: &BTreeMap<u64, String>) -> BTreeSet<String> {
    let files = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    files
        .filter_map(|file| {
            let link = fs::read_link(file.path()).ok()?;
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            by_inode.get(&inode.parse().ok()?).cloned()
        })
        .collect()
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

    #[test]
    fn loopback_in_either_family() {
        assert!(is_loopback("00000000000000000000000001000000"));
        assert!(is_loopback("0000000000000000FFFF00000100007F"));
        assert!(!is_loopback("00000000000000000000000000000000"));
        assert!(!is_loopback("B80D01200000000067452301EFCDAB89"));
    }
}
