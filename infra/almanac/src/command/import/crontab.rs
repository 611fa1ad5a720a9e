//! `almanac import crontab`: lines of crontabs become jobs.
//!
//! Invariant: each line that is no job is accounted for: comments and variables silently,
//! everything else on standard error with its reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use domain::job::JobStatus;
use nix::unistd::User;
use schemas::api::{CreateJob, JobView};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{client, counted, report, send};
use crate::{
    cli,
    client::{Client, ClientError},
    crontab::{Content, Layout, Line, Place, ignored_in_folder, jobs, layout_of, owner_of, parse},
    inventory::hostname,
};

/// A crontab to import.
pub struct Source {
    /// What it says, if that is not to be read from `path`.
    pub content: Option<Vec<u8>>,
    /// Its layout, if the path does not tell.
    pub layout: Option<Layout>,
    /// Whom it belongs to, if the path does not tell.
    pub owner: Option<String>,
    /// Where it is, as its jobs will say.
    pub path: PathBuf,
}

/// What came of a crontab.
pub struct Imported {
    /// How many jobs came of it.
    pub jobs: usize,
    /// What the gateway refused of them, with the reason.
    pub refused: Vec<String>,
    /// `path:line: reason` for each line that cannot be a job.
    pub skipped: Vec<String>,
    /// Where it is.
    pub path: PathBuf,
}

pub(super) async fn run(asked: cli::Crontab) -> Result<ExitCode> {
    let layout = match (asked.system, asked.user) {
        (true, _) => Some(Layout::System),
        (_, true) => Some(Layout::User),
        _ => None,
    };
    let mut sources = Vec::new();
    for path in &asked.files {
        sources.extend(files(path)?.into_iter().map(|path| Source {
            content: None,
            layout,
            owner: None,
            path,
        }));
    }
    let client = client(&asked.target).await?;
    let mut refused = Vec::new();
    for source in sources {
        let imported = import(&client, source, asked.enable).await?;
        for line in &imported.skipped {
            eprintln!("{line}");
        }
        let (path, skipped) = (imported.path.display(), imported.skipped.len());
        println!(
            "{path}: {}, {skipped} skipped",
            counted(imported.jobs, "job")
        );
        refused.extend(imported.refused);
    }
    Ok(report(&refused))
}

/// Imports one crontab.
pub async fn import(client: &Client, source: Source, enable: bool) -> Result<Imported> {
    let shown = source.path.display().to_string();
    let text = match source.content {
        Some(content) => content,
        None => fs::read(&source.path).with_context(|| unreadable(&source.path))?,
    };
    let layout = source.layout.unwrap_or_else(|| layout_of(&source.path));
    let lines = parse(&text, layout, &zone());
    let owner = source.owner.or_else(|| owner_of(&source.path));
    let place = Place {
        homes: homes(&lines, owner.as_deref()),
        host: hostname(),
        owner,
        path: shown.clone(),
    };
    let mut jobs = jobs(&lines, &place, enable);
    for (_, job) in &mut jobs {
        leave_lost_folder(Arc::make_mut(&mut job.task.payload));
    }
    let count = jobs.len();
    let put = |(id, job): (Uuid, CreateJob)| async move {
        let what = job.origin.as_ref().map(|origin| origin.reference.clone());
        let answer = put(client, id, job, enable).await;
        (what.unwrap_or_default(), answer)
    };
    let refused = send(jobs.into_iter().map(put)).await?;
    let skipped = lines.into_iter().filter_map(|line| match line.content {
        Content::Skipped { reason, text } => Some(format!(
            "{shown}:{}: skipped: {reason}: {text}",
            line.number
        )),
        _ => None,
    });
    Ok(Imported {
        jobs: count - refused.len(),
        refused,
        skipped: skipped.collect(),
        path: source.path,
    })
}

/// The home folders of the users whose commands these are.
fn homes(lines: &[Line], owner: Option<&str>) -> BTreeMap<String, String> {
    let named = lines.iter().filter_map(|line| match &line.content {
        Content::Job(entry) => entry.user.as_deref(),
        _ => None,
    });
    let users: BTreeSet<&str> = named.chain(owner).collect();
    let home = |name: &str| {
        let user = User::from_name(name).ok()??;
        Some((user.name, user.dir.to_str()?.to_owned()))
    };
    users.into_iter().filter_map(home).collect()
}

/// cron runs the commands of those who have no home all the same, elsewhere.
fn leave_lost_folder(payload: &mut Value) {
    let folder = payload["cwd"].as_str().map(fs::metadata);
    if let Some(Err(reason)) = folder
        && reason.kind() == ErrorKind::NotFound
        && let Some(payload) = payload.as_object_mut()
    {
        payload.remove("cwd");
    }
}

/// A put leaves a job that exists as paused or active as it is.
async fn put(client: &Client, id: Uuid, job: CreateJob, enable: bool) -> Result<(), ClientError> {
    let path = format!("/jobs/{id}");
    let put = client.put::<JobView>(&path, &job).await?;
    if enable && put.status == JobStatus::Paused {
        client
            .post_idempotent(&format!("{path}/resume"), &json!({}))
            .await?;
    }
    Ok(())
}

/// The files that `path` stands for: itself or, of a folder, those that cron would read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    // Jobs are known by their path, so the same file must always have the same one.
    let path = &fs::canonicalize(path).with_context(|| unreadable(path))?;
    if !path.is_dir() {
        return Ok(vec![path.clone()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| unreadable(path))? {
        let file = entry?.path();
        match ignored_in_folder(&file) {
            _ if !file.is_file() => {}
            Some(reason) => eprintln!("{}: skipped: {reason}", file.display()),
            None => files.push(file),
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read → check path and rights", path.display())
}

/// The machine's time zone by its IANA name; UTC if it does not say.
fn zone() -> String {
    let written = fs::read_to_string("/etc/timezone").unwrap_or_default();
    let linked = fs::read_link("/etc/localtime").unwrap_or_default();
    let linked = linked
        .to_string_lossy()
        .split_once("/zoneinfo/")
        .map(|(_, zone)| zone.to_owned());
    let written = Some(written.trim().to_owned()).filter(|zone| !zone.is_empty());
    // The link is what programs follow; the file may have been forgotten.
    linked
        .or(written)
        .filter(|zone| is_zone(zone))
        .unwrap_or_else(|| "UTC".to_owned())
}

fn is_zone(zone: &str) -> bool {
    let schedule = domain::schedule::Schedule::cron("* * * * *", zone);
    domain::schedule::Calendar::try_new(&schedule).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_files_that_cron_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["php", "b.bak", ".placeholder", "anacron"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        fs::create_dir(folder.path().join("sub")).expect("made");
        assert_eq!(names(folder.path()), ["anacron", "php"]);
        assert!(files(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_spool_stands_for_the_crontabs_of_users_and_a_file_for_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = folder.path().join("spool/cron/crontabs");
        fs::create_dir_all(&spool).expect("made");
        for name in ["ann.smith", "root", "tmp.Xa31fz"] {
            fs::write(spool.join(name), "").expect("written");
        }
        assert_eq!(names(&spool), ["ann.smith", "root"]);
        let file = folder.path().join("my.crontab");
        fs::write(&file, "").expect("written");
        assert_eq!(names(&file), ["my.crontab"]);
    }

    fn names(path: &Path) -> Vec<String> {
        let files = files(path).expect("readable").into_iter();
        let name = |file: PathBuf| Some(file.file_name()?.to_str()?.to_owned());
        files.filter_map(name).collect()
    }

    #[test]
    fn homes_are_those_of_this_machine_and_lost_ones_no_folder_to_run_in() {
        let lines = parse(
            b"@daily root x\n@daily nobody-at-all x\n",
            Layout::System,
            "UTC",
        );
        let homes = homes(&lines, None);
        let root = User::from_name("root")
            .ok()
            .flatten()
            .expect("every machine has root");
        assert_eq!(homes.len(), 1);
        assert_eq!(Path::new(&homes["root"]), root.dir);
        for (cwd, stays) in [("/", true), ("/no/such/folder", false)] {
            let mut payload = json!({"cwd": cwd});
            leave_lost_folder(&mut payload);
            assert_eq!(payload.get("cwd").is_some(), stays, "{cwd}");
        }
    }

    #[test]
    fn this_machine_is_in_a_zone_that_is_known() {
        assert!(is_zone(&zone()));
        assert!(!is_zone("Mars/Olympus") && !is_zone(""));
    }
}
