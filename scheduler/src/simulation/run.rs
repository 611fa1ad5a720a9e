//! Plays a plan through, event by event.
//!
//! Invariant: time only goes forward, and whatever is due at one instant is taken in the order in
//! which it was planned; so the same plan gives the same forecast.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::Duration,
};

use domain::{
    Timestamp,
    job::{JobStatus, Meeting},
    schedule::Calendar,
};

use super::{Forecast, ODD_MAX, OddSlot, OutageCost, Plan, PlannedJob, Waits, class_name};
use crate::{
    misfire::{Rules, Verdict},
    worker::fairness::{CLASSES, Fairness},
};

const HOUR_MS: i64 = 3_600_000;

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    /// An attempt of the job ends, unless its tasks were stopped more than so often.
    Ended(usize, u32),
    /// A slot of the job falls due.
    Due(usize),
}

/// A job under way.
struct Playing<'a> {
    /// How many tasks wait for those before them.
    behind: u32,
    calendar: Calendar,
    decided: Timestamp,
    /// When those attempts end that are under way.
    ends: Vec<Timestamp>,
    /// How many tasks are let go and have not ended.
    open: u32,
    planned: &'a PlannedJob,
    runs: u32,
    /// How often its tasks were stopped.
    stops: u32,
}

struct Run<'a> {
    busy: u32,
    busy_ms: u64,
    events: BinaryHeap<Reverse<(Timestamp, u64, Event)>>,
    fairness: Fairness,
    forecast: Forecast,
    jobs: Vec<Playing<'a>>,
    number: u64,
    plan: &'a Plan,
    queues: [VecDeque<(Timestamp, usize)>; CLASSES],
    waits: [BTreeMap<u64, u64>; CLASSES],
}

/// What `plan` leads to. Jobs that are paused or cannot be followed do nothing.
pub fn simulate(plan: &Plan) -> Forecast {
    let active = plan
        .jobs
        .iter()
        .filter(|p| p.job.status == JobStatus::Active);
    let jobs = active.filter_map(|planned| {
        Some(Playing {
            behind: 0,
            calendar: Calendar::try_new(&planned.job.schedule).ok()?,
            decided: plan.from,
            ends: Vec::new(),
            open: 0,
            planned,
            runs: planned.runs,
            stops: 0,
        })
    });
    let hours = plan.until.since_ms(plan.from).max(0) / HOUR_MS;
    let mut run = Run {
        busy: 0,
        busy_ms: 0,
        events: BinaryHeap::new(),
        fairness: Fairness::default(),
        forecast: Forecast {
            tasks_per_hour: vec![0; hours as usize + 1],
            outage: plan.outage.map(|_| OutageCost::default()),
            ..Forecast::default()
        },
        jobs: jobs.collect(),
        number: 0,
        plan,
        queues: Default::default(),
        waits: Default::default(),
    };
    for job in 0..run.jobs.len() {
        run.wait(job);
    }
    run.play();
    run.conclude()
}

impl Run<'_> {
    fn play(&mut self) {
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            match event {
                Event::Due(job) => self.due(job, now),
                Event::Ended(job, stops) => self.ended(job, stops, now),
            }
            let more_now = self
                .events
                .peek()
                .is_some_and(|Reverse((at, _, _))| *at == now);
            if !more_now {
                self.serve(now);
            }
        }
    }

    /// Takes in that an attempt has ended, and lets the next go that waits for that.
    fn ended(&mut self, job: usize, stops: u32, now: Timestamp) {
        let playing = &mut self.jobs[job];
        if playing.stops != stops {
            return;
        }
        self.busy -= 1;
        playing.open -= 1;
        if let Some(at) = playing.ends.iter().position(|end| *end == now) {
            playing.ends.swap_remove(at);
        }
        if playing.open == 0 && playing.behind > 0 {
            playing.behind -= 1;
            self.let_go(job, now);
        }
    }

    /// Lets a task of the job wait for a worker.
    fn let_go(&mut self, job: usize, now: Timestamp) {
        let playing = &mut self.jobs[job];
        playing.open += 1;
        let class = playing.planned.job.task.priority as usize;
        self.queues[class].push_back((now, job));
    }

    /// Stops all that lives of the job; each is taken to stop at once.
    fn stop(&mut self, job: usize, now: Timestamp) {
        let playing = &mut self.jobs[job];
        let stopped = playing.open + playing.behind;
        (playing.open, playing.behind) = (0, 0);
        playing.stops += 1;
        for end in playing.ends.drain(..) {
            self.busy -= 1;
            self.busy_ms -= end.since_ms(now).max(0) as u64;
        }
        for queue in &mut self.queues {
            queue.retain(|(_, of)| *of != job);
        }
        let count = self.forecast.stopped.entry(playing.planned.id).or_default();
        *count += u64::from(stopped);
    }

    fn later(&mut self, at: Timestamp, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number, event)));
    }

    /// Has the job come due at its next slot, if there is one in time.
    fn wait(&mut self, job: usize) {
        let playing = &self.jobs[job];
        let policy = &playing.planned.job.policy;
        let Some(slot) = playing.calendar.next_after(playing.decided) else {
            return;
        };
        let has_run_out = policy.max_runs.is_some_and(|max| playing.runs >= max);
        if has_run_out || policy.has_ended(slot) || slot > self.plan.until {
            return;
        }
        let at = policy.due_at(playing.planned.id, slot);
        // What falls due while nothing fires is found once it does again.
        let at = match self.plan.outage {
            Some((from, until)) if at >= from && at < until => until,
            _ => at,
        };
        self.later(at.min(self.plan.until), Event::Due(job));
    }

    fn due(&mut self, job: usize, now: Timestamp) {
        let playing = &self.jobs[job];
        let rules = Rules {
            calendar: &playing.calendar,
            job: playing.planned.id,
            late_max: self.plan.late_max,
            misfire: playing.planned.job.misfire,
            policy: playing.planned.job.policy,
        };
        let owed = rules.owed(playing.decided, now);
        if owed.is_empty() {
            return;
        }
        for (slot, verdict) in owed {
            self.decide(job, slot, verdict, now);
        }
        self.wait(job);
    }

    fn decide(&mut self, job: usize, slot: Timestamp, verdict: Verdict, now: Timestamp) {
        let playing = &mut self.jobs[job];
        playing.decided = slot;
        let wanted = &playing.planned.job;
        if wanted
            .policy
            .max_runs
            .is_some_and(|max| playing.runs >= max)
        {
            return;
        }
        let late_ms = now.since_ms(wanted.policy.due_at(playing.planned.id, slot));
        let deadline_ms = wanted.policy.start_deadline_ms;
        let living = (playing.open + playing.behind) as usize;
        let meeting = wanted.overlap.meeting(living, playing.behind > 0);
        let (reason, slots) = match verdict {
            Verdict::GiveUp(run) => (Some("misfire"), run.count.unwrap_or(u64::from(u32::MAX))),
            Verdict::Skip => (Some("misfire"), 1),
            Verdict::Fire if deadline_ms.is_some_and(|most| late_ms > most as i64) => {
                (Some("deadline"), 1)
            }
            Verdict::Fire if meeting == Meeting::Skipped => {
                *self
                    .forecast
                    .overlaps
                    .entry(playing.planned.id)
                    .or_default() += 1;
                (Some("overlap"), 1)
            }
            Verdict::Fire => (None, 1),
        };
        let is_made_up = self.plan.outage.is_some_and(|(_, until)| now == until) && slot < now;
        if let Some(cost) = self.forecast.outage.as_mut().filter(|_| is_made_up) {
            cost.slots += slots;
            match reason {
                None => cost.fired_late += slots,
                Some(_) => cost.skipped += slots,
            }
        }
        if let Some(reason) = reason {
            *self.forecast.skipped.entry(reason).or_default() += slots;
        } else {
            self.fire(job, slot, now);
            self.meet(job, meeting, now);
        }
    }

    /// Has a new task of the job get on with those that live.
    fn meet(&mut self, job: usize, meeting: Meeting, now: Timestamp) {
        match meeting {
            Meeting::Behind => {
                let playing = &mut self.jobs[job];
                playing.behind += 1;
                let count = self.forecast.queued.entry(playing.planned.id).or_default();
                *count += 1;
            }
            Meeting::InPlaceOf(_) => {
                self.stop(job, now);
                self.let_go(job, now);
            }
            Meeting::Beside | Meeting::Skipped => self.let_go(job, now),
        }
    }

    fn fire(&mut self, job: usize, slot: Timestamp, now: Timestamp) {
        let playing = &mut self.jobs[job];
        playing.runs = playing.runs.saturating_add(1);
        if let Some(oddity) = playing.calendar.oddity(slot) {
            self.forecast.odd_total += 1;
            if self.forecast.odd.len() < ODD_MAX {
                self.forecast.odd.push(OddSlot {
                    job: playing.planned.id,
                    name: playing.planned.job.name.to_string(),
                    slot,
                    local: playing.calendar.local(slot),
                    oddity,
                });
            }
        }
        let hour = now.since_ms(self.plan.from).max(0) / HOUR_MS;
        if let Some(tasks) = self.forecast.tasks_per_hour.get_mut(hour as usize) {
            *tasks += 1;
        }
        self.forecast.tasks += 1;
    }

    /// Lets free workers take what waits.
    fn serve(&mut self, now: Timestamp) {
        while self.busy < self.plan.workers {
            let first = [0, 1, 2, 3].map(|class: usize| self.queues[class].front());
            let waited = first.map(|first| {
                let (since, _) = first?;
                Some(Duration::from_millis(now.since_ms(*since).max(0) as u64))
            });
            let Some(class) = self.fairness.pick(waited) else {
                break;
            };
            let Some((since, job)) = self.queues[class].pop_front() else {
                break;
            };
            let waited_ms = now.since_ms(since).max(0) as u64;
            *self.waits[class].entry(waited_ms).or_default() += 1;
            self.busy += 1;
            self.forecast.busy_max = self.forecast.busy_max.max(self.busy);
            let took_ms = self.jobs[job].planned.duration_ms;
            self.busy_ms += took_ms;
            let end = now.plus_ms(took_ms as i64);
            self.jobs[job].ends.push(end);
            self.later(end, Event::Ended(job, self.jobs[job].stops));
        }
        let waiting = self.queues.iter().map(VecDeque::len).sum::<usize>() as u64;
        let end = self.plan.outage.map(|(_, until)| until);
        let (Some(cost), Some(end)) = (self.forecast.outage.as_mut(), end) else {
            return;
        };
        if now >= end && cost.recovered_after_ms.is_none() {
            cost.backlog_max = cost.backlog_max.max(waiting);
            if waiting == 0 {
                cost.recovered_after_ms = Some(now.since_ms(end));
            }
        }
    }

    fn conclude(mut self) -> Forecast {
        for (class, waits) in self.waits.iter().enumerate() {
            if let Some(waits) = summary(waits) {
                self.forecast.waits.insert(class_name(class), waits);
            }
        }
        let whole_ms = self.plan.until.since_ms(self.plan.from).max(1) as f64;
        self.forecast.utilisation =
            self.busy_ms as f64 / (whole_ms * f64::from(self.plan.workers.max(1)));
        self.forecast
    }
}

fn summary(waits: &BTreeMap<u64, u64>) -> Option<Waits> {
    let tasks: u64 = waits.values().sum();
    let (max_ms, _) = waits.last_key_value()?;
    let nth = |share: f64| {
        let wanted = (tasks as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = waits.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        found.map_or(*max_ms, |(ms, _)| *ms)
    };
    Some(Waits {
        tasks,
        p50_ms: nth(0.5),
        p99_ms: nth(0.99),
        max_ms: *max_ms,
    })
}
