//! The same in words.
//!
//! Invariant: each sentence is about what the fields beside it say.

use domain::task::{Chapter, Doing, Task, TaskStatus};
use schemas::api::WaitReason;

/// What a task does, in a stable word.
pub(super) const fn word(doing: &Doing) -> &'static str {
    match doing {
        Doing::Ended(status) => status.name(),
        Doing::Held => "held",
        Doing::Retrying { .. } => "retrying",
        Doing::Running { .. } => "running",
        Doing::Scheduled => "scheduled",
        Doing::Waiting => "waiting",
    }
}

/// What it did in a chapter.
pub(super) fn chapter(chapter: &Chapter, lasted_ms: i64) -> String {
    let long = duration(lasted_ms);
    let tense = |past: &str, present: &str| {
        let verb = if chapter.until.is_some() {
            past
        } else {
            present
        };
        verb.to_owned()
    };
    match &chapter.doing {
        Doing::Ended(status) => format!("it has ended as {}", status.name()),
        Doing::Held => format!("it {} for other tasks for {long}", tense("waited", "waits")),
        Doing::Retrying { attempt, error } => {
            let code = error
                .as_ref()
                .map_or("an error", |error| error.code.as_str());
            let waits = tense("waited", "waits");
            format!("it {waits} {long} after attempt {attempt} had failed ({code})")
        }
        Doing::Running { attempt, worker } => {
            let makes = tense("made", "makes");
            format!("{worker} {makes} attempt {attempt}, for {long}")
        }
        Doing::Scheduled => format!("it {} for its time for {long}", tense("waited", "waits")),
        Doing::Waiting => {
            let waits = tense("waited", "waits");
            format!("it {waits} for a worker and for room for {long}")
        }
    }
}

/// The answer in a sentence or two.
pub(super) fn summary(
    task: &Task,
    waits_for: &[WaitReason],
    chapters: &[Chapter],
    late_ms: Option<i64>,
) -> String {
    if !waits_for.is_empty() {
        let words: Vec<_> = waits_for
            .iter()
            .map(|reason| reason.words.as_str())
            .collect();
        return format!("It waits: {}.", words.join("; "));
    }
    let Some(late_ms) = late_ms else {
        return match task.status {
            TaskStatus::Skipped => "Its slot was skipped, so it never was to start.".to_owned(),
            status => format!("It has ended as {} without an attempt.", status.name()),
        };
    };
    let began = format!(
        "Its first attempt began {} after it was wanted",
        duration(late_ms)
    );
    let before = chapters
        .iter()
        .take_while(|chapter| !matches!(chapter.doing, Doing::Running { .. }));
    let longest = before
        .filter(|chapter| !matches!(chapter.doing, Doing::Scheduled))
        .filter_map(|one| Some((one, one.until?.since_ms(one.from))))
        .max_by_key(|(_, lasted_ms)| *lasted_ms);
    match longest {
        Some((longest, lasted_ms)) if lasted_ms > 0 => {
            format!("{began}, mostly since {}.", chapter(longest, lasted_ms))
        }
        _ => format!("{began}."),
    }
}

/// A duration as people say it.
fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match ms {
        ..10_000 => format!("{ms} ms"),
        10_000..120_000 => format!("{seconds} s"),
        120_000..7_200_000 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let said = [5, 12_300, 150_000, 9_000_000].map(duration);
        assert_eq!(said, ["5 ms", "12 s", "2 min", "2 h"]);
    }
}
