//! Builds the page: Rust to WebAssembly, hashed names, compressed side files.
//!
//! Invariant: `ui/dist` is replaced as a whole, is a function of the fingerprinted sources, and
//! holds every file under the name its content has; only `index.html` and `ui/public` keep theirs.
//!
//! Text files may name others: `{{asset:style.css}}` becomes `/assets/style-<hash>.css`. The glue
//! is `ui.js`, the program `ui.wasm`; all else comes from `ui/assets` and `ui/public`.

mod assets;
mod budget;
mod fingerprint;

use std::{
    fmt, fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{steps::Step, workspace};

pub use budget::Sizes;

/// What a build came to.
pub struct Built {
    sizes: Sizes,
    cached: bool,
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            self.sizes,
            if self.cached { " (cached)" } else { "" }
        )
    }
}

pub fn command() -> Result<ExitCode> {
    let step = Step::begin("web ui");
    let built = build()?;
    step.done(&built.to_string());
    Ok(ExitCode::SUCCESS)
}

/// Brings `ui/dist` up to date.
pub fn build() -> Result<Built> {
    let root = workspace::root();
    if !root.join("ui/index.html").is_file() {
        bail!("ui/index.html is missing → it is the template of the page");
    }
    let dist = root.join("ui/dist");
    let fingerprint = fingerprint::of(&root)?;
    if fs::read_to_string(dist.join(fingerprint::FILE)).is_ok_and(|text| text == fingerprint) {
        return Ok(Built {
            sizes: Sizes::of(&dist)?,
            cached: true,
        });
    }
    let work = workspace::target().join("xtask/ui");
    if work.exists() {
        fs::remove_dir_all(&work).context("emptying the work folder of the page")?;
    }
    fs::create_dir_all(&work).context("creating the work folder of the page")?;
    let glue = work.join("glue");
    bind(&compile()?, &glue)?;
    let fresh = work.join("dist");
    assets::assemble(&root.join("ui"), &glue, &fresh)?;
    // The folder is generated: it keeps itself out of version control.
    fs::write(fresh.join(".gitignore"), "*\n")?;
    fs::write(fresh.join(fingerprint::FILE), &fingerprint)?;
    let sizes = Sizes::of(&fresh)?;
    sizes.check()?;
    replace(&dist, &fresh)?;
    Ok(Built {
        sizes,
        cached: false,
    })
}

/// Compiles the crate; the path of the WebAssembly module.
fn compile() -> Result<std::path::PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--package", "ui", "--lib", "--profile", "web"]);
    cargo.args(["--target", "wasm32-unknown-unknown"]);
    workspace::run(&mut cargo).context("compiling the page")?;
    Ok(workspace::target().join("wasm32-unknown-unknown/web/ui.wasm"))
}

/// Writes the JavaScript glue and the finished module.
fn bind(module: &Path, glue: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(module)
        .out_name("ui")
        .web(true)?
        .typescript(false)
        // Names serve debuggers only, and are most of the size.
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate(glue)
        .context("binding the page")?;
    fs::rename(glue.join("ui_bg.wasm"), glue.join("ui.wasm")).context("naming the program")?;
    if glue.join("snippets").exists() {
        bail!("a dependency of the page brings JavaScript snippets, which are not served");
    }
    Ok(())
}

fn replace(dist: &Path, fresh: &Path) -> Result<()> {
    if dist.exists() {
        fs::remove_dir_all(dist).context("removing the old page")?;
    }
    if fs::rename(fresh, dist).is_ok() {
        return Ok(());
    }
    // The build folder may lie on another file system.
    let copied = Command::new("cp").arg("-a").arg(fresh).arg(dist).status()?;
    if !copied.success() {
        bail!("the page could not be placed in {}", dist.display());
    }
    Ok(())
}
