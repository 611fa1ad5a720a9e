//! From a crontab's entries to jobs.
//!
//! Invariant: a job's id follows from host, path, user and command alone, so importing again after
//! the schedule changed updates the job instead of adding another.

use std::collections::{BTreeMap, HashMap};

use domain::{
    Origin,
    job::{JobPolicy, Misfire, Overlap},
    task::TaskSpec,
};
use schemas::api::CreateJob;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Content, Entry, Line};
use crate::identity::stable_id;

/// How many characters of a command become part of the name.
const SHORT: usize = 60;
/// cron knows no limit; this is the longest that a task may run: a day, in milliseconds.
const TIMEOUT_MS: u64 = 86_400_000;
/// How many characters of the path become part of the name; names have at most 200.
const PATH_MAX: usize = 120;

/// Where a crontab lies and whose it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The home folders of users by their names, as far as they are known.
    pub homes: BTreeMap<String, String>,
    /// The machine.
    pub host: String,
    /// Whom its commands run as, where its lines do not say.
    pub owner: Option<String>,
    /// The file.
    pub path: String,
}

/// The jobs of a crontab with their ids; `enabled` is whether new ones start active.
pub fn jobs(lines: &[Line], place: &Place, enabled: bool) -> Vec<(Uuid, CreateJob)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let entries = lines.iter().filter_map(|line| match &line.content {
        Content::Job(entry) => Some((line.number, entry)),
        _ => None,
    });
    entries
        .map(|(number, entry)| {
            let key = key(entry, place);
            let ordinal = seen
                .entry(key.clone())
                .and_modify(|count| *count += 1)
                .or_insert(1);
            let id = stable_id("crontab", &format!("{key}\n{ordinal}"));
            (id, job(entry, number, place, enabled))
        })
        .collect()
}

/// Line breaks part it, since none of its parts can hold one.
fn key(entry: &Entry, place: &Place) -> String {
    let user = entry.user.as_deref().unwrap_or_default();
    let stdin = entry
        .stdin
        .as_deref()
        .unwrap_or_default()
        .replace('\n', "%");
    [&place.host, &place.path, user, &entry.command, &stdin].join("\n")
}

fn job(entry: &Entry, number: usize, place: &Place, enabled: bool) -> CreateJob {
    CreateJob {
        name: name(entry, place),
        schedule: entry.schedule.clone(),
        task: TaskSpec {
            max_attempts: 1,
            timeout_ms: TIMEOUT_MS,
            ..TaskSpec::new("command", payload(entry, place))
        },
        // As cron does: runs may overlap, and what was missed is not made up for.
        overlap: Overlap::Allow,
        misfire: Misfire::Skip,
        enabled,
        origin: Some(Origin {
            source: "crontab".to_owned(),
            reference: format!("{}:{number}", place.path),
        }),
        policy: JobPolicy::default(),
    }
}

fn payload(entry: &Entry, place: &Place) -> Value {
    let user = entry.user.as_ref().or(place.owner.as_ref());
    let variables = variables(entry, user, place);
    let mut payload = Map::new();
    payload.insert("program".to_owned(), variables["SHELL"].clone().into());
    payload.insert("args".to_owned(), vec!["-c", &entry.command].into());
    if let Some(home) = variables.get("HOME") {
        payload.insert("cwd".to_owned(), home.clone().into());
    }
    let variables = variables.into_iter();
    let variables = variables.map(|(name, value)| (name, Value::from(value)));
    payload.insert("env".to_owned(), Value::Object(variables.collect()));
    if let Some(stdin) = &entry.stdin {
        payload.insert("stdin".to_owned(), stdin.clone().into());
    }
    if let Some(user) = user {
        payload.insert("user".to_owned(), user.clone().into());
    }
    Value::Object(payload)
}

/// What cron gives a command: a crontab may set all of it but the user's name. Without a user, home
/// and name are those of whoever runs the command.
fn variables(entry: &Entry, user: Option<&String>, place: &Place) -> BTreeMap<String, String> {
    let text = str::to_owned;
    let mut variables = BTreeMap::from(
        [("PATH", "/usr/bin:/bin"), ("SHELL", "/bin/sh")].map(|(n, v)| (text(n), text(v))),
    );
    let home = user.and_then(|user| place.homes.get(user));
    variables.extend(home.map(|home| (text("HOME"), home.clone())));
    variables.extend(entry.environment.clone());
    variables.extend(user.map(|user| (text("LOGNAME"), user.clone())));
    variables
}

/// The first words of the command, and the file.
fn name(entry: &Entry, place: &Place) -> String {
    let command = printable(&entry.command);
    let path = printable(&place.path);
    let path: String = path.chars().take(PATH_MAX).collect();
    format!("{} ({path})", shortened(&command))
}

/// Whole words up to [`SHORT`] characters; a longer first word is cut.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for word in text.split_whitespace() {
        let room = SHORT.saturating_sub(short.chars().count() + 1);
        if word.chars().count() > room {
            if short.is_empty() {
                short = word.chars().take(SHORT).collect();
            }
            return format!("{short} …");
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

/// Control and direction characters are fit for a shell but not for a name.
fn printable(text: &str) -> String {
    let marks = ['\u{200E}', '\u{200F}'];
    let turns =
        |c| marks.contains(&c) || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let hidden = |c: char| c.is_control() || turns(c);
    text.chars()
        .map(|c| if hidden(c) { ' ' } else { c })
        .collect()
}
