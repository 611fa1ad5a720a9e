//! Every rule of a job's life as a sentence.
//!
//! Invariant: each arrow of the drawn life cycle has a sentence here, and so has each refusal.

use super::*;
use crate::testing::{NOW, fold, given, name};
use serde_json::json;

fn nightly() -> JobCreated {
    JobCreated {
        name: name("nightly backup"),
        schedule: Schedule::Cron {
            expression: "0 2 * * *".into(),
            timezone: "UTC".into(),
        },
        task: TaskSpec {
            priority: crate::task::Priority::High,
            timeout_ms: 1_000,
            ..TaskSpec::new("echo", json!({}))
        },
        overlap: Overlap::Allow,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
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
