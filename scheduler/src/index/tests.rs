//! The index fed with commits, and what it says must follow.
//!
//! Invariant: commits come as they do from the log, one at a time and in order.

use domain::{
    Aggregate as _, Name, Timestamp,
    job::{
        Job, JobCreated, JobEvent, JobPaused, JobPolicy, JobResumed, JobSlotsSkipped, JobUpdated,
        Misfire, Overlap,
    },
    schedule::Schedule as When,
    task::{
        CancelMode, Dependency, JobSlot, Limit, Priority, SkipReason, TaskCancelRequested,
        TaskCreated, TaskEvent, TaskHandedBack, TaskReleased, TaskRequeued, TaskSlotSkipped,
        TaskSpec, TaskStarted, TaskSucceeded, TaskTimedOut, When as Wanted,
    },
};
use event_log::{Hash, Meta, StreamId, Version};
use schemas::catalogue::{Recorded, encode};
use uuid::Uuid;

use super::*;
use crate::fire::Intent;

const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
const JOB: JobKey = (TENANT, JobId::new(Uuid::from_u128(2)));
const TASK: TaskKey = (TENANT, TaskId::new(Uuid::from_u128(3)));

/// An index and the log that it follows.
struct Log {
    index: Index,
    versions: HashMap<Uuid, u64>,
}

impl Log {
    fn new() -> Self {
        let nothing = Schedule {
            jobs: vec![],
            operations: vec![],
            runs: vec![],
            tasks: vec![],
        };
        Self {
            index: Index::of_schedule(nothing, Position(0)),
            versions: HashMap::new(),
        }
    }

    fn commit<E: Recorded>(
        &mut self,
        kind: AggregateKind,
        id: Uuid,
        at_ms: i64,
        events: &[E],
    ) -> Vec<Effect> {
        let version = self.versions.entry(id).or_default();
        *version += 1;
        let commit = Commit {
            meta: Meta {
                actor: domain::Actor::System("test".into()),
                causation: None,
                command: domain::CommandId::new(id),
                correlation: id,
                fingerprint: None,
                hash: Hash::ZERO,
                previous: Hash::ZERO,
                time: at(at_ms),
                traceparent: None,
                version: Version(*version),
            },
            payload: encode(events),
            position: self.index.followed.next(),
            stream: StreamId {
                tenant: TENANT,
                kind,
                id,
            },
        };
        self.index.follow(&Entry::Commit(commit))
    }

    fn job(&mut self, at_ms: i64, event: JobEvent) -> Vec<Effect> {
        self.commit(AggregateKind::Job, JOB.1.uuid(), at_ms, &[event])
    }

    fn task(&mut self, at_ms: i64, event: TaskEvent) -> Vec<Effect> {
        self.commit(AggregateKind::Task, TASK.1.uuid(), at_ms, &[event])
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn spec() -> TaskSpec {
    serde_json::from_value(serde_json::json!({"kind": "echo", "priority": "high"})).expect("valid")
}

fn job_created(every_ms: u64) -> JobEvent {
    JobEvent::Created(JobCreated {
        name: Name::try_new("job").expect("a name"),
        schedule: When::Interval { every_ms },
        task: spec(),
        overlap: Overlap::Skip,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy::default(),
    })
}

fn task_created(origin: Option<JobSlot>, not_before: Option<Timestamp>) -> TaskEvent {
    TaskEvent::Created(TaskCreated {
        not_before,
        origin,
        ..TaskCreated::new(spec())
    })
}

fn push(attempt: u32, version: u64) -> Effect {
    let item = WorkItem {
        attempt,
        kind: "echo".to_owned(),
        task: TASK.1,
        tenant: TENANT,
        version: Version(version),
    };
    Effect::Push(Priority::High, item)
}

fn rest() -> Effect {
    Effect::Rest(Key::Task(TASK))
}

fn started() -> TaskEvent {
    TaskEvent::Started(TaskStarted {
        attempt: 1,
        worker: "w".into(),
    })
}

#[test]
fn a_job_waits_for_its_next_slot_until_it_is_paused() {
    let mut log = Log::new();
    let woken = |ms| vec![Effect::Wake(Key::Job(JOB), at(ms))];
    assert_eq!(log.job(500, job_created(1_000)), woken(1_000));
    let faster = JobEvent::Updated(JobUpdated {
        schedule: Some(When::Interval { every_ms: 100 }),
        ..JobUpdated::default()
    });
    assert_eq!(log.job(600, faster), woken(700));
    let paused = JobEvent::Paused(JobPaused { note: None });
    assert_eq!(log.job(650, paused), [Effect::Rest(Key::Job(JOB))]);
    assert!(log.index.jobs.get_mut(JOB).is_none());
}

#[test]
fn a_resumed_job_is_loaded_as_it_is_after_all_that_was_seen() {
    let mut log = Log::new();
    log.job(500, job_created(1_000));
    let state = log.index.jobs.get_mut(JOB).expect("active").job.clone();
    log.job(600, JobEvent::Paused(JobPaused { note: None }));
    let resumed = log.job(700, JobEvent::Resumed(JobResumed {}));
    assert_eq!(resumed, [Effect::LoadJob(JOB)]);
    let seen_while_loading = log.job(800, JobEvent::Updated(JobUpdated::default()));
    assert_eq!(seen_while_loading, []);
    let outdated = Some((state.clone(), Position(3)));
    assert_eq!(log.index.jobs.loaded(JOB, outdated), [Effect::LoadJob(JOB)]);
    let state = Job {
        since: at(2_500),
        ..state
    };
    let effects = log.index.jobs.loaded(JOB, Some((state, Position(4))));
    assert_eq!(effects, [Effect::Wake(Key::Job(JOB), at(3_000))]);
}

#[test]
fn a_decided_slot_is_owed_no_more() {
    let mut log = Log::new();
    log.job(500, job_created(1_000));
    let slot = |ms| JobSlot {
        job_id: JOB.1,
        slot: Some(at(ms)),
        run: None,
    };
    log.task(1_000, task_created(Some(slot(1_000)), None));
    let skipped = TaskSlotSkipped {
        origin: slot(2_000),
        reason: SkipReason::Overlap,
    };
    let other = Uuid::from_u128(9);
    log.commit(
        AggregateKind::Task,
        other,
        2_000,
        &[TaskEvent::SlotSkipped(skipped)],
    );
    assert_eq!(
        log.index.jobs.get_mut(JOB).expect("active").after(),
        at(2_000)
    );
    assert!(!log.index.tasks.living_of(JOB).tasks.is_empty());
}

#[test]
fn each_way_to_an_attempt_leads_to_a_push() {
    let mut log = Log::new();
    assert_eq!(log.task(1, task_created(None, None)), [rest(), push(1, 1)]);
    assert_eq!(log.task(2, started()), [rest()]);
    let handed_back = TaskEvent::HandedBack(TaskHandedBack {
        attempt: 1,
        worker: "w".into(),
    });
    assert_eq!(log.task(3, handed_back), [rest(), push(1, 3)]);
    log.task(4, started());
    let requested = TaskEvent::CancelRequested(TaskCancelRequested::default());
    assert_eq!(log.task(5, requested), [rest(), Effect::Announce(TASK.1)]);
    let succeeded = TaskEvent::Succeeded(TaskSucceeded {
        attempt: 1,
        output: serde_json::Value::Null,
        worker: "w".into(),
    });
    assert_eq!(log.task(6, succeeded), [rest()]);
    assert!(log.index.tasks.living_of(JOB).tasks.is_empty());
}

#[test]
fn a_task_put_back_after_its_end_is_loaded() {
    let mut log = Log::new();
    log.versions.insert(TASK.1.uuid(), 7);
    let effects = log.task(1, TaskEvent::Requeued(TaskRequeued {}));
    assert_eq!(effects, [Effect::LoadTask(TASK)]);
}

#[test]
fn a_task_that_waits_stands_in_the_timer() {
    let mut log = Log::new();
    let effects = log.task(1, task_created(None, Some(at(5_000))));
    assert_eq!(effects, [Effect::Wake(Key::Task(TASK), at(5_000))]);
    assert_eq!(log.index.tasks.due(TASK), Some(push(1, 1)));
    assert_eq!(log.index.all_effects(), effects);
}

#[test]
fn those_whose_place_a_task_takes_are_stopped_as_it_says() {
    let mut log = Log::new();
    let first = (TENANT, TaskId::new(Uuid::from_u128(8)));
    let created = |after, replaces| {
        TaskEvent::Created(TaskCreated {
            after,
            origin: Some(JobSlot {
                job_id: JOB.1,
                slot: None,
                run: None,
            }),
            replaces,
            ..TaskCreated::new(spec())
        })
    };
    let of_first =
        |log: &mut Log, event| log.commit(AggregateKind::Task, first.1.uuid(), 1, &[event]);
    of_first(&mut log, created(vec![], None));
    assert!(!log.index.tasks.living_of(JOB).one_waits);
    let behind = vec![Dependency {
        task: first.1,
        when: Wanted::Ended,
    }];
    let stop = |mode| Effect::Replace {
        by: TASK.1,
        key: first,
        mode,
    };
    let forced = CancelMode::Forced;
    let effects = log.task(2, created(behind, Some(forced)));
    assert_eq!(effects, [rest(), stop(forced)]);
    assert!(log.index.all_effects().contains(&stop(forced)));
    let living = log.index.tasks.living_of(JOB);
    assert!(living.one_waits && living.tasks.len() == 2);
    // Whoever leads next asks as long as nobody has asked for as much.
    of_first(&mut log, started());
    let asked = |mode| {
        TaskEvent::CancelRequested(TaskCancelRequested {
            mode: Some(mode),
            ..TaskCancelRequested::default()
        })
    };
    of_first(&mut log, asked(CancelMode::Cooperative));
    assert!(log.index.all_effects().contains(&stop(forced)));
    of_first(&mut log, asked(forced));
    assert!(!log.index.all_effects().contains(&stop(forced)));
}

#[test]
fn a_task_held_back_is_judged_once_one_before_it_has_ended_or_is_unknown() {
    let mut log = Log::new();
    let first = Uuid::from_u128(8);
    let key = (TENANT, TaskId::new(first));
    let held = || {
        TaskEvent::Created(TaskCreated {
            after: vec![Dependency {
                task: key.1,
                when: Wanted::Succeeded,
            }],
            not_before: Some(at(1)),
            ..TaskCreated::new(spec())
        })
    };
    let judged = vec![rest(), Effect::Judge(TASK)];
    assert_eq!(log.task(1, held()), judged);
    assert_eq!(log.index.all_effects(), judged);
    assert_eq!(log.index.tasks.due(TASK), None);

    let mut log = Log::new();
    let of_first = |log: &mut Log, event| log.commit(AggregateKind::Task, first, 1, &[event]);
    of_first(&mut log, task_created(None, None));
    assert_eq!(log.task(1, held()), [rest()]);
    assert_eq!(of_first(&mut log, started()).len(), 1);
    let succeeded = TaskEvent::Succeeded(TaskSucceeded {
        attempt: 1,
        output: serde_json::Value::Null,
        worker: "w".into(),
    });
    let effects = of_first(&mut log, succeeded);
    assert_eq!(effects, [Effect::Rest(Key::Task(key)), Effect::Judge(TASK)]);
    assert_eq!(log.index.all_effects(), judged);
    let after = log.index.tasks.held_for(TASK).expect("held back");
    assert_eq!(after[0].task, key.1);
    let released = log.task(2, TaskEvent::Released(TaskReleased {}));
    assert_eq!(released, [rest(), push(1, 2)]);
    assert_eq!(log.index.tasks.held_for(TASK), None);
}

#[test]
fn a_task_with_limits_stands_in_the_timer_for_the_next_of_them() {
    let mut log = Log::new();
    let limited = TaskEvent::Created(TaskCreated::new(TaskSpec {
        queue_timeout_ms: Some(100),
        total_timeout_ms: Some(1_000),
        ..spec()
    }));
    let deadline = |ms| Effect::Wake(Key::Deadline(TASK), at(ms));
    assert_eq!(log.task(1, limited), [rest(), push(1, 1), deadline(101)]);
    assert_eq!(log.task(50, started()), [rest(), deadline(1_001)]);
    let next = log.index.tasks.next_deadline(TASK);
    assert_eq!(next, Some((Limit::Total, at(1_001))));
    let timed_out = TaskEvent::TimedOut(TaskTimedOut {
        limit: Limit::Total,
    });
    let stopped = [
        rest(),
        Effect::Rest(Key::Deadline(TASK)),
        Effect::Announce(TASK.1),
    ];
    assert_eq!(log.task(1_001, timed_out), stopped);
}

#[test]
fn an_attempt_far_past_its_timeout_is_overdue() {
    let mut log = Log::new();
    log.task(0, task_created(None, None));
    log.task(0, started());
    assert_eq!(log.index.tasks.overdue(at(61_000), 1_000), []);
    assert_eq!(log.index.tasks.overdue(at(61_001), 1_000).len(), 1);
}

#[test]
fn what_was_loaded_and_the_log_count_one_commit_once() {
    let mut log = Log::new();
    log.task(1, task_created(None, None));
    let position = log.index.followed;
    log.index.followed = Position(position.0 - 1);
    log.versions.clear();
    assert_eq!(log.task(1, task_created(None, None)), []);
}

#[test]
fn an_expected_task_is_open_until_the_log_ends_it() {
    let mut log = Log::new();
    let origin = JobSlot {
        job_id: JOB.1,
        slot: Some(at(1_000)),
        run: None,
    };
    log.index.tasks.expect(JOB, TASK.1);
    assert!(!log.index.tasks.living_of(JOB).tasks.is_empty());
    let effects = log.task(1_000, task_created(Some(origin), None));
    assert_eq!(effects, [rest(), push(1, 1)]);
    log.task(1_001, started());
    assert!(!log.index.tasks.living_of(JOB).tasks.is_empty());
    let succeeded = TaskEvent::Succeeded(TaskSucceeded {
        attempt: 1,
        output: serde_json::Value::Null,
        worker: "w".into(),
    });
    log.task(1_002, succeeded);
    assert!(log.index.tasks.living_of(JOB).tasks.is_empty());
}

#[test]
fn runs_are_counted_by_their_number_also_while_the_job_is_paused() {
    let mut log = Log::new();
    let limit = JobPolicy {
        max_runs: Some(2),
        ..JobPolicy::default()
    };
    let JobEvent::Created(created) = job_created(1_000) else {
        panic!("a job is created");
    };
    let created = JobCreated {
        policy: limit,
        ..created
    };
    log.job(500, JobEvent::Created(created.clone()));
    let fired = |log: &mut Log, ms: i64, run: u32| {
        let origin = JobSlot {
            job_id: JOB.1,
            slot: Some(at(ms)),
            run: Some(run),
        };
        let id = Uuid::from_u128(100 + u128::from(run));
        log.commit(
            AggregateKind::Task,
            id,
            ms,
            &[task_created(Some(origin), None)],
        );
    };
    fired(&mut log, 1_000, 1);
    let state = log.index.jobs.get_mut(JOB).expect("active").job.clone();
    log.job(1_100, JobEvent::Paused(JobPaused { note: None }));
    fired(&mut log, 2_000, 2);
    log.job(2_100, JobEvent::Resumed(JobResumed {}));
    let found = Some((state, log.index.followed));
    assert_eq!(
        log.index.jobs.loaded(JOB, found),
        [Effect::Rest(Key::Job(JOB))]
    );
    let watched = log.index.jobs.get_mut(JOB).expect("active");
    assert!(watched.plan(JOB, at(9_000), 100).is_empty());
    // Another job of that id begins to count anew.
    log.job(9_000, JobEvent::Deleted(domain::job::JobDeleted {}));
    assert_eq!(
        log.job(9_500, JobEvent::Created(created.clone())),
        [Effect::LoadJob(JOB)]
    );
    let state = Job::evolve(None, &JobEvent::Created(created), at(9_500));
    let found = state.map(|state| (state, log.index.followed));
    let woken = [Effect::Wake(Key::Job(JOB), at(10_000))];
    assert_eq!(log.index.jobs.loaded(JOB, found), woken);
}

#[test]
fn a_run_of_slots_that_was_given_up_is_owed_no_more() {
    let mut log = Log::new();
    log.job(500, job_created(1_000));
    let run = JobSlotsSkipped {
        from: at(1_000),
        until: at(50_000),
        count: Some(50),
        reason: SkipReason::Misfire,
    };
    let effects = log.job(90_000, JobEvent::SlotsSkipped(run));
    assert_eq!(effects, [Effect::Wake(Key::Job(JOB), at(51_000))]);
}

#[test]
fn what_becomes_of_a_slot_is_decided_when_its_turn_comes() {
    let mut log = Log::new();
    let JobEvent::Created(created) = job_created(1_000) else {
        panic!("a job is created");
    };
    let policy = JobPolicy {
        start_deadline_ms: Some(300),
        max_runs: Some(1),
        ..JobPolicy::default()
    };
    log.job(500, JobEvent::Created(JobCreated { policy, ..created }));
    let watched = log.index.jobs.get_mut(JOB).expect("active");
    watched.owed = watched.plan(JOB, at(1_000), 100);
    let lives = |many| Living {
        one_waits: false,
        tasks: (0..many).map(|_| TASK.1).collect(),
    };
    let turn = |ms, many| watched.intent(JOB, at(ms), lives(many));
    let Some((slot, Intent::Create(created))) = turn(1_300, 0) else {
        panic!("a task");
    };
    let run = created.origin.and_then(|origin| origin.run);
    assert_eq!((slot, run, created.after), (at(1_000), Some(1), vec![]));
    let skipped = |ms, many| match turn(ms, many) {
        Some((_, Intent::Skip(reason))) => Some(reason),
        _ => None,
    };
    assert_eq!(skipped(1_301, 1), Some(SkipReason::Deadline));
    assert_eq!(skipped(1_300, 1), Some(SkipReason::Overlap));
    log.index.jobs.ran(JOB, 1);
    let watched = log.index.jobs.get_mut(JOB).expect("active");
    assert!(watched.intent(JOB, at(1_000), lives(0)).is_none());
}
