//! Where `almanac dev` serves.
//!
//! Invariant: on loopback only; a port that was asked for is used or refused, never replaced.

use std::{
    io::{Error, ErrorKind},
    net::Ipv4Addr,
};

use anyhow::{Result, bail};
use local::ports;
use tokio::net::TcpListener;

/// The port that people know.
const USUAL: u16 = 8080;
/// How many ports after it are tried.
const NEIGHBOURS: u16 = 100;
/// How often a free port is looked for: another process may take it first.
const TRIES: usize = 20;

/// Listens on `wanted`; on any free port for 0, on 8080 or the next free one for none.
pub async fn listen(wanted: Option<u16>) -> Result<TcpListener> {
    match wanted {
        None => usual(USUAL).await,
        Some(0) => free().await,
        Some(port) => match bind(port).await {
            Ok(listener) => Ok(listener),
            Err(failure) => bail!(refused(port, &failure)),
        },
    }
}

async fn usual(first: u16) -> Result<TcpListener> {
    for port in first..=first + NEIGHBOURS {
        let Ok(listener) = bind(port).await else {
            continue;
        };
        if port != first {
            let holder = ports::holder(first);
            println!(" ! port {first} is used by {holder} → using {port} (fix with --port)");
        }
        return Ok(listener);
    }
    let last = first + NEIGHBOURS;
    bail!("no free port between {first} and {last} → choose one with --port")
}

async fn free() -> Result<TcpListener> {
    for _ in 0..TRIES {
        if let Ok(listener) = bind(ports::free()?).await {
            return Ok(listener);
        }
    }
    bail!("free ports are taken as soon as they are found → choose one with --port")
}

async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

fn refused(port: u16, failure: &Error) -> String {
    match failure.kind() {
        ErrorKind::AddrInUse => {
            let holder = ports::holder(port);
            format!("port {port} is used by {holder} → end that process or choose another --port")
        }
        ErrorKind::PermissionDenied => {
            format!("port {port} is reserved for root → choose one above 1023 with --port")
        }
        _ => format!("port {port}: {failure} → choose another with --port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_was_asked_for_is_never_replaced() {
        let taken = listen(Some(0)).await.expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let failure = listen(Some(port)).await.expect_err("taken").to_string();
        let pid = format!("pid {}", std::process::id());
        assert!(
            failure.contains(&pid) && failure.contains("--port"),
            "{failure}"
        );
        let next = usual(port).await.expect("a neighbour");
        assert_ne!(next.local_addr().expect("bound").port(), port);
    }
}
