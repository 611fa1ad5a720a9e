//! Free ports on loopback, and who holds a taken one.
//!
//! Invariant: ports come from below the kernel's ephemeral range: a client that reconnects to a
//! stopped server must never be given the server's own port as its source port.

use std::{fs, net::TcpListener, os::unix::fs::MetadataExt};

use crate::{Error, Result, secret};

const FIRST: u16 = 20_000;
const TRIES: usize = 200;

/// A port nobody listens on now.
pub fn free() -> Result<u16> {
    let end = ephemeral_start()
        .filter(|start| *start > FIRST + 1_000)
        .unwrap_or(32_768);
    for _ in 0..TRIES {
        let port = FIRST + u16::from_le_bytes(secret::random::<2>()?) % (end - FIRST);
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Unusable(format!(
        "no free port between {FIRST} and {end} → end some servers"
    )))
}

/// Whether a server could listen on this loopback port.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Fails with one line naming the holder if the port is taken.
pub fn require(port: u16) -> Result<()> {
    if is_free(port) {
        return Ok(());
    }
    Err(Error::PortInUse {
        port,
        holder: holder(port),
    })
}

/// Who listens on a port: `pid 4121 (node)`, or that it cannot be known.
pub fn holder(port: u16) -> String {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|table| {
            let table = fs::read_to_string(table).ok()?;
            table
                .lines()
                .skip(1)
                .find_map(|line| listening_inode(line, port))
        });
    inode
        .and_then(process_with_socket)
        .unwrap_or_else(|| "another process (of another user)".to_owned())
}

/// Fields of the kernel's table: 1 = local address, 3 = state (0A: listening), 9 = inode.
fn listening_inode(line: &str, port: u16) -> Option<u64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, hex_port) = fields.get(1)?.rsplit_once(':')?;
    let listens = u16::from_str_radix(hex_port, 16).ok()? == port && *fields.get(3)? == "0A";
    listens.then(|| fields.get(9)?.parse().ok()).flatten()
}

fn process_with_socket(inode: u64) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Ok(pid) = process.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        // Following the link yields the socket itself, whose inode is the table's.
        if files
            .flatten()
            .any(|f| fs::metadata(f.path()).is_ok_and(|m| m.ino() == inode))
        {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("pid {pid} ({})", name.trim()));
        }
    }
    None
}

fn ephemeral_start() -> Option<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let message = require(port).expect_err("taken").to_string();
        assert!(
            message.contains(&format!("pid {}", std::process::id())),
            "{message}"
        );
    }

    #[test]
    fn a_free_port_lies_below_the_ephemeral_range() {
        let port = free().expect("a port");
        assert!(port >= FIRST && port < ephemeral_start().unwrap_or(32_768));
    }
}
