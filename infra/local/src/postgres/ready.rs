//! Readiness of Postgres, asked by its own protocol.
//!
//! Invariant: only the server on this cluster counts, never another that happens to listen.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

/// Whether the server's own status file names this process as ready and it asks for a password.
pub(super) fn accepts(port: u16, cluster: &Path, pid: u32) -> bool {
    let Ok(status) = fs::read_to_string(cluster.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = status.lines().map(str::trim);
    // Lines of the file: 1 = pid, 4 = port, 8 = status.
    let named = lines.next() == Some(&pid.to_string())
        && lines.nth(2) == Some(&port.to_string())
        && lines.nth(3) == Some("ready");
    named && asks_for_password(port).unwrap_or(false)
}

/// Sends a start-up message; `R` asks for authentication, `E` says the server is not ready.
fn asks_for_password(port: u16) -> std::io::Result<bool> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let version: u32 = 3 << 16;
    let length = 8 + parameters.len() as u32;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(version.to_be_bytes());
    message.extend(parameters);
    stream.write_all(&message)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok(&kind == b"R")
}
