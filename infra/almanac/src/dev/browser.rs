//! Opening the page.
//!
//! Invariant: only for a person who sits in front of a screen; a script never starts a browser.

use std::{
    io::{IsTerminal as _, stdout},
    process::{Command, Stdio},
};

/// Opens `url`; whether a browser was asked to.
pub fn open(url: &str) -> bool {
    let screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if !stdout().is_terminal() || !screen || local::provision::on_path("xdg-open").is_none() {
        return false;
    }
    let mut command = Command::new("xdg-open");
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().is_ok()
}
