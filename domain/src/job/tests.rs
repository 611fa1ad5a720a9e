//! Every rule of a job's life as a sentence.
//!
//! Invariant: each arrow of the drawn life cycle has a sentence here, and so has each refusal.

use super::*;
use crate::{
    task::SkipReason,
    testing::{NOW, fold, given, name},
};
use serde_json::json;

pub(crate) fn nightly() -> JobCreated {
    JobCreated {
        name: name("nightly backup"),
        schedule: Schedule::cron("0 2 * * *", "UTC"),
        task: TaskSpec {
            priority: crate::task::Priority::High,
            timeout_ms: 1_000,
            ..TaskSpec::new("echo", json!({}))
        },
        overlap: Overlap::Allow,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy::default(),
    }
}

fn created() -> JobEvent {
    JobEvent::Created(nightly())
}

fn hourly() -> Schedule {
    Schedule::Interval {
        every_ms: 3_600_000,
    }
}

fn rescheduled() -> JobUpdated {
    JobUpdated {
        schedule: Some(hourly()),
        ..JobUpdated::default()
    }
}

fn paused() -> JobEvent {
    JobEvent::Paused(JobPaused {
        note: Some("maintenance".into()),
    })
}

const DELETED: JobEvent = JobEvent::Deleted(JobDeleted {});
const RESUMED: JobEvent = JobEvent::Resumed(JobResumed {});

#[test]
fn is_created_once_with_a_schedule_that_can_be_followed() {
    given::<Job>([])
        .when(JobCommand::Create(nightly()))
        .then([created()]);
    given::<Job>([created()])
        .when(JobCommand::Create(nightly()))
        .rejected(&JobRejection::AlreadyExists);
    given::<Job>([])
        .when(JobCommand::Create(JobCreated {
            schedule: Schedule::Interval { every_ms: 0 },
            ..nightly()
        }))
        .rejected(&JobRejection::Schedule(InvalidSchedule::Interval));
}

#[test]
fn its_template_must_be_a_task() {
    let mut wanted = nightly();
    wanted.task.max_attempts = 0;
    given::<Job>([])
        .when(JobCommand::Create(wanted))
        .rejected(&JobRejection::Task(TaskRejection::Invalid(
            "max_attempts lies between 1 and 100",
        )));
}

#[test]
fn pauses_and_resumes() {
    let pause = JobCommand::Pause {
        note: Some("maintenance".into()),
    };
    given::<Job>([created()])
        .when(pause.clone())
        .then([paused()]);
    given::<Job>([created(), paused()]).when(pause).then([]);
    given::<Job>([created(), paused()])
        .when(JobCommand::Resume)
        .then([RESUMED]);
    given::<Job>([created()]).when(JobCommand::Resume).then([]);
}

#[test]
fn an_update_tells_only_what_differs() {
    given::<Job>([created()])
        .when(JobCommand::Update(JobUpdated {
            name: Some(nightly().name),
            ..rescheduled()
        }))
        .then([JobEvent::Updated(rescheduled())]);
    given::<Job>([created()])
        .when(JobCommand::Put(JobCreated {
            schedule: hourly(),
            ..nightly()
        }))
        .then([JobEvent::Updated(rescheduled())]);
    given::<Job>([created()])
        .when(JobCommand::Put(nightly()))
        .then([]);
    given::<Job>([created()])
        .when(JobCommand::Update(JobUpdated {
            schedule: Some(Schedule::Interval { every_ms: 1 }),
            ..JobUpdated::default()
        }))
        .rejected(&JobRejection::Schedule(InvalidSchedule::Interval));
}

#[test]
fn a_put_records_where_it_is_now_and_yields_to_no_other_source() {
    let origin = |source: &str, reference: &str| {
        Some(Origin {
            source: source.into(),
            reference: reference.into(),
        })
    };
    let from = |origin| JobCreated {
        origin,
        ..nightly()
    };
    let put = |origin| JobCommand::Put(from(origin));
    let moved = |origin| {
        JobEvent::Updated(JobUpdated {
            origin,
            ..JobUpdated::default()
        })
    };
    let (here, there) = (origin("crontab", "c:1"), origin("crontab", "c:2"));
    let imported = || given::<Job>([JobEvent::Created(from(here.clone()))]);
    imported().when(put(here.clone())).then([]);
    imported().when(put(there.clone())).then([moved(there)]);
    imported().when(put(None)).then([]);
    imported()
        .when(put(origin("demo", "c:1")))
        .rejected(&JobRejection::Foreign("crontab".into()));
    given::<Job>([created()])
        .when(put(here.clone()))
        .then([moved(here)]);
}

#[test]
fn put_again_after_its_deletion() {
    given::<Job>([created()])
        .when(JobCommand::Delete)
        .then([DELETED]);
    given::<Job>([created(), DELETED])
        .when(JobCommand::Delete)
        .then([]);
    given::<Job>([created(), DELETED])
        .when(JobCommand::Resume)
        .rejected(&JobRejection::NotFound);
    given::<Job>([created(), DELETED])
        .when(JobCommand::Put(nightly()))
        .then([created()]);
}

#[test]
fn slots_are_owed_from_creation_rescheduling_or_resuming_on() {
    let (noon, later) = (NOW, NOW.plus_ms(1));
    let job = fold::<Job>(None, &[created(), paused()]).expect("it exists");
    assert_eq!(job.since, noon);
    let resumed = Job::evolve(Some(job.clone()), &RESUMED, later).expect("it exists");
    assert_eq!((resumed.since, resumed.status), (later, JobStatus::Active));
    let updated = JobEvent::Updated(rescheduled());
    assert_eq!(
        Job::evolve(Some(job), &updated, later).map(|job| job.since),
        Some(later)
    );
}

#[test]
fn a_policy_is_checked_and_replaced_whole() {
    let policy = |max_runs, jitter_ms| JobPolicy {
        jitter_ms,
        max_runs,
        ..JobPolicy::default()
    };
    let with = |policy| JobCreated {
        policy,
        ..nightly()
    };
    let change = |policy| JobUpdated {
        policy: Some(policy),
        ..JobUpdated::default()
    };
    given::<Job>([])
        .when(JobCommand::Create(with(policy(Some(0), None))))
        .rejected(&JobRejection::Policy(InvalidPolicy {
            field: "max_runs",
            max: u64::from(u32::MAX),
        }));
    let limited = || given::<Job>([JobEvent::Created(with(policy(Some(3), Some(10))))]);
    let only_jitter = change(policy(None, Some(10)));
    limited()
        .when(JobCommand::Update(only_jitter.clone()))
        .then([JobEvent::Updated(only_jitter)]);
    limited()
        .when(JobCommand::Put(nightly()))
        .then([JobEvent::Updated(change(JobPolicy::default()))]);
    limited()
        .when(JobCommand::Update(change(policy(Some(3), Some(10)))))
        .then([]);
}

#[test]
fn what_a_limit_kept_from_being_owed_stays_so_when_the_limit_moves() {
    let (end, later) = (NOW.plus_ms(1), NOW.plus_ms(5));
    let since = |before: JobPolicy, after: JobPolicy| {
        let job = JobEvent::Created(JobCreated {
            policy: before,
            ..nightly()
        });
        let updated = JobEvent::Updated(JobUpdated {
            policy: Some(after),
            ..JobUpdated::default()
        });
        let job = fold::<Job>(None, &[job]);
        Job::evolve(job, &updated, later).expect("it exists").since
    };
    let usual = JobPolicy::default();
    let ends_at = |end| JobPolicy {
        ends_at: Some(end),
        ..usual
    };
    let max_runs = |runs| JobPolicy {
        max_runs: Some(runs),
        ..usual
    };
    assert_eq!(since(ends_at(end), usual), later);
    assert_eq!(since(ends_at(later), usual), NOW);
    assert_eq!(since(usual, ends_at(end)), NOW);
    assert_eq!(since(max_runs(1), max_runs(2)), later);
    let jitter = JobPolicy {
        jitter_ms: Some(5),
        ..usual
    };
    assert_eq!(since(usual, jitter), NOW);
}

#[test]
fn a_run_of_slots_is_given_up_once_and_in_order() {
    let run = |from, until| JobSlotsSkipped {
        from: NOW.plus_ms(from),
        until: NOW.plus_ms(until),
        count: Some(2),
        reason: SkipReason::Misfire,
    };
    let skip = |from, until| JobCommand::SkipSlots(run(from, until));
    let skipped = |from, until| JobEvent::SlotsSkipped(run(from, until));
    given::<Job>([created()])
        .when(skip(1, 5))
        .then([skipped(1, 5)]);
    given::<Job>([created(), skipped(1, 5)])
        .when(skip(1, 5))
        .then([]);
    given::<Job>([created(), skipped(1, 5)])
        .when(skip(6, 9))
        .then([skipped(6, 9)]);
    for (from, until) in [(5, 9), (0, 9), (9, 8)] {
        given::<Job>([created(), skipped(1, 5)])
            .when(skip(from, until))
            .rejected(&JobRejection::Settled);
    }
    given::<Job>([created(), paused()])
        .when(skip(1, 5))
        .rejected(&JobRejection::Settled);
    given::<Job>([])
        .when(skip(1, 5))
        .rejected(&JobRejection::NotFound);
    let before = fold::<Job>(None, &[created()]).expect("it exists");
    let after = Job::evolve(Some(before.clone()), &skipped(1, 5), NOW.plus_ms(9));
    let after = after.expect("it exists");
    assert_eq!(after.skipped_until, Some(NOW.plus_ms(5)));
    assert_eq!(after.updated_at, before.updated_at);
}
