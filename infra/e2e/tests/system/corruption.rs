//! What somebody does to the files and tables behind the program's back.
//!
//! Invariant: the command whose matter it is says so and ends with 1, and names what and where; no
//! other command is needed to find it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use local::{Role as Login, Servers};
use serde_json::{Value, json};

use crate::{
    analyst,
    harness::{Api, DataDir, Dev, almanac, almanac_with, configuration},
};

pub async fn what_was_done_to_the_log_is_found_and_named() -> Result<()> {
    let data = DataDir::new()?;
    let kept = tempfile::tempdir()?;
    let dev = Dev::start("corruption", &data, &[]).await?;
    let position = made(&dev.admin().await?, "seventeen").await?;
    dev.stop().await?;
    let log = log_folder(data.path())?;
    let (old, new) = (kept.path().join("old"), kept.path().join("new"));
    copy(&log, &old)?;

    let dev = Dev::start("corruption", &data, &[]).await?;
    made(&dev.admin().await?, "eighteen").await?;
    let folder = data.path().display().to_string();
    let sign = ["log", "checkpoint", "--sign", "--data-dir", &folder];
    let signed = almanac(&sign).await?.succeeded()?.stdout;
    let checkpoint = kept.path().join("checkpoint").display().to_string();
    fs::write(&checkpoint, signed)?;
    // Without it, nobody vouches for keys once the log has lost the checkpoints that name them.
    let keys = almanac(&["log", "keys", "--data-dir", &folder]).await?;
    let key = kept.path().join("keys").display().to_string();
    fs::write(&key, keys.succeeded()?.stdout)?;
    let verify = ["log", "verify", "--key", &key, "--checkpoint", &checkpoint];
    let whole = [&verify[..], &["--data-dir", &folder]].concat();
    almanac(&whole)
        .await?
        .succeeded()
        .context("nothing was done yet")?;
    dev.stop().await?;
    copy(&log, &new)?;

    put_back(&old, &log)?;
    a_removed_tail_is_told(&data, kept.path(), &verify).await?;

    // What has all of its commits, but for one bit.
    put_back(&new, &log)?;
    flip(&log, "seventeen")?;
    let dev = Dev::start("corruption", &data, &[]).await?;
    let said = almanac(&["log", "verify", "--data-dir", &folder]).await?;
    ensure!(said.code == 1, "{said:?}");
    let named = format!("✖ position {position} ");
    ensure!(said.stdout.contains(&named), "{named}: {said:?}");
    dev.stop().await
}

/// The log ends earlier than it did: with nothing that follows it, it is only found by what was
/// kept of it, the read models among that.
async fn a_removed_tail_is_told(data: &DataDir, folder: &Path, verify: &[&str]) -> Result<()> {
    let start = || Servers::start(data.path());
    let mut servers = tokio::task::block_in_place(start)?;
    let config = folder.join("almanac.toml");
    fs::write(&config, configuration(&servers, local::ports::free()?)?)?;
    let config = config.display().to_string();
    let said = almanac(&[verify, &["--config", &config]].concat()).await?;
    ensure!(said.code == 1, "{said:?}");
    ensure!(said.stdout.contains("its tail was removed"), "{said:?}");
    let rows = servers.postgres.url_of(Login::Projector, "almanac")?;
    let nats = servers.nats.url_of("almanac_projector")?;
    let key = fs::read_to_string(data.path().join("master.key"))?;
    let told = [
        ("ALMANAC_LOG", "off"),
        ("ALMANAC__SECRETS__MASTER_KEY", key.trim()),
        ("ALMANAC__NATS__URL", nats.as_str()),
        ("ALMANAC__POSTGRES__URL", &rows),
    ];
    let said = almanac_with(&["projector", "--config", &config], &told).await?;
    let lost = "commits were lost; restore the log from a backup";
    ensure!(said.code == 1, "{said:?}");
    ensure!(said.one_line()?.contains(lost), "{said:?}");
    let compared = almanac(&["projections", "verify", "--config", &config]).await?;
    ensure!(compared.code == 1, "{compared:?}");
    ensure!(
        compared.one_line()?.contains("not of this log"),
        "{compared:?}"
    );
    tokio::task::block_in_place(|| servers.stop());
    Ok(())
}

/// The reason if there is nothing to change rows with.
pub async fn a_row_that_was_changed_is_found_and_named() -> Result<Option<String>> {
    let Some(psql) = tokio::task::block_in_place(analyst::psql) else {
        return Ok(Some(analyst::NO_PSQL.to_owned()));
    };
    let data = DataDir::new()?;
    let dev = Dev::start("corrupt-row", &data, &[]).await?;
    let api = dev.admin().await?;
    made(&api, "one").await?;
    let position = made(&api, "two").await?;
    api.position_after_mark().await?;
    let change = async |from: &str, to: &str| {
        let change = format!(
            "update app.resources set state = jsonb_set(state, '{{name}}', '\"{to}\"') \
             where state->>'name' = '{from}' returning id"
        );
        analyst::sql(&psql, &dev.json.postgres, change).await
    };
    let id = change("two", "three").await?;
    let id = id.lines().next().context("it hit nothing")?;
    let folder = data.path().display().to_string();
    let said = almanac(&["projections", "verify", "--data-dir", &folder]).await?;
    ensure!(said.code == 1, "{said:?}");
    let lines: Result<Vec<Value>, _> = said.stdout.lines().map(serde_json::from_str).collect();
    let [found, summary] = &lines?[..] else {
        anyhow::bail!("one row differs, and this is told: {said:?}");
    };
    ensure!(
        found["model"] == "resources" && found["id"] == id,
        "{said:?}"
    );
    ensure!(
        found["what"]
            .as_str()
            .is_some_and(|what| what.contains("its state")),
        "{said:?}"
    );
    ensure!(
        summary["holds"] == false && summary["differences_total"] == 1,
        "{said:?}"
    );
    ensure!(summary["position"].as_u64() > Some(position), "{said:?}");
    // The log is none the worse for it.
    almanac(&["log", "verify", "--data-dir", &folder])
        .await?
        .succeeded()?;
    change("three", "two").await?;
    dev.finish().await?;
    Ok(None)
}

/// Makes a resource with this name; says where in the log.
async fn made(api: &Api, name: &str) -> Result<u64> {
    let wanted = json!({"type": "corrupted", "name": name});
    let made = api.post("/resources", &wanted).await?.expect(201)?;
    let events = format!("/resources/{}/events", made.string("/id")?);
    let events = api.get_after(&events, &made).await?.expect(200)?;
    // What comes after it in the log is not what the tests are about.
    api.position_after_mark().await?;
    Ok(events.string("/items/0/sequence")?.parse()?)
}

/// The files in which nats-server keeps messages of the log.
fn blocks(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(blocks(&path)?);
        } else if path.extension().is_some_and(|it| it == "blk") {
            found.push(path);
        }
    }
    found.retain(|path| path.components().any(|part| part.as_os_str() == "EVENTS"));
    Ok(found)
}

/// Where it keeps the log.
fn log_folder(data: &Path) -> Result<PathBuf> {
    let blocks = blocks(&data.join("nats"))?;
    let log = blocks.first().and_then(|block| block.ancestors().nth(2));
    Ok(log.context("there is no block of the log")?.to_owned())
}

/// Flips a bit within the first text `word`.
fn flip(log: &Path, word: &str) -> Result<()> {
    for path in blocks(log)? {
        let mut bytes = fs::read(&path)?;
        let at = memchr::memmem::find(&bytes, word.as_bytes());
        if let Some(at) = at {
            bytes[at] ^= 1;
            return Ok(fs::write(&path, bytes)?);
        }
    }
    anyhow::bail!("{word} is in no file of {}", log.display())
}

/// Puts a copy in the place of what is there.
fn put_back(copied: &Path, log: &Path) -> Result<()> {
    fs::remove_dir_all(log)?;
    copy(copied, log)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
