//! A log as files, and a log made of them.
//!
//! Invariant: what is compared is bytes.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{ask, files};
use crate::{
    harness::{Roles, almanac, almanac_with},
    shared,
};

/// How many positions a file stands for.
const PER_FILE: &str = "7";

pub async fn a_log_is_the_same_after_it_was_files() -> Result<()> {
    let admin = shared::admin().await?;
    let (_, data) = shared::told().await?;
    let data = data.display().to_string();
    let kept = tempfile::tempdir()?;
    let path = |name: &str| kept.path().join(name).display().to_string();
    let half = admin.position_after_mark().await?.to_string();
    let sign = ["log", "checkpoint", "--sign", "--data-dir", &data];
    almanac(&sign).await?.succeeded()?;
    let end = admin.position_after_mark().await?.to_string();
    twice(kept.path(), &end).await?;
    let (export, part) = (path("ndjson-first"), path("part"));
    ask(&["export", "--out", &part, "--to", &half]).await?;
    let told = fs::read(Path::new(&export).join("manifest.json"))?;
    let told: Value = serde_json::from_slice(&told)?;
    ensure!(
        told["checkpoint"].is_string() && told["is_whole"] == true,
        "{told}"
    );
    // The shared log is no empty one.
    let refused = almanac(&["events", "import", &part, "--data-dir", &data]).await?;
    ensure!(
        refused.one_line()?.contains("import into an empty log"),
        "{refused:?}"
    );

    let restored = Roles::start_on("restored", async |config, owner| {
        let import = async |folder: &str| {
            almanac_with(&["events", "import", folder, "--config", config], owner).await
        };
        // As if it had broken off half way.
        import(&part).await?.succeeded()?;
        let said = import(&export).await?.succeeded()?.stdout;
        let root = told["root"].as_str().context("a root")?;
        ensure!(
            said.contains(root),
            "{root} is not what was imported: {said}"
        );
        let nothing_left = import(&export).await?.succeeded();
        nothing_left.context("there is nothing left to do")?;
        Ok(())
    });
    let restored = restored.await?;
    let anew = path("anew");
    exported_again(&restored.config(), &anew, &export, &end).await?;
    tampered(Path::new(&anew)).await?;
    // Its log is whole, with the old checkpoints, and its read models are what it says.
    restored.finish().await
}

/// The shared log up to `end`, twice in each format.
async fn twice(folder: &Path, end: &str) -> Result<()> {
    for format in ["ndjson", "parquet"] {
        let [first, again] = ["first", "again"].map(|name| folder.join(format!("{format}-{name}")));
        for folder in [&first, &again] {
            let folder = folder.display().to_string();
            let wanted = ["--format", format, "--per-file", PER_FILE, "--to", end];
            ask(&[&["export", "--out", &folder], &wanted[..]].concat()).await?;
            let said = ask(&["check", &folder, "--against-log"]).await?;
            ensure!(said.contains("\"findings\":[]"), "{said}");
        }
        ensure!(files(&first)? == files(&again)?, "{format} differs");
    }
    Ok(())
}

/// The log that was imported gives the files that it was made of.
async fn exported_again(config: &str, folder: &str, before: &str, end: &str) -> Result<()> {
    let wanted = ["--per-file", PER_FILE, "--to", end, "--config", config];
    let export = [&["events", "export", "--out", folder], &wanted[..]].concat();
    almanac(&export).await?.succeeded()?;
    let (mut old, mut new) = (files(Path::new(before))?, files(Path::new(folder))?);
    let names = (old.remove("manifest.json"), new.remove("manifest.json"));
    ensure!(names.0 != names.1, "two logs of one name");
    ensure!(old == new, "what was imported is exported otherwise");
    Ok(())
}

/// A byte of a file is changed.
async fn tampered(export: &Path) -> Result<()> {
    let file = export.join("000000000008.ndjson");
    let mut bytes = fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes)?;
    let said = almanac(&["events", "check", &export.display().to_string()]).await?;
    let named = said.stdout.contains("[\"000000000008.ndjson");
    ensure!(said.code == 1 && named, "{said:?}");
    Ok(())
}
