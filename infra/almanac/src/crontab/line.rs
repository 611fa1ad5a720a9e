//! From lines to what they say.
//!
//! Invariant: a variable holds for the lines below it, never for those above.

use std::collections::BTreeMap;

use domain::schedule::{Calendar, Schedule};

use super::{
    Content, Entry, Layout, Line,
    command::split_input,
    environment::{Variable, variable},
    pattern,
};

/// Reads a whole crontab; `zone` is the IANA time zone of lines that no `CRON_TZ` precedes.
pub fn parse(text: &[u8], layout: Layout, zone: &str) -> Vec<Line> {
    let mut environment = BTreeMap::new();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .map(|(index, bytes)| {
            let content = content(bytes, layout, zone, &environment);
            if let Content::Environment { name, value } = &content {
                environment.insert(name.clone(), value.clone());
            }
            Line {
                number: index + 1,
                content,
            }
        })
        .collect()
}

fn content(
    bytes: &[u8],
    layout: Layout,
    zone: &str,
    environment: &BTreeMap<String, String>,
) -> Content {
    let shown = String::from_utf8_lossy(bytes);
    let skipped = |reason: String| Content::Skipped {
        reason,
        text: shown.trim_end().to_owned(),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return skipped("the line is not UTF-8".to_owned());
    };
    let text = text.trim_end_matches('\r').trim_start_matches([' ', '\t']);
    if text.trim().is_empty() {
        return Content::Blank;
    }
    if text.starts_with('#') {
        return Content::Comment;
    }
    if text.contains('\0') {
        return skipped("the line holds a NUL character".to_owned());
    }
    match variable(text) {
        Variable::Set { name, value } => return Content::Environment { name, value },
        Variable::Invalid(reason) => return skipped(reason),
        Variable::None => {}
    }
    entry(text, layout, zone, environment)
        .map_or_else(skipped, |entry| Content::Job(Box::new(entry)))
}

/// Reads schedule, user and command, in this order.
fn entry(
    text: &str,
    layout: Layout,
    zone: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Entry, String> {
    // SUSE's cron takes a minus sign in front as "do not log this".
    let text = text.strip_prefix('-').unwrap_or(text);
    let (expression, rest) = pattern::read(text)?;
    let (user, rest) = match layout {
        Layout::User => (None, rest),
        Layout::System => {
            let (user, rest) = word(rest);
            if user.is_empty() {
                return Err("no user and no command follow the schedule".to_owned());
            }
            (Some(user.to_owned()), rest)
        }
    };
    if rest.trim().is_empty() {
        return Err(match user {
            Some(user) => format!(
                "no command follows the user {user:?}; a user's own crontab is read with --user"
            ),
            None => "no command follows the schedule".to_owned(),
        });
    }
    let schedule = scheduled(&expression, zone, environment)?;
    let (command, stdin) = split_input(rest);
    if command.trim().is_empty() {
        return Err("no command stands before the first %".to_owned());
    }
    Ok(Entry {
        command,
        environment: environment.clone(),
        schedule,
        stdin,
        user,
    })
}

/// `CRON_TZ` must be a zone that is known; `TZ` also speaks to programs in ways of its own, so
/// there anything else leaves the schedule in the default zone.
fn scheduled(
    expression: &str,
    zone: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Schedule, String> {
    let cron = |timezone: &str| Schedule::cron(expression, timezone);
    let checked = |schedule: Schedule| match Calendar::try_new(&schedule) {
        Ok(_) => Ok(schedule),
        Err(reason) => Err(reason.to_string()),
    };
    if let Some(zone) = environment.get("CRON_TZ") {
        return checked(cron(zone));
    }
    let told = environment
        .get("TZ")
        .map(|zone| cron(zone.trim_start_matches(':')));
    match told.and_then(|schedule| checked(schedule).ok()) {
        Some(schedule) => Ok(schedule),
        None => checked(cron(zone)),
    }
}

/// The first word, and what follows the space after it.
pub(super) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start_matches([' ', '\t']))
}
