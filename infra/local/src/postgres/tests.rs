//! Starts that others get in the way of, with the real program.
//!
//! Invariant: whoever is in the way holds a socket of this test, so no outcome hangs on chance.

use std::net::TcpListener;

use super::*;
use crate::scratch;

fn options(dir: &std::path::Path) -> PostgresOptions {
    PostgresOptions {
        durable: false,
        ..PostgresOptions::new(dir.join("postgres"))
    }
}

fn taken() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", ports::free().expect("a port")));
    let listener = listener.expect("free a moment ago");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

#[test]
fn others_may_take_one_port_after_another() {
    let folder = scratch::folder().expect("a folder");
    let holders = [taken(), taken(), taken()];
    let mut given = holders.iter().map(|(_, port)| *port);
    let free = || given.next().map_or_else(ports::free, Ok);
    let postgres = Postgres::start_on(options(folder.path()), free).expect("starts");
    assert!(holders.iter().all(|(_, port)| *port != postgres.port()));
}

#[test]
fn a_start_without_any_port_ends_in_one_line() {
    let folder = scratch::folder().expect("a folder");
    let (_holder, port) = taken();
    let refused = Postgres::start_on(options(folder.path()), || Ok(port));
    let line = refused.expect_err("no port").to_string();
    assert!(
        line.contains("5 ports in a row") && !line.contains('\n'),
        "{line}"
    );
}
