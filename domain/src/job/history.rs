//! What a job was at each moment, and so which slots it owed.
//!
//! Invariant: a slot belongs to what the job was when it was due: strictly after one event of it
//! and up to the next.

use super::{Job, JobEvent, JobSlotsSkipped, JobStatus};
use crate::{Aggregate as _, Timestamp};

/// What a job was between two of its events.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// It was so for slots strictly after this instant.
    pub after: Timestamp,
    /// The job.
    pub job: Job,
    /// How what it still owed came to an end, if it did.
    pub settled: Option<Settled>,
    /// It was so for slots up to this instant; still if absent.
    pub until: Option<Timestamp>,
}

/// Why a job owes slots no more that nobody has decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// It was changed or deleted.
    Changed,
    /// It was paused.
    Paused,
}

/// What a job was, from its creation on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Long runs of slots that were given up at once, in order.
    pub given_up: Vec<JobSlotsSkipped>,
    /// What it was, in order.
    pub spans: Vec<Span>,
}

impl History {
    /// What `events` tell, each with its instant, in order.
    pub fn of(events: impl IntoIterator<Item = (Timestamp, JobEvent)>) -> Self {
        let mut history = Self::default();
        let mut state: Option<Job> = None;
        for (at, event) in events {
            if let JobEvent::SlotsSkipped(run) = &event {
                history.given_up.push(*run);
            }
            state = Job::evolve(state, &event, at);
            let Some(job) = &state else {
                continue;
            };
            history.go_on(at, job);
        }
        history.settle();
        history
    }

    /// The long run that `slot` was given up with.
    pub fn run_of(&self, slot: Timestamp) -> Option<&JobSlotsSkipped> {
        let holds = |run: &&JobSlotsSkipped| (run.from..=run.until).contains(&slot);
        self.given_up.iter().find(holds)
    }

    fn go_on(&mut self, at: Timestamp, job: &Job) {
        if let Some(last) = self.spans.last_mut() {
            last.until = Some(at);
            // Two events of one commit, or of one millisecond: nothing was due in between.
            if last.after == at {
                self.spans.pop();
            }
        }
        self.spans.push(Span {
            after: at,
            job: job.clone(),
            settled: None,
            until: None,
        });
    }

    fn settle(&mut self) {
        let mut settled = None;
        let mut following: Option<(Timestamp, JobStatus)> = None;
        for span in self.spans.iter_mut().rev() {
            if let Some((since, status)) = following {
                settled = match status {
                    JobStatus::Paused => Some(Settled::Paused),
                    JobStatus::Deleted => Some(Settled::Changed),
                    JobStatus::Active if since > span.job.since => Some(Settled::Changed),
                    JobStatus::Active => settled,
                };
            }
            span.settled = settled;
            following = Some((span.job.since, span.job.status));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{JobDeleted, JobPaused, JobResumed, JobUpdated, tests::nightly},
        schedule::Schedule,
        testing::name,
    };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn told(events: &[(i64, JobEvent)]) -> Vec<(i64, Option<i64>, JobStatus, Option<Settled>)> {
        let events = events.iter().cloned();
        let history = History::of(events.map(|(ms, event)| (at(ms), event)));
        let spans = history.spans.iter().map(|span| {
            let until = span.until.map(Timestamp::unix_ms);
            (span.after.unix_ms(), until, span.job.status, span.settled)
        });
        spans.collect()
    }

    #[test]
    fn what_a_job_owed_ends_with_a_pause_a_change_or_its_end() {
        use JobStatus::{Active, Deleted, Paused};
        let created = (10, JobEvent::Created(nightly()));
        let renamed = JobUpdated {
            name: Some(name("another")),
            ..JobUpdated::default()
        };
        let moved = JobUpdated {
            schedule: Some(Schedule::Interval { every_ms: 1_000 }),
            ..JobUpdated::default()
        };
        let events = [
            created.clone(),
            (20, JobEvent::Updated(renamed)),
            (30, JobEvent::Updated(moved)),
            (40, JobEvent::Paused(JobPaused { note: None })),
            (50, JobEvent::Resumed(JobResumed {})),
            (60, JobEvent::Deleted(JobDeleted {})),
        ];
        let (changed, paused) = (Some(Settled::Changed), Some(Settled::Paused));
        let expected = [
            (10, Some(20), Active, changed),
            (20, Some(30), Active, changed),
            (30, Some(40), Active, paused),
            (40, Some(50), Paused, changed),
            (50, Some(60), Active, changed),
            (60, None, Deleted, None),
        ];
        assert_eq!(told(&events), expected);
        assert_eq!(told(&events[..1]), [(10, None, Active, None)]);
        let two = [(10, Some(20), Active, None), (20, None, Active, None)];
        assert_eq!(told(&events[..2]), two);
        assert_eq!(told(&[]), []);
    }
}
