//! `almanac jobs simulate`
//!
//! Invariant: nothing is changed; a change that a job would refuse is refused here as well.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow, bail};
use domain::{
    Actor, Aggregate as _, CommandId, Context, JobId, Name, TenantId, Timestamp,
    job::{Job, JobCommand, JobUpdated},
};
use projections::{Overview, plans};
use scheduler::simulation::{Difference, Forecast, Plan, PlannedJob, difference, simulate};
use schemas::api::PatchJob;
use serde::{Deserialize, Serialize};

use crate::cli::SimulateJobs;

/// How long a task takes of which none has succeeded yet.
const DURATION_MS: u64 = 1_000;
const DAY_MS: i64 = 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// What to change first.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// Jobs to patch, or to remove.
    #[serde(default)]
    jobs: BTreeMap<JobId, Option<JobChange>>,
    /// How many attempts are made at a time.
    workers: Option<u32>,
}

/// A job as it would be.
#[derive(Debug, Deserialize)]
struct JobChange {
    /// Whether it fires.
    enabled: Option<bool>,
    #[serde(flatten)]
    patch: serde_json::Map<String, serde_json::Value>,
}

/// What is printed for programs.
#[derive(Serialize)]
struct Answer<'a> {
    from: Timestamp,
    until: Timestamp,
    as_is: &'a Forecast,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<&'a Forecast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'a Difference>,
}

pub(super) async fn run(asked: SimulateJobs) -> Result<ExitCode> {
    let wanted = asked.change.as_deref().map(read).transpose()?;
    let (_, postgres) = asked.place.servers()?;
    let overview = Overview::of_everything(&postgres).await?;
    let known = plans::load(&overview).await?.value;
    let from = asked.from.unwrap_or(runtime::Clock::system().now());
    let until = from.plus_ms(i64::from(asked.days) * DAY_MS);
    let outage_ms = i64::from(asked.outage_hours) * HOUR_MS;
    let middle = from.plus_ms(until.since_ms(from) / 2);
    let plan = Plan {
        jobs: known
            .into_iter()
            .map(|known| PlannedJob {
                duration_ms: known.duration_ms.unwrap_or(DURATION_MS),
                id: known.id,
                job: known.job,
                runs: known.runs,
            })
            .collect(),
        from,
        late_max: runtime::Scheduler::default().catch_up_max,
        outage: (outage_ms > 0).then(|| (middle, middle.plus_ms(outage_ms))),
        until,
        workers: asked.workers,
    };
    let other = wanted.map(|wanted| wanted.apply(&plan)).transpose()?;
    let as_is = simulate(&plan);
    let changed = other.as_ref().map(simulate);
    let made = changed.as_ref().map(|changed| difference(&as_is, changed));
    let answer = Answer {
        from,
        until,
        as_is: &as_is,
        changed: changed.as_ref(),
        difference: made.as_ref(),
    };
    if stdout().is_terminal() {
        print(&plan, &answer);
    } else {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Changes> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("{} cannot be read", file.display()))?;
    let read = serde_json::from_str(&text);
    read.with_context(|| format!("{} is no change", file.display()))
}

impl Changes {
    fn apply(self, plan: &Plan) -> Result<Plan> {
        let mut changed = plan.clone();
        changed.workers = self.workers.unwrap_or(plan.workers);
        if changed.workers == 0 {
            bail!("workers lies between 1 and 100000");
        }
        for (id, change) in self.jobs {
            let place = changed.jobs.iter().position(|planned| planned.id == id);
            let place = place.ok_or_else(|| anyhow!("there is no job {id}"))?;
            let Some(change) = change else {
                changed.jobs.remove(place);
                continue;
            };
            let planned = &mut changed.jobs[place];
            planned.job = change.of(id, &planned.job, plan.from)?;
        }
        Ok(changed)
    }
}

impl JobChange {
    /// The job as it would be after the change.
    fn of(self, id: JobId, job: &Job, now: Timestamp) -> Result<Job> {
        let patch: PatchJob = serde_json::from_value(self.patch.into())
            .with_context(|| format!("job {id} cannot be changed so"))?;
        let name = patch.name.as_deref().map(Name::try_new).transpose();
        let update = JobCommand::Update(JobUpdated {
            name: name.with_context(|| format!("job {id}"))?,
            schedule: patch.schedule,
            task: patch.task,
            overlap: patch.overlap,
            misfire: patch.misfire,
            policy: patch.policy,
            origin: None,
        });
        let switch = self.enabled.map(|enabled| {
            let note = None;
            if enabled {
                JobCommand::Resume
            } else {
                JobCommand::Pause { note }
            }
        });
        let context = Context {
            actor: Actor::System("simulation".to_owned()),
            command: CommandId::new(id.uuid()),
            id: id.uuid(),
            now,
            tenant: TenantId::MAIN,
        };
        let mut state = Some(job.clone());
        for command in [Some(update), switch].into_iter().flatten() {
            let events = Job::decide(state.as_ref(), &command, &context);
            let events = events.with_context(|| format!("job {id}"))?;
            state = events
                .iter()
                .fold(state, |state, e| Job::evolve(state, e, now));
        }
        state.ok_or_else(|| anyhow!("there is no job {id}"))
    }
}

fn print(plan: &Plan, answer: &Answer<'_>) {
    let forecast = answer.as_is;
    println!(
        "{} jobs from {} to {}: {} tasks, {} at once at most, workers busy {:.1} %",
        plan.jobs.len(),
        answer.from,
        answer.until,
        forecast.tasks,
        forecast.busy_max,
        forecast.utilisation * 100.0
    );
    let busiest = forecast
        .tasks_per_hour
        .iter()
        .enumerate()
        .max_by_key(|(_, tasks)| **tasks);
    if let Some((hour, tasks)) = busiest {
        let hour = plan.from.plus_ms(hour as i64 * HOUR_MS);
        println!("  the busiest hour begins at {hour}: {tasks} tasks");
    }
    for (priority, waits) in &forecast.waits {
        println!(
            "  {priority}: {} tasks wait p50 {} ms, p99 {} ms, max {} ms",
            waits.tasks, waits.p50_ms, waits.p99_ms, waits.max_ms
        );
    }
    for (reason, count) in &forecast.skipped {
        println!("  {count} slots skipped: {reason}");
    }
    for (counts, what) in [
        (
            &forecast.queued,
            "tasks wait for those of their job before them",
        ),
        (
            &forecast.stopped,
            "tasks are stopped for the next slot of their job",
        ),
    ] {
        let count: u64 = counts.values().sum();
        if count > 0 {
            println!("  {count} {what}");
        }
    }
    for odd in &forecast.odd {
        let local = odd.local.as_deref().unwrap_or_default();
        println!(
            "  odd: {} {} ({local}, {:?})",
            odd.name, odd.slot, odd.oddity
        );
    }
    if let Some(cost) = &forecast.outage {
        let recovered = cost
            .recovered_after_ms
            .map_or("never".to_owned(), |ms| format!("after {} s", ms / 1_000));
        println!(
            "  the outage: {} slots, {} made up for, {} skipped, {} tasks wait at most, recovered \
             {recovered}",
            cost.slots, cost.fired_late, cost.skipped, cost.backlog_max
        );
    }
    for (name, change) in answer.difference.iter().flat_map(|found| &found.0) {
        println!("  changed: {name} {} → {}", change.before, change.after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::job::{JobEvent, JobStatus};
    use serde_json::json;
    use uuid::Uuid;

    const JOB: JobId = JobId::new(Uuid::from_u128(7));
    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

    fn plan() -> Plan {
        let created = json!({"name": "n", "task": {"kind": "echo"}, "overlap": "allow",
            "misfire": "latest", "enabled": true,
            "schedule": {"type": "interval", "every_ms": 60_000}});
        let created = serde_json::from_value(created).expect("a job");
        Plan {
            jobs: vec![PlannedJob {
                duration_ms: 1,
                id: JOB,
                job: Job::evolve(None, &JobEvent::Created(created), NOW).expect("a job"),
                runs: 0,
            }],
            from: NOW,
            late_max: 100,
            outage: None,
            until: NOW.plus_ms(DAY_MS),
            workers: 8,
        }
    }

    fn changed(change: serde_json::Value) -> Result<Plan> {
        let changes: Changes = serde_json::from_value(change)?;
        changes.apply(&plan())
    }

    #[test]
    fn jobs_are_patched_paused_and_removed() {
        let id = JOB.to_string();
        let patched = changed(json!({"workers": 2, "jobs": {&id: {"overlap": "skip",
            "schedule": {"type": "interval", "every_ms": 1_000}}}}));
        let patched = patched.expect("changed");
        assert_eq!(patched.workers, 2);
        let schedule = &patched.jobs[0].job.schedule;
        assert_eq!(
            serde_json::to_value(schedule).expect("json")["every_ms"],
            1_000
        );
        let paused = changed(json!({"jobs": {&id: {"enabled": false}}})).expect("changed");
        assert_eq!(paused.jobs[0].job.status, JobStatus::Paused);
        let removed = changed(json!({"jobs": {&id: null}})).expect("changed");
        assert!(removed.jobs.is_empty());
    }

    #[test]
    fn what_a_job_would_refuse_is_refused() {
        let id = JOB.to_string();
        let other = Uuid::from_u128(8).to_string();
        for (change, told) in [
            (json!({"jobs": {&id: {"colour": "red"}}}), "colour"),
            (json!({"jobs": {&id: {"name": ""}}}), "job"),
            (
                json!({"jobs": {&id: {"policy": {"max_runs": 0}}}}),
                "max_runs",
            ),
            (json!({"jobs": {&other: {}}}), "there is no job"),
            (json!({"workers": 0}), "workers"),
            (json!({"worker": 1}), "worker"),
        ] {
            let refused = changed(change).expect_err("refused");
            let words = format!("{refused:#}");
            assert!(words.contains(told), "{words}");
        }
    }
}
