//! What a task did all its life, told from its events.
//!
//! Invariant: chapters follow each other without a gap, from its creation to its end or to now;
//! waiting for a time and waiting for a worker after that time are chapters of their own.

use super::{Task, TaskError, TaskEvent, TaskStatus};
use crate::{Aggregate as _, Timestamp};

/// A time in which a task did one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Chapter {
    /// What it did.
    pub doing: Doing,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none if it still does.
    pub until: Option<Timestamp>,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    /// Has ended so.
    Ended(TaskStatus),
    /// Waits for other tasks.
    Held,
    /// Waits for its next attempt, after an error.
    Retrying {
        /// The attempt that went wrong.
        attempt: u32,
        /// What went wrong.
        error: Option<TaskError>,
    },
    /// An attempt is made.
    Running {
        /// Which one.
        attempt: u32,
        /// By whom.
        worker: String,
    },
    /// Waits for its time.
    Scheduled,
    /// Waits for a worker.
    Waiting,
}

/// The chapters of the task that `history` tells of, as of `now`.
pub fn story(history: &[(TaskEvent, Timestamp)], now: Timestamp) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut task: Option<Task> = None;
    for (event, at) in history {
        close(&mut chapters, task.as_ref(), *at);
        task = Task::evolve(task, event, *at);
        let Some(doing) = task.as_ref().map(doing) else {
            continue;
        };
        match chapters.last_mut() {
            Some(last) if last.doing == doing => last.until = None,
            _ => chapters.push(Chapter {
                doing,
                from: *at,
                until: None,
            }),
        }
    }
    // What has come due since the last event waits for a worker since.
    if let Some(due_at) = task.as_ref().and_then(|task| task.due_at)
        && due_at <= now
    {
        close(&mut chapters, task.as_ref(), now);
        if let Some(last) = chapters.last_mut() {
            last.until = None;
        }
    }
    chapters.retain(|chapter| chapter.until != Some(chapter.from));
    chapters
}

/// Ends the last chapter at `at`; if the task had come due before that, a chapter of waiting for a
/// worker lies between.
fn close(chapters: &mut Vec<Chapter>, task: Option<&Task>, at: Timestamp) {
    let Some(last) = chapters.last_mut() else {
        return;
    };
    let due_at = task.and_then(|task| task.due_at);
    let due_at = due_at.filter(|due_at| *due_at < at && last.doing != Doing::Waiting);
    last.until = Some(due_at.map_or(at, |due_at| due_at.max(last.from)));
    if let Some(due_at) = due_at {
        let from = due_at.max(last.from);
        chapters.push(Chapter {
            doing: Doing::Waiting,
            from,
            until: Some(at),
        });
    }
}

fn doing(task: &Task) -> Doing {
    match task.status {
        TaskStatus::Queued => Doing::Waiting,
        TaskStatus::Retrying => Doing::Retrying {
            attempt: task.attempts(),
            error: task.error.clone(),
        },
        TaskStatus::Running => Doing::Running {
            attempt: task.attempts(),
            worker: task
                .attempt
                .as_ref()
                .map(|a| a.worker.clone())
                .unwrap_or_default(),
        },
        TaskStatus::Scheduled if task.held => Doing::Held,
        TaskStatus::Scheduled => Doing::Scheduled,
        ended => Doing::Ended(ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TaskId,
        task::{
            Dependency, TaskAttemptFailed, TaskCreated, TaskReleased, TaskRetryScheduled, TaskSpec,
            TaskStarted, TaskSucceeded, When,
        },
    };
    use serde_json::json;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn started(attempt: u32) -> TaskEvent {
        TaskEvent::Started(TaskStarted {
            attempt,
            worker: "w".into(),
        })
    }

    fn life() -> Vec<(TaskEvent, Timestamp)> {
        let error = TaskError {
            code: "refused".into(),
            message: "no".into(),
            retryable: true,
            retry_after_ms: None,
        };
        let created = TaskCreated {
            after: vec![Dependency {
                task: TaskId::new(uuid::Uuid::from_u128(1)),
                when: When::Ended,
            }],
            not_before: Some(at(200)),
            ..TaskCreated::new(TaskSpec::new("echo", json!(1)))
        };
        let worker = || "w".to_owned();
        vec![
            (TaskEvent::Created(created), at(0)),
            (TaskEvent::Released(TaskReleased {}), at(100)),
            (started(1), at(250)),
            (
                TaskEvent::AttemptFailed(TaskAttemptFailed {
                    attempt: 1,
                    error,
                    worker: worker(),
                }),
                at(300),
            ),
            (
                TaskEvent::RetryScheduled(TaskRetryScheduled { at: at(400) }),
                at(300),
            ),
            (started(2), at(450)),
            (
                TaskEvent::Succeeded(TaskSucceeded {
                    attempt: 2,
                    output: json!(1),
                    worker: worker(),
                }),
                at(500),
            ),
        ]
    }

    fn told(history: &[(TaskEvent, Timestamp)], now: i64) -> Vec<(String, i64, Option<i64>)> {
        let word = |doing: &Doing| match doing {
            Doing::Ended(status) => status.name().to_owned(),
            Doing::Held => "held".into(),
            Doing::Retrying { attempt, error } => {
                format!("retrying {attempt} {}", error.is_some())
            }
            Doing::Running { attempt, .. } => format!("running {attempt}"),
            Doing::Scheduled => "scheduled".into(),
            Doing::Waiting => "waiting".into(),
        };
        let chapters = story(history, at(now)).into_iter();
        chapters
            .map(|c| {
                let until = c.until.map(Timestamp::unix_ms);
                (word(&c.doing), c.from.unix_ms(), until)
            })
            .collect()
    }

    #[test]
    fn every_wait_is_a_chapter() {
        let expected = [
            ("held", 0, Some(100)),
            ("scheduled", 100, Some(200)),
            ("waiting", 200, Some(250)),
            ("running 1", 250, Some(300)),
            ("retrying 1 true", 300, Some(400)),
            ("waiting", 400, Some(450)),
            ("running 2", 450, Some(500)),
            ("succeeded", 500, None),
        ];
        let expected = expected.map(|(word, from, until)| (word.to_owned(), from, until));
        assert_eq!(told(&life(), 900), expected);
    }

    #[test]
    fn what_has_come_due_waits_for_a_worker_now() {
        let life = life();
        let scheduled = ("scheduled".to_owned(), 100, None);
        assert_eq!(told(&life[..2], 150).last(), Some(&scheduled));
        let waiting = ("waiting".to_owned(), 200, None);
        assert_eq!(told(&life[..2], 900).last(), Some(&waiting));
    }
}
