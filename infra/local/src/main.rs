//! Both servers from the command line: `local [DIR]`, or `local --programs`.
//!
//! Invariant: they run until standard input closes; then they are stopped in good order.

use std::{env, io::Read, path::Path, process::ExitCode};

use local::{Result, Servers, provision};

fn main() -> ExitCode {
    let done = match env::args().nth(1).as_deref() {
        Some("--programs") => programs(),
        Some(dir) => Servers::start(Path::new(dir)).map(serve),
        None => Servers::scratch().map(serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("✖ {error}");
            ExitCode::FAILURE
        }
    }
}

fn programs() -> Result<()> {
    let postgres = provision::postgres(None)?;
    println!("postgres {} ({})", postgres.version, postgres.source);
    let nats = provision::nats_server()?;
    let note = nats
        .note
        .map_or_else(String::new, |note| format!(" · {note}"));
    println!("nats-server {} ({}){note}", nats.version, nats.source);
    Ok(())
}

fn serve(mut servers: Servers) {
    println!("{}", servers.nats.url());
    println!("{}", servers.postgres.url("almanac"));
    println!(
        "serving as pids {:?} {:?}",
        servers.nats.pid(),
        servers.postgres.pid()
    );
    // Closing the input and losing it mean the same.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    servers.stop();
}
