//! Which of the attempts that could be made are put on the work queue.
//!
//! Each takes up room in two limits: that of its kind, and that of its tenant. Those that find none
//! wait here; their tasks stay `queued`. Nothing of it is stored: what runs and what waits a leader
//! finds again from the tasks that are open.
//!
//! Invariant: none waits while there is room for it, whatever waits before it for other room; of
//! those that wait for the same room the most urgent goes first, and of equals the one that has
//! waited longest. Critical ones go before all others; of the others none waits for ever, since
//! what it has waited counts against what is more urgent.

mod gauge;

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{TaskId, TenantId, Timestamp, task::Priority};
use event_log::WorkItem;
use runtime::{WorkLimit, WorkLimits};

use crate::index::TaskKey;
use gauge::{Gauge, Wait};

/// How much longer than a high one a task must have waited to go before it, by priority, in
/// milliseconds.
const HANDICAP_MS: [i64; Priority::ALL.len()] = [0, 0, 60_000, 180_000];

/// An attempt that could be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The attempt.
    pub item: WorkItem,
    /// The kind of its task.
    pub kind: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Since when it could be made.
    pub since: Timestamp,
}

/// The attempts that take up room, and those that wait for some.
#[derive(Debug)]
pub struct Admission {
    admitted: HashMap<TaskKey, String>,
    kinds: HashMap<String, Gauge>,
    limits: WorkLimits,
    /// What tenants have set; none until it was loaded.
    set: HashMap<TenantId, Option<WorkLimit>>,
    tenants: HashMap<TenantId, Gauge>,
    /// Tenants whose limits are to be loaded.
    unknown: HashSet<TenantId>,
    waiting: HashMap<Room, BTreeMap<Rank, Offer>>,
    waits: HashMap<TaskKey, (Room, Rank)>,
}

/// Where attempts find room together or not at all.
type Room = (TenantId, String);

/// Who goes first: critical ones, then those that have waited longest by their handicap.
type Rank = (bool, i64, TaskId);

impl Admission {
    /// Nothing runs and nothing waits.
    pub fn new(limits: WorkLimits) -> Self {
        Self {
            admitted: HashMap::new(),
            kinds: HashMap::new(),
            limits,
            set: HashMap::new(),
            tenants: HashMap::new(),
            unknown: HashSet::new(),
            waiting: HashMap::new(),
            waits: HashMap::new(),
        }
    }

    /// Takes in an attempt that could be made. One that has room keeps it and is given back at
    /// once, since whoever offers it again fears that it was lost.
    pub fn offer(&mut self, offer: Offer) -> Option<Offer> {
        let key = (offer.item.tenant, offer.item.task);
        if self.admitted.contains_key(&key) {
            return Some(offer);
        }
        self.forget(key);
        if let std::collections::hash_map::Entry::Vacant(vacant) = self.set.entry(key.0) {
            vacant.insert(None);
            self.unknown.insert(key.0);
        }
        let room = (key.0, offer.kind.clone());
        let rank = rank(&offer);
        self.waits.insert(key, (room.clone(), rank));
        self.waiting.entry(room).or_default().insert(rank, offer);
        None
    }

    /// Notes that an attempt of the task runs, wherever it found its room.
    pub fn occupy(&mut self, key: TaskKey, kind: &str) {
        self.forget(key);
        if self.admitted.contains_key(&key) {
            return;
        }
        // What runs has begun long ago: it takes up room, and nothing of the rate.
        let none = WorkLimit::default();
        let now = Timestamp::from_unix_ms(0);
        self.kind(kind).begin(none, now);
        self.tenants.entry(key.0).or_default().begin(none, now);
        self.admitted.insert(key, kind.to_owned());
    }

    /// Notes that no attempt of the task runs or could be made.
    pub fn leave(&mut self, key: TaskKey) {
        self.forget(key);
        let Some(kind) = self.admitted.remove(&key) else {
            return;
        };
        if let Some(gauge) = self.kinds.get_mut(&kind) {
            gauge.end();
        }
        if let Some(gauge) = self.tenants.get_mut(&key.0) {
            gauge.end();
        }
    }

    /// What `tenant` has set for itself.
    pub fn set(&mut self, tenant: TenantId, limit: WorkLimit) {
        self.unknown.remove(&tenant);
        self.set.insert(tenant, Some(limit));
    }

    /// The tenants whose limits must be loaded before anything of theirs goes on; told once.
    pub fn take_unknown(&mut self) -> HashSet<TenantId> {
        std::mem::take(&mut self.unknown)
    }

    /// The attempts that find room by `now`, in the order in which they go.
    pub fn admit(&mut self, now: Timestamp) -> Vec<Offer> {
        let mut admitted = Vec::new();
        let mut closed = HashSet::new();
        while let Some((room, rank)) = self.next(&mut closed, now) {
            let Some(queue) = self.waiting.get_mut(&room) else {
                break;
            };
            let Some(offer) = queue.remove(&rank) else {
                break;
            };
            if queue.is_empty() {
                self.waiting.remove(&room);
            }
            let key = (offer.item.tenant, offer.item.task);
            self.waits.remove(&key);
            let (of_kind, of_tenant) = self.limits_of(&room);
            self.kind(&room.1).begin(of_kind, now);
            let gauge = self.tenants.entry(room.0).or_default();
            gauge.begin(of_tenant, now);
            self.admitted.insert(key, room.1);
            admitted.push(offer);
        }
        admitted
    }

    /// When something that waits for nothing but the clock finds room, at the latest.
    pub fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = self
            .waiting
            .keys()
            .filter_map(|room| match self.wait(room, now)? {
                Wait::Until(at) => Some(at),
                Wait::Room => None,
            });
        waits.min()
    }

    /// The most urgent attempt for which there is room; rooms that are full are `closed`, since
    /// admitting others makes no room in them.
    fn next(&self, closed: &mut HashSet<Room>, now: Timestamp) -> Option<(Room, Rank)> {
        let mut first: Option<(&Room, Rank)> = None;
        for (room, queue) in &self.waiting {
            if closed.contains(room) {
                continue;
            }
            if self.wait(room, now).is_some() {
                closed.insert(room.clone());
                continue;
            }
            let Some(rank) = queue.keys().next() else {
                continue;
            };
            if first.as_ref().is_none_or(|(_, best)| rank < best) {
                first = Some((room, *rank));
            }
        }
        first.map(|(room, rank)| (room.clone(), rank))
    }

    /// Why what waits for `room` has to, if it has to.
    fn wait(&self, room: &Room, now: Timestamp) -> Option<Wait> {
        if !matches!(self.set.get(&room.0), Some(Some(_))) {
            return Some(Wait::Room);
        }
        let (of_kind, of_tenant) = self.limits_of(room);
        let gauge = |found: Option<&Gauge>| found.copied().unwrap_or_default();
        let kind = gauge(self.kinds.get(&room.1)).wait(of_kind, now);
        let tenant = gauge(self.tenants.get(&room.0)).wait(of_tenant, now);
        match (kind, tenant) {
            (Some(Wait::Until(one)), Some(Wait::Until(other))) => Some(Wait::Until(one.max(other))),
            (Some(Wait::Room), _) | (_, Some(Wait::Room)) => Some(Wait::Room),
            (one, other) => one.or(other),
        }
    }

    fn limits_of(&self, room: &Room) -> (WorkLimit, WorkLimit) {
        let of_kind = self.limits.kinds.get(&room.1).copied();
        let set = self.set.get(&room.0).copied().flatten();
        let of_tenant = self.limits.per_tenant.and(set.unwrap_or_default());
        (of_kind.unwrap_or_default(), of_tenant)
    }

    fn kind(&mut self, kind: &str) -> &mut Gauge {
        self.kinds.entry(kind.to_owned()).or_default()
    }

    /// Takes the attempt from those that wait.
    fn forget(&mut self, key: TaskKey) {
        let Some((room, rank)) = self.waits.remove(&key) else {
            return;
        };
        if let Some(queue) = self.waiting.get_mut(&room) {
            queue.remove(&rank);
            if queue.is_empty() {
                self.waiting.remove(&room);
            }
        }
    }
}

fn rank(offer: &Offer) -> Rank {
    let handicap_ms = HANDICAP_MS[offer.priority as usize];
    (
        offer.priority != Priority::Critical,
        offer.since.plus_ms(handicap_ms).unix_ms(),
        offer.item.task,
    )
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
