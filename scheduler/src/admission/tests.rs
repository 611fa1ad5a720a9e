//! Limits, a manual clock, and who goes when.
//!
//! Invariant: time passes only where a test says so.

use std::num::NonZeroU32;

use event_log::Version;
use runtime::Clock;
use uuid::Uuid;

use super::*;

const ONE: TenantId = TenantId::new(Uuid::from_u128(1));
const TWO: TenantId = TenantId::new(Uuid::from_u128(2));

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn limit(concurrency: u32, per_minute: u32) -> WorkLimit {
    WorkLimit {
        concurrency: NonZeroU32::new(concurrency),
        per_minute: NonZeroU32::new(per_minute),
    }
}

fn limits(kind: WorkLimit, per_tenant: WorkLimit) -> WorkLimits {
    WorkLimits {
        kinds: BTreeMap::from([("http".to_owned(), kind)]),
        per_tenant,
    }
}

/// An admission that knows that tenants have set nothing, on a clock that stands.
struct Room {
    admission: Admission,
    clock: Clock,
}

impl Room {
    fn new(limits: WorkLimits) -> Self {
        let mut admission = Admission::new(limits);
        for tenant in [ONE, TWO] {
            admission.set(tenant, WorkLimit::default());
        }
        Self {
            admission,
            clock: Clock::manual(at(1_000_000)),
        }
    }

    fn offer(&mut self, tenant: TenantId, task: u128, kind: &str, priority: Priority) {
        let offer = Offer {
            item: WorkItem {
                attempt: 1,
                kind: kind.to_owned(),
                task: TaskId::new(Uuid::from_u128(task)),
                tenant,
                version: Version(1),
            },
            kind: kind.to_owned(),
            priority,
            since: self.clock.now(),
        };
        assert_eq!(self.admission.offer(offer), None);
    }

    /// Who goes now.
    fn admit(&mut self) -> Vec<u128> {
        let admitted = self.admission.admit(self.clock.now());
        admitted
            .iter()
            .map(|o| o.item.task.uuid().as_u128())
            .collect()
    }

    fn leave(&mut self, tenant: TenantId, task: u128) {
        self.admission
            .leave((tenant, TaskId::new(Uuid::from_u128(task))));
    }

    fn pass(&self, ms: i64) {
        self.clock.set(self.clock.now().plus_ms(ms));
    }
}

#[test]
fn what_finds_no_room_goes_when_another_ends() {
    let mut room = Room::new(limits(limit(2, 0), limit(0, 0)));
    for task in 1..=4 {
        room.offer(ONE, task, "http", Priority::Normal);
        room.pass(1);
    }
    assert_eq!(room.admit(), [1, 2]);
    assert_eq!(room.admit(), []);
    room.leave(ONE, 1);
    assert_eq!(room.admit(), [3]);
    // What waits and is cancelled gives no room, and takes none.
    room.leave(ONE, 4);
    room.leave(ONE, 2);
    assert_eq!(room.admit(), []);
}

#[test]
fn nothing_waits_for_room_that_is_there() {
    let mut room = Room::new(limits(limit(1, 0), limit(0, 0)));
    room.offer(ONE, 1, "http", Priority::Critical);
    room.offer(ONE, 2, "http", Priority::Critical);
    room.offer(ONE, 3, "echo", Priority::Low);
    room.offer(TWO, 4, "http", Priority::Critical);
    assert_eq!(room.admit(), [1, 3]);
    room.leave(ONE, 1);
    assert_eq!(room.admit(), [2]);
}

#[test]
fn one_tenant_does_not_take_up_the_room_of_another() {
    let mut room = Room::new(limits(limit(0, 0), limit(2, 0)));
    for task in 1..=3 {
        room.offer(ONE, task, "echo", Priority::Normal);
        room.pass(1);
    }
    room.offer(TWO, 4, "echo", Priority::Low);
    assert_eq!(room.admit(), [1, 2, 4]);
    // A tenant may set itself less than the installation allows, and not more.
    room.admission.set(TWO, limit(1, 0));
    room.offer(TWO, 5, "echo", Priority::Low);
    assert_eq!(room.admit(), []);
    room.admission.set(TWO, limit(9, 0));
    assert_eq!(room.admit(), [5]);
    room.offer(TWO, 6, "echo", Priority::Low);
    assert_eq!(room.admit(), []);
}

#[test]
fn the_urgent_go_first_and_none_waits_for_ever() {
    let mut room = Room::new(limits(limit(1, 0), limit(0, 0)));
    room.offer(ONE, 1, "http", Priority::Low);
    room.offer(ONE, 2, "http", Priority::Normal);
    room.offer(ONE, 3, "http", Priority::High);
    room.offer(ONE, 4, "http", Priority::Critical);
    let mut order = Vec::new();
    for _ in 0..4 {
        let next = room.admit();
        assert_eq!(next.len(), 1);
        room.leave(ONE, next[0]);
        order.extend(next);
    }
    assert_eq!(order, [4, 3, 2, 1]);
    room.offer(ONE, 5, "http", Priority::Low);
    for task in 6..400 {
        room.pass(1_000);
        room.offer(ONE, task, "http", Priority::High);
        let next = room.admit();
        if next == [5] {
            assert!((180..200).contains(&(task - 5)), "after {} s", task - 5);
            return;
        }
        room.leave(ONE, next[0]);
    }
    panic!("it waits for ever");
}

#[test]
fn a_rate_spreads_what_begins() {
    let mut room = Room::new(limits(limit(0, 60), limit(0, 0)));
    for task in 1..=3 {
        room.offer(ONE, task, "http", Priority::Normal);
    }
    assert_eq!(room.admit(), [1]);
    let now = room.clock.now();
    let next = room.admission.next_at(now).expect("the clock brings it");
    assert!((900..=1_001).contains(&next.since_ms(now)), "{next}");
    room.pass(500);
    assert_eq!(room.admit(), []);
    room.clock.set(next);
    assert_eq!(room.admit(), [2]);
    // What has ended gives no more of the rate.
    room.leave(ONE, 1);
    assert_eq!(room.admit(), []);
}

#[test]
fn a_new_leader_counts_what_runs() {
    let mut room = Room::new(limits(limit(2, 0), limit(0, 0)));
    let running = (ONE, TaskId::new(Uuid::from_u128(9)));
    room.admission.occupy(running, "http");
    room.admission.occupy(running, "http");
    room.offer(ONE, 1, "http", Priority::Normal);
    room.pass(1);
    room.offer(ONE, 2, "http", Priority::Normal);
    assert_eq!(room.admit(), [1]);
    room.leave(ONE, 9);
    assert_eq!(room.admit(), [2]);
}

#[test]
fn what_has_room_is_put_on_the_queue_again_when_it_is_offered_again() {
    let mut room = Room::new(limits(limit(1, 0), limit(0, 0)));
    room.offer(ONE, 1, "http", Priority::Normal);
    let admitted = room.admission.admit(room.clock.now());
    let again = admitted[0].clone();
    assert_eq!(room.admission.offer(again.clone()), Some(again));
    room.offer(ONE, 2, "http", Priority::Normal);
    assert_eq!(room.admit(), []);
}

#[test]
fn what_a_tenant_has_set_is_known_before_its_tasks_go() {
    let mut room = Room::new(limits(limit(0, 0), limit(0, 0)));
    let three = TenantId::new(Uuid::from_u128(3));
    room.offer(three, 1, "echo", Priority::Normal);
    room.offer(three, 2, "echo", Priority::Normal);
    assert_eq!(room.admit(), []);
    assert_eq!(room.admission.take_unknown(), HashSet::from([three]));
    assert!(room.admission.take_unknown().is_empty());
    room.admission.set(three, limit(1, 0));
    assert_eq!(room.admit().len(), 1);
}
