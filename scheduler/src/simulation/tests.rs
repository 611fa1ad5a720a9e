//! Plans whose outcome can be told by hand.
//!
//! Invariant: nothing here has a clock.

use domain::{
    JobId, Name, Timestamp,
    job::{Job, JobPolicy, JobStatus, Misfire, Overlap},
    schedule::{Oddity, Schedule},
    task::TaskSpec,
};
use uuid::Uuid;

use super::*;

const START: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

fn job(number: u128, schedule: Schedule, duration_ms: u64) -> PlannedJob {
    let task = serde_json::json!({"kind": "echo"});
    let task: TaskSpec = serde_json::from_value(task).expect("a task");
    PlannedJob {
        duration_ms,
        id: JobId::new(Uuid::from_u128(number)),
        job: Job {
            created_at: START,
            misfire: Misfire::Latest,
            name: Name::try_new(&format!("job {number}")).expect("a name"),
            note: None,
            origin: None,
            overlap: Overlap::Allow,
            policy: JobPolicy::default(),
            schedule,
            since: START,
            skipped_until: None,
            status: JobStatus::Active,
            task,
            updated_at: START,
        },
        runs: 0,
    }
}

fn every(minutes: u64) -> Schedule {
    Schedule::Interval {
        every_ms: minutes * MINUTE_MS as u64,
    }
}

fn plan(hours: i64, workers: u32, jobs: Vec<PlannedJob>) -> Plan {
    Plan {
        jobs,
        from: START,
        late_max: 100,
        outage: None,
        until: START.plus_ms(hours * HOUR_MS),
        workers,
    }
}

#[test]
fn tasks_are_counted_by_the_hour() {
    let forecast = simulate(&plan(3, 8, vec![job(1, every(10), 1_000)]));
    assert_eq!(forecast.tasks, 18);
    assert_eq!(forecast.tasks_per_hour, [5, 6, 6, 1]);
    assert_eq!(forecast.busy_max, 1);
    let used = 18.0 * 1_000.0 / (8.0 * 3.0 * HOUR_MS as f64);
    assert!((forecast.utilisation - used).abs() < 1e-9);
}

#[test]
fn a_job_that_is_paused_does_nothing_and_one_with_a_limit_stops() {
    let mut paused = job(1, every(10), 1_000);
    paused.job.status = JobStatus::Paused;
    let mut limited = job(2, every(10), 1_000);
    limited.job.policy.max_runs = Some(5);
    limited.runs = 2;
    let mut ending = job(3, every(10), 1_000);
    ending.job.policy.ends_at = Some(START.plus_ms(HOUR_MS));
    assert_eq!(simulate(&plan(3, 8, vec![paused])).tasks, 0);
    assert_eq!(simulate(&plan(3, 8, vec![limited])).tasks, 3);
    assert_eq!(simulate(&plan(3, 8, vec![ending])).tasks, 6);
}

#[test]
fn an_overlap_is_told_with_the_job_that_skips() {
    let mut slow = job(1, every(1), 150_000);
    slow.job.overlap = Overlap::Skip;
    let id = slow.id;
    let forecast = simulate(&plan(1, 8, vec![slow]));
    // Each runs for two and a half minutes, so that every third slot fires.
    assert_eq!((forecast.tasks, forecast.skipped["overlap"]), (20, 40));
    assert_eq!(forecast.overlaps[&id], 40);
}

#[test]
fn what_may_not_overlap_waits_or_takes_the_place_of_those_before() {
    let with = |overlap| {
        // So that nothing ends at the instant of a slot.
        let mut slow = job(1, every(1), 150_001);
        slow.job.overlap = overlap;
        let forecast = simulate(&plan(1, 8, vec![slow]));
        assert_eq!(forecast.busy_max, 1, "{overlap:?}");
        let sum = |counts: &BTreeMap<JobId, u64>| counts.values().sum::<u64>();
        let skipped = forecast.skipped.get("overlap").copied();
        let found = (sum(&forecast.queued), sum(&forecast.stopped));
        (forecast.tasks, skipped.unwrap_or_default(), found)
    };
    assert_eq!(with(Overlap::QueueAll), (60, 0, (59, 0)));
    // One begins every two and a half minutes, and then the next slot may wait.
    assert_eq!(with(Overlap::QueueOne), (25, 35, (24, 0)));
    assert_eq!(with(Overlap::CancelPrevious), (60, 0, (0, 59)));
    assert_eq!(with(Overlap::TerminatePrevious), (60, 0, (0, 59)));
}

#[test]
fn who_waits_for_a_worker_is_told_by_priority() {
    let mut urgent = job(1, every(1), 20_000);
    urgent.job.task.priority = Priority::Critical;
    let mut idle = job(2, every(1), 20_000);
    idle.job.task.priority = Priority::Low;
    let forecast = simulate(&plan(1, 1, vec![idle, urgent]));
    let (critical, low) = (forecast.waits["critical"], forecast.waits["low"]);
    assert_eq!((critical.tasks, critical.max_ms), (60, 0));
    assert_eq!((low.tasks, low.p50_ms, low.max_ms), (60, 20_000, 20_000));
}

#[test]
fn slots_around_a_change_of_the_clocks_are_listed() {
    let schedule = Schedule::cron("30 2 * * *", "Europe/Berlin");
    let mut berlin = plan(24 * 120, 1, vec![job(1, schedule, 1_000)]);
    berlin.from = "2027-01-01T00:00:00Z".parse().expect("an instant");
    berlin.until = berlin.from.plus_ms(120 * 24 * HOUR_MS);
    let forecast = simulate(&berlin);
    assert_eq!((forecast.tasks, forecast.odd_total), (120, 1));
    let odd = &forecast.odd[0];
    assert_eq!(odd.oddity, Oddity::AfterGap);
    assert_eq!(odd.local.as_deref(), Some("2027-03-28T03:00:00+02:00"));
}

#[test]
fn an_outage_costs_what_the_policies_do_not_make_up_for() {
    let (mut all, mut latest, mut skip) = (
        job(1, every(10), 60_000),
        job(2, every(10), 60_000),
        job(3, every(10), 60_000),
    );
    all.job.misfire = Misfire::All;
    latest.job.misfire = Misfire::Latest;
    skip.job.misfire = Misfire::Skip;
    let mut dark = plan(6, 1, vec![all, latest, skip]);
    // Between two slots.
    let from = START.plus_ms(2 * HOUR_MS + 5 * MINUTE_MS);
    dark.outage = Some((from, from.plus_ms(HOUR_MS)));
    let cost = simulate(&dark).outage.expect("there is one");
    assert_eq!((cost.slots, cost.fired_late, cost.skipped), (18, 7, 11));
    // One is taken at once; the other six wait a minute after another, and so do the next three.
    assert_eq!(cost.backlog_max, 6);
    let minutes = cost.recovered_after_ms.map(|ms| ms / MINUTE_MS);
    assert!(
        minutes.is_some_and(|minutes| (6..30).contains(&minutes)),
        "{minutes:?}"
    );
    let calm = simulate(&plan(6, 1, dark.jobs.clone()));
    let found = difference(&calm, &simulate(&dark));
    let skipped = found.0["skipped_misfire"];
    assert_eq!((skipped.before, skipped.after), (0.0, 11.0));
}

#[test]
fn only_what_differs_is_told() {
    let before = simulate(&plan(3, 8, vec![job(1, every(10), 1_000)]));
    assert_eq!(difference(&before, &before), Difference::default());
    let after = simulate(&plan(3, 8, vec![job(1, every(5), 1_000)]));
    let found = difference(&before, &after);
    let tasks = found.0["tasks"];
    assert_eq!((tasks.before, tasks.after), (18.0, 36.0));
    assert!(!found.0.contains_key("busy_max"));
}

#[test]
fn a_plan_of_many_jobs_is_played_through_in_time() {
    let jobs = (0..1_000).map(|number| job(number, every(10 + number as u64 % 50), 500));
    let forecast = simulate(&plan(24, 16, jobs.collect()));
    assert_eq!(forecast.tasks, forecast.tasks_per_hour.iter().sum::<u64>());
    assert!(forecast.tasks > 40_000, "{}", forecast.tasks);
}
