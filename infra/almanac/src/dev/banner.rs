//! What a person needs to know once everything serves.
//!
//! Invariant: nothing is shown that is not so.

use std::path::Path;

use super::{House, running::Running};

/// Addresses, sign-in, where data lies, what to try, how to stop.
pub(super) fn text(running: &Running, house: &House<'_>, opened: bool) -> String {
    let data = house.asked.data_dir.display();
    let page = if opened {
        "   (opening a browser; --no-open to skip)"
    } else {
        ""
    };
    let commands = if house.asked.allow_commands {
        "run, as you; nobody can register"
    } else {
        "refused (imported crontabs would run; --allow-commands lets them)"
    };
    let almanac = shown(&std::env::current_exe().unwrap_or_else(|_| "almanac".into()));
    let folder = match house.asked.data_dir.to_str() {
        Some(".almanac") => String::new(),
        _ => format!(" --data-dir {data}"),
    };
    let Running {
        gateway,
        nats,
        monitor,
        analyst,
        admin,
        ..
    } = running;
    let took = house.began.elapsed().as_secs_f64();
    let under = " ".repeat(17);
    format!(
        " ✔ ready         {took:>77.1}s\n\n   \
           Dashboard     {gateway}{page}\n   \
           Sign in       {} / {}   role admin\n   \
           API           {gateway}/api/v1   documents /api/openapi.json   /api/asyncapi.json\n   \
           Probes        {gateway}/livez   /readyz\n   \
           NATS          {nats}   monitor {monitor}\n   \
           Postgres      {analyst}   (for analysts: reads only)\n   \
           Commands      tasks that run programs are {commands}\n   \
           Data          {data} (kept; --reset wipes)   mode: development, loopback only\n\n   \
           Try it        export TOKEN=$({almanac} auth token{folder})\n\
           {under}curl -sH \"Authorization: Bearer $TOKEN\" '{gateway}/api/v1/tasks?limit=3'\n\
           {under}{almanac} projections verify{folder}\n   \
           Ctrl-C stops everything.   logs: {data}/*/*.log",
        admin.email, admin.password,
    )
}

/// Relative to where the person is, if the program lies below.
fn shown(program: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    program
        .strip_prefix(&here)
        .unwrap_or(program)
        .display()
        .to_string()
}
