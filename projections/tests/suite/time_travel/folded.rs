//! What an aggregate is at some position, in the plainest way.
//!
//! Invariant: nothing but the domain's own `evolve` is used.

use std::{cmp::Reverse, collections::BTreeMap};

use schemas::{
    Commit, Position, Version,
    catalogue::{Recorded, decode},
    domain::{Aggregate, TenantId},
};
use uuid::Uuid;

/// The aggregates of one kind as they are at some position: what lives, and every id so far.
pub struct Folded<A> {
    lives: fn(&A) -> bool,
    pub all: BTreeMap<(TenantId, Uuid), (Version, Position, Option<A>)>,
}

impl<A: Aggregate<Event: Recorded>> Folded<A> {
    pub fn new(lives: fn(&A) -> bool) -> Self {
        Self {
            lives,
            all: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, commit: &Commit) {
        if commit.stream.kind != A::KIND {
            return;
        }
        let key = (commit.stream.tenant, commit.stream.id);
        let mut state = self.all.remove(&key).and_then(|(_, _, state)| state);
        for event in decode::<A::Event>(&commit.payload).expect("events") {
            state = A::evolve(state, &event, commit.meta.time);
        }
        let now = (commit.meta.version, commit.position, state);
        self.all.insert(key, now);
    }

    /// What is there of `id`.
    pub fn one(&self, tenant: TenantId, id: Uuid) -> Option<(Version, Position, String)> {
        let (version, position, state) = self.all.get(&(tenant, id))?;
        let state = state.as_ref().filter(|state| (self.lives)(state))?;
        Some((*version, *position, spelled(state)))
    }

    /// How many lives have ended.
    pub fn ended(&self) -> usize {
        let states = self.all.values().filter_map(|(_, _, state)| state.as_ref());
        states.filter(|state| !(self.lives)(state)).count()
    }

    /// The ids that a list of `tenant` shows.
    pub fn list<K: Ord>(
        &self,
        tenant: TenantId,
        descending: bool,
        keep: impl Fn(&A) -> bool,
        key: impl Fn(&A) -> K,
    ) -> Vec<Uuid> {
        let rows = self.all.iter().filter(|((whose, _), _)| *whose == tenant);
        let living = rows.filter_map(|((_, id), (_, _, state))| Some((*id, state.as_ref()?)));
        let kept = living.filter(|(_, state)| (self.lives)(state) && keep(state));
        let mut rows: Vec<_> = kept.map(|(id, state)| (key(state), id)).collect();
        if descending {
            rows.sort_by(|a, b| Reverse(a).cmp(&Reverse(b)));
        } else {
            rows.sort();
        }
        rows.into_iter().map(|(_, id)| id).collect()
    }
}

/// Postgres keeps numbers as decimals, so one that is whole comes back without an exponent.
pub fn spelled(state: &impl std::fmt::Debug) -> String {
    format!("{state:?}")
        .replace("1e+16", "10000000000000000")
        .replace("-0.0", "0.0")
}
