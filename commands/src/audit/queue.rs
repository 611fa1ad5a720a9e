//! What waits to be written.
//!
//! The first refusal of a kind from a source is taken in at once; more of the same within 10 s are
//! one record with their number. Of kinds and sources only so many are told apart at a time: beyond
//! that refusals are counted by tenant and code alone.
//!
//! Invariant: it never holds more than so much, and every record that was pushed is in one that is
//! taken: as it is, or in a count.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
};

use domain::{TenantId, Timestamp};
use runtime::Ids;
use schemas::api::{AuditCredential, AuditEntry, AuditResult};

use super::Observed;

/// The most records that wait: some megabytes.
const WAITING_MAX: usize = 10_000;
/// The most while the newest is a refusal; the rest is for what changes something.
const REFUSALS_MAX: usize = 7_500;
/// How long refusals of one kind from one source are one record, in milliseconds.
const FLOOD_MS: i64 = 10_000;
/// How many kinds and sources are told apart at a time.
const FLOODS_MAX: usize = 256;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    floods: HashMap<Kind, Flood>,
    /// How many found no room: whose, and whether they had a command.
    lost: BTreeMap<(TenantId, bool), u64>,
    waiting: VecDeque<Observed>,
}

/// What refusals have in common that are counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Kind {
    code: Option<String>,
    tenant: TenantId,
    /// Who, from where and what; none where too many differ.
    whose: Option<(String, Option<IpAddr>, String, String)>,
}

#[derive(Debug)]
struct Flood {
    begun: Timestamp,
    /// How many came after the first that is written already, and the last of them.
    more: Option<(u64, Timestamp, Box<Observed>)>,
}

impl Queue {
    pub(super) fn push(&mut self, observed: Observed, now: Timestamp) {
        if observed.entry.result != AuditResult::Refused {
            return self.enqueue(observed);
        }
        let kind = Kind::of(&observed);
        if let Some(flood) = self.floods.get_mut(&kind) {
            flood.add(observed);
        } else if self.floods.len() < FLOODS_MAX {
            self.floods.insert(kind, Flood::new(now));
            self.enqueue(observed);
        } else {
            let kind = Kind {
                whose: None,
                ..kind
            };
            let flood = self.floods.entry(kind);
            flood
                .or_insert_with(|| Flood::new(now))
                .add(nobody(observed));
        }
    }

    /// The next records, about `max`, with the counts of what was over by `now`.
    pub(super) fn take(&mut self, max: usize, now: Timestamp, ids: &Ids) -> Vec<Observed> {
        self.settle(|flood| now.since_ms(flood.begun) >= FLOOD_MS, now);
        let mut taken: Vec<_> = self.waiting.drain(..self.waiting.len().min(max)).collect();
        // There is room again, so now it can be told.
        let lost = std::mem::take(&mut self.lost);
        taken.extend(lost.into_iter().map(|((tenant, changes), count)| {
            let mut observed = dropped(tenant, changes, count, now);
            observed.entry.id = ids.next();
            observed
        }));
        taken
    }

    /// Counts no further: what was counted waits to be written.
    pub(super) fn settle_all(&mut self) {
        self.settle(|_| true, Timestamp::MAX);
    }

    /// How many records wait, counts that are lost among them.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.lost.len()
    }

    /// Whether something will be due that nobody pushes.
    pub(super) fn counts(&self) -> bool {
        !self.floods.is_empty() || self.len() > 0
    }

    fn settle(&mut self, is_over: impl Fn(&Flood) -> bool, now: Timestamp) {
        let over = self.floods.extract_if(|_, flood| is_over(flood));
        for (kind, flood) in over.collect::<Vec<_>>() {
            let Some((count, first, last)) = flood.more else {
                continue;
            };
            let mut observed = *last;
            observed.entry.until = Some(observed.entry.at);
            observed.entry.at = first;
            observed.entry.count = count;
            self.enqueue(observed);
            // It may go on: then its next part is counted from the first on.
            if now < Timestamp::MAX {
                self.floods.insert(kind, Flood::new(now));
            }
        }
    }

    fn enqueue(&mut self, observed: Observed) {
        let refused = observed.entry.result == AuditResult::Refused;
        let room = if refused { REFUSALS_MAX } else { WAITING_MAX };
        if self.waiting.len() < room {
            return self.waiting.push_back(observed);
        }
        let entry = &observed.entry;
        let changes = !refused && entry.command_id.is_some();
        *self.lost.entry((observed.tenant, changes)).or_default() += entry.count;
    }
}

impl Kind {
    fn of(observed: &Observed) -> Self {
        let entry = &observed.entry;
        let (actor, method) = (entry.actor.clone(), entry.method.clone());
        Self {
            code: entry.code.clone(),
            tenant: observed.tenant,
            whose: Some((actor, observed.group, method, entry.route.clone())),
        }
    }
}

impl Flood {
    const fn new(begun: Timestamp) -> Self {
        Self { begun, more: None }
    }

    fn add(&mut self, observed: Observed) {
        let (before, first) = match &self.more {
            Some((count, first, _)) => (*count, *first),
            None => (0, observed.entry.at),
        };
        let count = before + observed.entry.count;
        self.more = Some((count, first, Box::new(observed)));
    }
}

/// The same without what tells one client from another.
fn nobody(observed: Observed) -> Observed {
    let entry = AuditEntry {
        actor: "several".to_owned(),
        command_id: None,
        credential: AuditCredential::None,
        method: "*".to_owned(),
        on_behalf_of: None,
        route: "*".to_owned(),
        session_id: None,
        target_id: None,
        target_kind: None,
        trace_id: None,
        ..observed.entry
    };
    Observed {
        entry,
        group: None,
        origin: None,
        tenant: observed.tenant,
    }
}

/// Says how many records of a tenant found no room.
fn dropped(tenant: TenantId, changes: bool, count: u64, now: Timestamp) -> Observed {
    let code = if changes { "CHANGES" } else { "OTHERS" };
    let entry = AuditEntry {
        id: uuid::Uuid::nil(),
        at: now,
        until: None,
        count,
        actor: "several".to_owned(),
        on_behalf_of: None,
        credential: AuditCredential::None,
        session_id: None,
        method: "*".to_owned(),
        route: "*".to_owned(),
        target_kind: None,
        target_id: None,
        result: AuditResult::Dropped,
        status: 0,
        code: Some(code.to_owned()),
        command_id: None,
        position: None,
        replayed: false,
        duration_ms: 0,
        trace_id: None,
    };
    Observed {
        entry,
        group: None,
        origin: None,
        tenant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Clock;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
    const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));

    fn ids() -> Ids {
        Ids::new(Clock::manual(NOW))
    }

    fn seen(n: u128, result: AuditResult, from: u8) -> Observed {
        let address = IpAddr::from([192, 0, 2, from]);
        let mut observed = dropped(TENANT, false, 1, NOW.plus_ms(n as i64));
        observed.entry.id = Uuid::from_u128(n);
        observed.entry.actor = "anonymous".to_owned();
        observed.entry.method = "POST".to_owned();
        observed.entry.route = "/api/v1/tasks".to_owned();
        observed.entry.result = result;
        observed.entry.code = Some("FORBIDDEN".to_owned());
        observed.group = Some(address);
        observed
    }

    fn all(queue: &mut Queue, now: Timestamp) -> Vec<Observed> {
        queue.take(usize::MAX, now, &ids())
    }

    #[test]
    fn the_first_refusal_is_told_at_once_and_the_rest_of_a_flood_as_a_number() {
        let mut queue = Queue::default();
        for n in 0..1_000 {
            queue.push(seen(n, AuditResult::Refused, 1), NOW);
        }
        queue.push(seen(1_000, AuditResult::Refused, 2), NOW);
        let first = all(&mut queue, NOW);
        let told: Vec<_> = first.iter().map(|one| one.entry.id.as_u128()).collect();
        assert_eq!(told, [0, 1_000]);
        assert!(all(&mut queue, NOW.plus_ms(FLOOD_MS - 1)).is_empty());
        let counted = all(&mut queue, NOW.plus_ms(FLOOD_MS));
        let [counted] = counted.as_slice() else {
            panic!("{counted:?}");
        };
        assert_eq!(counted.entry.count, 999);
        assert_eq!(counted.entry.at, NOW.plus_ms(1));
        assert_eq!(counted.entry.until, Some(NOW.plus_ms(999)));
        let over = NOW.plus_ms(2 * FLOOD_MS);
        assert!(all(&mut queue, over).is_empty() && queue.floods.is_empty());
    }

    #[test]
    fn what_is_allowed_is_never_a_number() {
        let mut queue = Queue::default();
        for n in 0..100 {
            queue.push(seen(n, AuditResult::Allowed, 1), NOW);
        }
        assert_eq!(all(&mut queue, NOW).len(), 100);
    }

    #[test]
    fn a_flood_from_everywhere_takes_little_room_and_every_refusal_counts() {
        let mut queue = Queue::default();
        let (mut records, mut counted) = (0, 0);
        for n in 0..10_000 {
            let mut refused = seen(n, AuditResult::Refused, 1);
            refused.entry.actor = format!("user:{n}");
            queue.push(refused, NOW);
        }
        for now in [NOW, NOW.plus_ms(FLOOD_MS)] {
            let taken = all(&mut queue, now);
            records += taken.len();
            counted += taken.iter().map(|one| one.entry.count).sum::<u64>();
        }
        assert_eq!((records, counted), (FLOODS_MAX + 1, 10_000));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_changes_find_it_longest() {
        let mut queue = Queue::default();
        for n in 0..REFUSALS_MAX {
            queue.push(seen(n as u128, AuditResult::Allowed, 1), NOW);
        }
        queue.push(seen(1 << 40, AuditResult::Refused, 1), NOW);
        for n in REFUSALS_MAX..WAITING_MAX + 5 {
            let mut change = seen(n as u128, AuditResult::Allowed, 1);
            change.entry.command_id = Some(Uuid::from_u128(n as u128));
            queue.push(change, NOW);
        }
        let taken = all(&mut queue, NOW);
        let told: Vec<_> = taken[WAITING_MAX..]
            .iter()
            .map(|one| (one.entry.result, one.entry.code.as_deref(), one.entry.count))
            .collect();
        let dropped = AuditResult::Dropped;
        let expected = [(dropped, Some("OTHERS"), 1), (dropped, Some("CHANGES"), 5)];
        assert_eq!(told, expected);
        assert!(
            taken
                .iter()
                .all(|one| !one.entry.id.is_nil() || one.entry.count == 1)
        );
    }

    #[test]
    fn an_end_settles_what_is_counted() {
        let mut queue = Queue::default();
        for n in 0..3 {
            queue.push(seen(n, AuditResult::Refused, 1), NOW);
        }
        queue.settle_all();
        let counts: Vec<_> = all(&mut queue, NOW)
            .iter()
            .map(|one| one.entry.count)
            .collect();
        assert_eq!(counts, [1, 2]);
        assert!(!queue.counts());
    }
}
