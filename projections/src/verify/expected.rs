//! What the rows must be.
//!
//! Invariant: a state here is folded from all events of its aggregate, also beyond the end of its
//! life, so that what the projector takes for equal is checked to be equal.

use std::collections::{BTreeMap, HashMap, HashSet};

use event_log::{Entry, seal};
use schemas::{
    Commit, Hash, Position, StreamId, Version,
    catalogue::{Recorded as _, decode_records},
    domain::{
        Aggregate, AggregateKind, TenantId, api_key::ApiKey, email_claim::EmailClaimEvent,
        identity_claim::IdentityClaimEvent, job::Job, log_checkpoint::LogCheckpointEvent,
        operation::Operation, parked_commit::ParkedCommitEvent, resource::Resource,
        resource_type::ResourceType, settings::Settings, task::Task, tenant::Tenant,
        unique_key::UniqueKeyEvent, user::User,
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    canonical::digest,
    findings::Findings,
    mirror::{Mirror, Parked},
    moments::Moments,
    skipped::Skipped,
};
use crate::models::Model;

pub(super) type Key = (TenantId, Uuid);

/// What all rows must be.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) api_keys: Rows<ApiKey>,
    pub(super) counts: BTreeMap<(TenantId, String, String), i64>,
    pub(super) jobs: Rows<Job>,
    pub(super) operations: Rows<Operation>,
    pub(super) mirror: Mirror,
    pub(super) moments: Moments,
    pub(super) parked: Parked,
    pub(super) resource_types: Rows<ResourceType>,
    pub(super) resources: Rows<Resource>,
    pub(super) settings: Rows<Settings>,
    pub(super) skipped: Skipped,
    pub(super) tasks: Rows<Task>,
    pub(super) tenants: Rows<Tenant>,
    pub(super) users: Rows<User>,
    last: HashMap<StreamId, (Version, Hash)>,
    stuck: HashSet<StreamId>,
}

/// What the rows of one read model must be.
#[derive(Debug)]
pub(super) struct Rows<A> {
    pub(super) current: BTreeMap<Key, Folded<A>>,
    /// By aggregate and where the version began: its digest, version and end.
    pub(super) history: HashMap<(Key, Position), (u64, Version, Position)>,
}

/// An aggregate after its last commit.
#[derive(Debug)]
pub(super) struct Folded<A> {
    pub(super) position: Position,
    pub(super) state: Option<A>,
    pub(super) version: Version,
}

impl<A> Default for Rows<A> {
    fn default() -> Self {
        Self {
            current: BTreeMap::new(),
            history: HashMap::new(),
        }
    }
}

impl Expected {
    /// Nothing yet; what was parked is known from the snapshot.
    pub(super) async fn new(snapshot: &mut PgConnection) -> Result<Self, sqlx::Error> {
        Ok(Self {
            parked: Parked::load(snapshot).await?,
            skipped: Skipped::load(snapshot).await?,
            ..Self::default()
        })
    }

    /// How many rows of models and of the mirror there must be.
    pub(super) fn rows(&self) -> u64 {
        let models = [
            self.api_keys.count(),
            self.jobs.count(),
            self.resource_types.count(),
            self.resources.count(),
            self.settings.count(),
            self.tasks.count(),
            self.tenants.count(),
            self.users.count(),
        ];
        models.into_iter().sum::<u64>() + self.mirror.rows()
    }

    /// Folds what comes next in the log in.
    pub(super) fn add(&mut self, entry: &Entry, findings: &mut Findings<'_>) {
        let (position, stream, payload) = match entry {
            Entry::Commit(commit) => (commit.position, Some(commit.stream), &commit.payload),
            Entry::Unreadable(unreadable) => (unreadable.position, None, &unreadable.payload),
        };
        let is_parked = self.parked.has(position, stream, payload, findings);
        let is_left_out = self.skipped.has(entry, findings);
        match entry {
            Entry::Commit(commit) => {
                self.moments.expect(commit);
                if is_parked {
                    self.stuck.insert(commit.stream);
                } else if is_left_out {
                    self.pass(commit);
                } else {
                    self.add_commit(commit, findings);
                }
            }
            Entry::Unreadable(_) if is_parked || is_left_out => {}
            Entry::Unreadable(_) => {
                let nowhere = (TenantId::new(Uuid::nil()), Uuid::nil());
                let told = format!("position {position} is unreadable, yet not parked");
                findings.add("parked", nowhere, told);
            }
        }
    }

    /// Goes on from a commit that is left out, if its version is beyond the last one.
    fn pass(&mut self, commit: &Commit) {
        let last = self.last.get(&commit.stream);
        if last.is_none_or(|(version, _)| *version < commit.meta.version) {
            let link = (commit.meta.version, commit.meta.hash);
            self.last.insert(commit.stream, link);
        }
    }

    fn add_commit(&mut self, commit: &Commit, findings: &mut Findings<'_>) {
        if self.stuck.contains(&commit.stream) {
            let told = format!(
                "position {} was applied past a parked commit",
                commit.position
            );
            findings.about(commit.stream, told);
        }
        if let Err(reason) = self.follow(commit) {
            let told = format!("position {} was applied, but {reason}", commit.position);
            findings.about(commit.stream, told);
        }
    }

    fn follow(&mut self, commit: &Commit) -> Result<(), String> {
        let (stream, meta) = (commit.stream, &commit.meta);
        if seal(stream, meta, &commit.payload) != meta.hash {
            return Err("its content does not match its hash".to_owned());
        }
        let (version, hash) = self
            .last
            .get(&stream)
            .copied()
            .unwrap_or((Version(0), Hash::ZERO));
        if meta.version != version.next() || meta.previous != hash {
            return Err(format!("it does not follow version {version}"));
        }
        self.last.insert(stream, (meta.version, meta.hash));
        let records = decode_records(&commit.payload).map_err(|reason| reason.to_string())?;
        self.mirror.expect(commit, &records);
        let counts = &mut self.counts;
        match stream.kind {
            AggregateKind::ApiKey => self.api_keys.add(commit, &records, counts),
            AggregateKind::EmailClaim => records
                .iter()
                .try_for_each(|record| EmailClaimEvent::read(record).map(drop)),
            AggregateKind::IdentityClaim => records
                .iter()
                .try_for_each(|record| IdentityClaimEvent::read(record).map(drop)),
            AggregateKind::Job => self.jobs.add(commit, &records, counts),
            AggregateKind::LogCheckpoint => records
                .iter()
                .try_for_each(|record| LogCheckpointEvent::read(record).map(drop)),
            AggregateKind::Operation => self.operations.add(commit, &records, counts),
            AggregateKind::ParkedCommit => {
                self.skipped.decide(commit, &records);
                records
                    .iter()
                    .try_for_each(|record| ParkedCommitEvent::read(record).map(drop))
            }
            AggregateKind::Resource => self.resources.add(commit, &records, counts),
            AggregateKind::ResourceType => self.resource_types.add(commit, &records, counts),
            AggregateKind::Settings => self.settings.add(commit, &records, counts),
            AggregateKind::Task => self.tasks.add(commit, &records, counts),
            AggregateKind::Tenant => self.tenants.add(commit, &records, counts),
            AggregateKind::UniqueKey => records
                .iter()
                .try_for_each(|record| UniqueKeyEvent::read(record).map(drop)),
            AggregateKind::User => self.users.add(commit, &records, counts),
        }
        .map_err(|reason| reason.to_string())
    }
}

impl<A: Model> Rows<A> {
    fn count(&self) -> u64 {
        let living = self.current.values();
        let living = living.filter(|folded| folded.living().is_some()).count();
        (living + self.history.len()) as u64
    }

    fn add(
        &mut self,
        commit: &Commit,
        records: &[schemas::catalogue::EventRecord],
        counts: &mut BTreeMap<(TenantId, String, String), i64>,
    ) -> Result<(), schemas::catalogue::DecodeError> {
        let key = (commit.stream.tenant, commit.stream.id);
        let mut count = |state: &A, by| {
            if let Some(bucket) = state.bucket() {
                let bucket = (key.0, A::statements().table.to_owned(), bucket.to_owned());
                *counts.entry(bucket).or_default() += by;
            }
        };
        let was = self.current.remove(&key);
        if let Some(was) = &was
            && let Some(state) = was.living()
        {
            count(state, -1);
            let ended = (digest_of(state), was.version, commit.position);
            self.history.insert((key, was.position), ended);
        }
        let mut state = was.and_then(|was| was.state);
        for record in records {
            state = <A as Aggregate>::evolve(state, &A::Event::read(record)?, commit.meta.time);
        }
        let folded = Folded {
            position: commit.position,
            state,
            version: commit.meta.version,
        };
        if let Some(state) = folded.living() {
            count(state, 1);
        }
        self.current.insert(key, folded);
        Ok(())
    }
}

impl<A: Model> Folded<A> {
    /// Its state, if it lives.
    pub(super) fn living(&self) -> Option<&A> {
        self.state.as_ref().filter(|state| state.lives())
    }
}

/// The digest of a state's row.
pub(super) fn digest_of<A: Model>(state: &A) -> u64 {
    let value = serde_json::to_value(state);
    digest(&value.expect("states have string keys, so they encode"))
}
