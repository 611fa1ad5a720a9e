//! Everything between a fresh checkout and `almanac dev`.
//!
//! Invariant: what is already there is not made again, and xtask is replaced by the server at the
//! end, so that Ctrl-C reaches exactly one process.

use std::{os::unix::process::CommandExt, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use local::provision;

use crate::{steps::Step, ui, workspace};

const WEB_TARGET: &str = "wasm32-unknown-unknown";

pub fn run(args: &[String]) -> Result<ExitCode> {
    toolchain()?;
    let step = Step::begin("nats-server");
    let nats = provision::nats_server()?;
    let note = nats
        .note
        .map_or_else(String::new, |note| format!(" · {note}"));
    step.done(&format!("{} ({}){note}", nats.version, nats.source));
    let step = Step::begin("postgres");
    let postgres = provision::postgres(None)?;
    step.done(&format!("{} ({})", postgres.version, postgres.source));
    let step = Step::begin("web ui");
    let built = ui::build()?;
    step.done(&built.to_string());
    let step = Step::begin("build");
    workspace::run(workspace::cargo().args(["build", "--package", "almanac"]))?;
    step.done("almanac");
    let almanac = workspace::target().join("debug/almanac");
    // Relative paths in the arguments are the caller's.
    let error = std::process::Command::new(&almanac)
        .arg("dev")
        .args(args)
        .exec();
    Err(error).with_context(|| format!("starting {}", almanac.display()))
}

/// Shows the compiler and its web target as a step.
pub fn toolchain() -> Result<()> {
    let step = Step::begin("toolchain");
    step.done(&ensure_toolchain()?);
    Ok(())
}

/// The compiler and its web target, in words; rustup adds the target if it is missing.
pub fn ensure_toolchain() -> Result<String> {
    let version = workspace::read(workspace::command("rustc").arg("--version"))?;
    let version = version
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ");
    if has_web_target()? {
        return Ok(format!("{version} · wasm32 target"));
    }
    workspace::read(workspace::command("rustup").args(["target", "add", WEB_TARGET]))
        .context("the wasm32 target is missing → rustup target add wasm32-unknown-unknown")?;
    if !has_web_target()? {
        bail!("rustup did not add {WEB_TARGET} to the compiler in use → add it there");
    }
    Ok(format!("{version} · wasm32 target (added)"))
}

fn has_web_target() -> Result<bool> {
    let sysroot = workspace::read(workspace::command("rustc").args(["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WEB_TARGET)
        .join("lib")
        .is_dir())
}
