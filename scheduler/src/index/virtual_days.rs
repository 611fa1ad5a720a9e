//! Three days of many jobs by a clock that is made up, with outages, new leaders and changes.
//!
//! Invariant: what is decided is judged by whoever looks at every minute, and so is the ledger that
//! tells of it; no slot is lost, and none is decided twice.

use std::collections::BTreeMap;

use domain::{
    Aggregate as _, Name,
    job::{
        History, Job, JobCreated, JobDeleted, JobEvent, JobPaused, JobPolicy, JobResumed,
        JobUpdated, Ledger, Misfire, Overlap, SlotDecision, SlotOutcome, SlotReason,
        audit::{self, Facts, Found},
    },
    schedule::{DstGap, DstOverlap, Schedule as When},
};
use event_log::{Hash, Meta, StreamId, Version};
use projections::schedule::{CountedRuns, DueJob};
use schemas::catalogue::encode;
use uuid::Uuid;

use super::*;
use crate::{fire::Intent, timer::Timer};

const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
const HOUR_MS: i64 = 3_600_000;
const DAYS_MS: i64 = 72 * HOUR_MS;
/// In which environment variable `whole` asks for ten thousand jobs.
const HOW_MUCH: &str = "ALMANAC_ORACLE";
/// When nobody leads: from so long after the beginning on, and for how long. A new leader follows.
const OUTAGES: [(i64, i64); 4] = [
    (7 * HOUR_MS + 59_999, 4_000),
    (23 * HOUR_MS, 400_000),
    (25 * HOUR_MS + 1, 3 * HOUR_MS),
    (70 * HOUR_MS, 20_000),
];

/// Numbers that look drawn and are the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    fn chance(&mut self, one_of: u64) -> bool {
        self.below(one_of) == 0
    }
}

/// What really happens, and the leader who makes it happen.
struct World {
    draw: Draw,
    facts: BTreeMap<JobKey, Facts>,
    index: Index,
    states: BTreeMap<JobKey, (Job, u64)>,
    timer: Timer<Key>,
}

fn schedule(draw: &mut Draw, start: Timestamp) -> When {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "America/Nuuk",
        "America/Scoresbysund",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "America/New_York",
    ];
    let patterns = [
        "@daily",
        "@hourly",
        "*/15 * * * *",
        "30 1 * * *",
        "30 2 * * *",
        "0 0,1,2,3 * * *",
        "30 23 * * 6",
        "*/7 0-4 * * *",
        "15,45 */2 * * *",
        "0 3 L * *",
        "30 30 * * * *",
    ];
    match draw.below(10) {
        0 => When::Interval {
            every_ms: 10_000 + draw.below(600_000),
        },
        1 => When::Once {
            at: start.plus_ms(draw.below(DAYS_MS as u64) as i64),
        },
        2 if draw.chance(4) => When::cron("* * * * *", *draw.of(&zones)),
        _ => When::Cron {
            expression: (*draw.of(&patterns)).to_owned(),
            timezone: (*draw.of(&zones)).to_owned(),
            dst_gap: *draw.of(&[None, None, Some(DstGap::After), Some(DstGap::Skip)]),
            dst_overlap: *draw.of(&[
                None,
                Some(DstOverlap::Both),
                Some(DstOverlap::First),
                Some(DstOverlap::Second),
            ]),
        },
    }
}

fn created(draw: &mut Draw, start: Timestamp) -> JobCreated {
    let task = serde_json::json!({"kind": "echo"});
    let jitter_ms = draw.chance(5).then(|| 1 + draw.below(90_000));
    JobCreated {
        name: Name::try_new("job").expect("a name"),
        schedule: schedule(draw, start),
        task: serde_json::from_value(task).expect("a task"),
        overlap: *draw.of(&Overlap::ALL),
        misfire: *draw.of(&[Misfire::All, Misfire::Latest, Misfire::Skip]),
        enabled: !draw.chance(20),
        origin: None,
        policy: JobPolicy {
            ends_at: draw.chance(10).then(|| start.plus_ms(50 * HOUR_MS)),
            jitter_ms,
            max_runs: draw.chance(10).then(|| 1 + draw.below(40) as u32),
            misfire_max: draw.chance(6).then(|| 1 + draw.below(200) as u32),
            misfire_window_ms: draw.chance(6).then(|| 1 + draw.below(HOUR_MS as u64)),
            start_deadline_ms: draw.chance(6).then(|| 1 + draw.below(600_000)),
        },
    }
}

/// What people do to the jobs meanwhile, each thing at its time.
fn changes(
    draw: &mut Draw,
    start: Timestamp,
    jobs: &[JobKey],
) -> Vec<(Timestamp, JobKey, JobEvent)> {
    let mut changes = Vec::new();
    for job in jobs {
        let mut at = |hours: i64, event: JobEvent, draw: &mut Draw| {
            let at = start.plus_ms(hours * HOUR_MS + draw.below(HOUR_MS as u64) as i64);
            changes.push((at, *job, event));
        };
        match draw.below(8) {
            0 => {
                at(20, JobEvent::Paused(JobPaused { note: None }), draw);
                at(26, JobEvent::Resumed(JobResumed {}), draw);
            }
            1 => {
                let anew = JobUpdated {
                    schedule: Some(schedule(draw, start)),
                    ..JobUpdated::default()
                };
                at(26, JobEvent::Updated(anew), draw);
            }
            2 => at(60, JobEvent::Deleted(JobDeleted {}), draw),
            3 => {
                let renamed = JobUpdated {
                    name: Some(Name::try_new("another").expect("a name")),
                    ..JobUpdated::default()
                };
                at(30, JobEvent::Updated(renamed), draw);
            }
            _ => {}
        }
    }
    changes.sort_by_key(|(at, job, _)| (*at, *job));
    changes
}

impl World {
    fn new(draw: Draw) -> Self {
        let nothing = Schedule {
            jobs: vec![],
            operations: vec![],
            runs: vec![],
            tasks: vec![],
        };
        Self {
            draw,
            facts: BTreeMap::new(),
            index: Index::of_schedule(nothing, Position(0)),
            states: BTreeMap::new(),
            timer: Timer::default(),
        }
    }

    /// Notes what happened to a job, and lets the leader hear of it if there is one.
    fn happen(&mut self, at: Timestamp, job: JobKey, event: JobEvent, is_heard: bool) {
        let (before, version) = match self.states.remove(&job) {
            Some((state, version)) => (Some(state), version),
            None => (None, 0),
        };
        let after = Job::evolve(before, &event, at).expect("it lives");
        self.states.insert(job, (after, version + 1));
        let facts = self.facts.entry(job).or_default();
        facts.events.push((at, event.clone()));
        if !is_heard {
            return;
        }
        let commit = Commit {
            meta: Meta {
                actor: domain::Actor::System("test".into()),
                causation: None,
                command: domain::CommandId::new(job.1.uuid()),
                correlation: job.1.uuid(),
                fingerprint: None,
                hash: Hash::ZERO,
                previous: Hash::ZERO,
                time: at,
                traceparent: None,
                version: Version(version + 1),
            },
            payload: encode(&[event]),
            position: self.index.followed.next(),
            stream: StreamId {
                tenant: job.0,
                kind: AggregateKind::Job,
                id: job.1.uuid(),
            },
        };
        let effects = self.index.follow(&Entry::Commit(commit));
        self.bring_about(effects);
    }

    fn bring_about(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Wake(key, at) => self.timer.set(key, at),
                Effect::Rest(key) => self.timer.remove(&key),
                Effect::LoadJob(job) => {
                    let state = self.states[&job].0.clone();
                    let found = Some((state, self.index.followed));
                    let effects = self.index.jobs.loaded(job, found);
                    self.bring_about(effects);
                }
                other => panic!("there are no tasks: {other:?}"),
            }
        }
    }

    /// Somebody else leads, who knows what the read models tell.
    fn new_leader(&mut self) {
        let fired = |job: &JobKey| {
            let decisions = &self.facts[job].decisions;
            let runs = decisions.values().filter_map(|decision| match decision {
                SlotDecision::Fired { run, .. } => *run,
                SlotDecision::Skipped { .. } => None,
            });
            runs.max()
        };
        let active = self
            .states
            .iter()
            .filter(|(_, (job, _))| job.status == domain::job::JobStatus::Active);
        let schedule = Schedule {
            jobs: active
                .map(|(key, (job, _))| DueJob {
                    tenant: key.0,
                    id: key.1,
                    job: job.clone(),
                    last_slot: self.facts[key].decisions.keys().next_back().copied(),
                })
                .collect(),
            operations: vec![],
            runs: self
                .states
                .keys()
                .filter_map(|key| {
                    Some(CountedRuns {
                        tenant: key.0,
                        id: key.1,
                        runs: fired(key)?,
                    })
                })
                .collect(),
            tasks: vec![],
        };
        self.index = Index::of_schedule(schedule, self.index.followed);
        self.timer = Timer::default();
        let effects = self.index.all_effects();
        self.bring_about(effects);
    }

    /// Does what the leader does once something is due.
    fn look_at_the_clock(&mut self, now: Timestamp) {
        while let Some(key) = self.timer.pop_due(now) {
            let Key::Job(job) = key else {
                panic!("there are no tasks");
            };
            let Some(watched) = self.index.jobs.get_mut(job) else {
                continue;
            };
            watched.owed = watched.plan(job, now, 100);
            self.decide(job, now);
            let effects = self.index.jobs.wait(job).into_iter().collect();
            self.bring_about(effects);
        }
    }

    fn decide(&mut self, job: JobKey, now: Timestamp) {
        loop {
            let living = living(&mut self.draw);
            let Some(watched) = self.index.jobs.get_mut(job) else {
                return;
            };
            let Some((slot, intent)) = watched.intent(job, now, living) else {
                watched.owed.clear();
                return;
            };
            watched.owed.pop_front();
            let (decision, run) = match intent {
                Intent::GiveUp(run) => {
                    let rest = std::mem::take(&mut watched.owed);
                    self.happen(now, job, JobEvent::SlotsSkipped(run), true);
                    self.index.jobs.get_mut(job).expect("active").owed = rest;
                    continue;
                }
                Intent::Create(created) => {
                    let run = created.origin.and_then(|origin| origin.run);
                    (SlotDecision::Fired { at: now, run }, run)
                }
                Intent::Skip(reason) => (SlotDecision::Skipped { at: now, reason }, None),
            };
            let facts = self.facts.entry(job).or_default();
            let before = facts.decisions.insert(slot, decision);
            assert_eq!(before, None, "a slot is decided twice");
            self.index.jobs.decided(Decided { job, run, slot });
        }
    }

    fn live(&mut self, start: Timestamp, changes: &[(Timestamp, JobKey, JobEvent)]) {
        let end = start.plus_ms(DAYS_MS);
        let mut changes = changes.iter().peekable();
        let mut outages = OUTAGES
            .map(|(from, ms)| (start.plus_ms(from), start.plus_ms(from + ms)))
            .into_iter()
            .peekable();
        loop {
            let next = self.timer.next().unwrap_or(end).min(end);
            let change = changes.peek().map_or(end, |(at, _, _)| *at);
            let outage = outages.peek().map_or(end, |(from, _)| *from);
            let first = next.min(change).min(outage);
            if first >= end {
                return self.look_at_the_clock(end);
            }
            if first == outage {
                let (_, until) = outages.next().expect("there is one");
                while let Some((at, job, event)) = changes.next_if(|(at, _, _)| *at < until) {
                    self.happen(*at, *job, event.clone(), false);
                }
                self.new_leader();
                self.look_at_the_clock(until);
            } else if first == change {
                let (at, job, event) = changes.next().expect("there is one");
                self.happen(*at, *job, event.clone(), true);
            } else {
                // Nobody is there to the millisecond.
                let late_ms = self.draw.below(40) as i64;
                let now = first.plus_ms(late_ms).min(change).min(outage).min(end);
                self.look_at_the_clock(now);
            }
        }
    }
}

/// What lives of a job's tasks: mostly nothing, and now and then more than a task can wait for.
fn living(draw: &mut Draw) -> Living {
    let many = [0, 0, 0, 0, 0, 0, 0, 1, 2, 101];
    let many = *draw.of(&many);
    Living {
        one_waits: many > 1,
        tasks: (0..many).map(|n| TaskId::new(Uuid::from_u128(n))).collect(),
    }
}

/// What the ledger says of a job.
fn ledger(
    job: JobKey,
    facts: &Facts,
    after: Timestamp,
    until: Timestamp,
) -> BTreeMap<Timestamp, Found> {
    let history = History::of(facts.events.iter().cloned());
    let limits = history.limits();
    let runs = facts
        .decisions
        .iter()
        .filter_map(|(slot, decision)| match decision {
            SlotDecision::Fired { run: Some(run), .. } if limits.contains(run) => {
                Some((*run, *slot))
            }
            _ => None,
        });
    let runs: Vec<_> = runs.collect();
    let ledger = Ledger {
        decisions: &facts.decisions,
        history: &history,
        job: job.1,
        runs: &runs,
    };
    let slots = history.slots(after, until, usize::MAX);
    let found = ledger.of(&slots).into_iter().map(|slot| {
        let found = match slot.outcome {
            SlotOutcome::Fired { .. } => Found::Fired,
            SlotOutcome::Open => Found::Open,
            SlotOutcome::Skipped { reason, .. } => Found::Skipped(reason),
        };
        (slot.slot, found)
    });
    found.collect()
}

fn three_days(from: &str) {
    let whole = std::env::var(HOW_MUCH).is_ok_and(|how| how == "whole");
    let count = if whole { 10_000 } else { 400 };
    let start: Timestamp = from.parse().expect("an instant");
    let until = start.plus_ms(DAYS_MS);
    let mut world = World::new(Draw(start.unix_ms() as u64));
    let jobs: Vec<JobKey> = (0..count)
        .map(|number| (TENANT, JobId::new(Uuid::from_u128(number + 1))))
        .collect();
    for job in &jobs {
        let event = JobEvent::Created(created(&mut world.draw, start));
        world.happen(start, *job, event, true);
    }
    let changes = changes(&mut world.draw, start, &jobs);
    world.live(start, &changes);
    let (mut owed, mut fired) = (0, 0);
    let mut skipped: BTreeMap<SlotReason, u64> = BTreeMap::new();
    for (job, facts) in &world.facts {
        let period = audit::Period {
            after: start,
            patience_ms: 100_000,
            until,
        };
        let found = audit::audit(job.1, facts, period).expect("scanned");
        assert_eq!(found.violations, [], "{job:?}: {:?}", facts.events);
        assert_eq!(ledger(*job, facts, start, until), found.found, "{job:?}");
        owed += found.owed;
        fired += found.fired;
        for (reason, count) in found.skipped {
            *skipped.entry(reason).or_default() += count;
        }
    }
    println!("{owed} slots of {count} jobs: {fired} fired, {skipped:?}");
    assert!(
        owed > 20_000 && fired > owed / 3,
        "{owed} owed, {fired} fired"
    );
    assert_eq!(skipped.len(), 6, "{skipped:?}");
}

#[test]
fn no_slot_is_lost_or_doubled_while_clocks_are_put_forward() {
    three_days("2027-03-27T00:00:00Z");
}

#[test]
fn no_slot_is_lost_or_doubled_while_clocks_are_put_back() {
    three_days("2027-10-30T00:00:00Z");
}
