//! All read models within a batch.
//!
//! Invariant: every kind of aggregate is either folded here or said not to be.

use std::collections::HashSet;

use schemas::{
    Commit, StreamId,
    domain::{
        AggregateKind, api_key::ApiKey, job::Job, operation::Operation, resource::Resource,
        resource_type::ResourceType, settings::Settings, task::Task, tenant::Tenant, user::User,
    },
};
use sqlx::PgConnection;

use super::{
    changed::Changed,
    counts::Counts,
    decode::Events,
    fold::{Fold, Key},
    recent::{Bounds, Recent},
};

/// The read models.
#[derive(Debug, Default)]
pub(super) struct Folds {
    api_keys: Fold<ApiKey>,
    counts: Counts,
    jobs: Fold<Job>,
    operations: Fold<Operation>,
    resource_types: Fold<ResourceType>,
    resources: Fold<Resource>,
    settings: Fold<Settings>,
    tasks: Fold<Task>,
    tenants: Fold<Tenant>,
    users: Fold<User>,
}

/// What a batch changes in them.
#[derive(Debug)]
pub(super) struct Rewritten {
    api_keys: Changed<ApiKey>,
    counts: Counts,
    jobs: Changed<Job>,
    operations: Changed<Operation>,
    resource_types: Changed<ResourceType>,
    resources: Changed<Resource>,
    settings: Changed<Settings>,
    tasks: Changed<Task>,
    tenants: Changed<Tenant>,
    users: Changed<User>,
}

/// Does the same with each read model.
macro_rules! each {
    ($folds:ident, $fold:ident, $kind:ident => $do:expr) => {
        each!(@ $folds, $fold, $kind, $do;
            api_keys ApiKey, jobs Job, operations Operation, resource_types ResourceType,
            resources Resource, settings Settings, tasks Task, tenants Tenant, users User)
    };
    (@ $folds:ident, $fold:ident, $kind:ident, $do:expr; $($field:ident $name:ident),*) => {
        $({
            let ($fold, $kind) = (&mut $folds.$field, AggregateKind::$name);
            let _ = $kind;
            $do;
        })*
    };
}

impl Folds {
    /// Those that remember more than others do: for who has little else to do.
    pub(super) fn remembering(bounds: Bounds) -> Self {
        let mut folds = Self::default();
        each!(folds, fold, kind => *fold = Fold::remembering(Recent::within(bounds)));
        folds
    }

    /// Whether `existing` aggregates are known, so that nothing has to be read.
    pub(super) fn know(&mut self, existing: &HashSet<StreamId>) -> bool {
        let mut known = true;
        each!(self, fold, kind => known &= fold.knows(&keys(existing, kind)));
        known
    }

    /// Reads the rows of `existing` aggregates that are not known.
    pub(super) async fn load(
        &mut self,
        connection: &mut PgConnection,
        existing: &HashSet<StreamId>,
    ) -> Result<(), sqlx::Error> {
        each!(self, fold, kind => fold.load(connection, &keys(existing, kind)).await?);
        Ok(())
    }

    /// Folds a commit's events in.
    pub(super) fn apply(&mut self, commit: &Commit, events: &Events) {
        let counts = &mut self.counts;
        match events {
            Events::ApiKey(events) => self.api_keys.apply(commit, events, counts),
            Events::EmailClaim
            | Events::IdentityClaim
            | Events::LogCheckpoint
            | Events::ParkedCommit(_)
            | Events::UniqueKey => {}
            Events::Job(events) => self.jobs.apply(commit, events, counts),
            Events::Operation(events) => self.operations.apply(commit, events, counts),
            Events::Resource(events) => self.resources.apply(commit, events, counts),
            Events::ResourceType(events) => self.resource_types.apply(commit, events, counts),
            Events::Settings(events) => self.settings.apply(commit, events, counts),
            Events::Task(events) => self.tasks.apply(commit, events, counts),
            Events::Tenant(events) => self.tenants.apply(commit, events, counts),
            Events::User(events) => self.users.apply(commit, events, counts),
        }
    }

    /// Takes out what the batch changes, to be written.
    pub(super) fn take(&mut self) -> Rewritten {
        Rewritten {
            api_keys: self.api_keys.take(),
            counts: std::mem::take(&mut self.counts),
            jobs: self.jobs.take(),
            operations: self.operations.take(),
            resource_types: self.resource_types.take(),
            resources: self.resources.take(),
            settings: self.settings.take(),
            tasks: self.tasks.take(),
            tenants: self.tenants.take(),
            users: self.users.take(),
        }
    }

    /// Ends a batch.
    pub(super) fn settle(&mut self) {
        each!(self, fold, kind => fold.settle());
    }

    /// Forgets everything, since the batch was not committed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn keys(streams: &HashSet<StreamId>, kind: AggregateKind) -> HashSet<Key> {
    let of_kind = streams.iter().filter(|stream| stream.kind == kind);
    of_kind.map(|stream| (stream.tenant, stream.id)).collect()
}

impl Rewritten {
    pub(super) async fn write(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        each!(self, changed, kind => changed.write(connection).await?);
        self.counts.write(connection).await
    }

    /// The same into tables that nobody else writes.
    pub(super) async fn fill(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        each!(self, changed, kind => changed.fill(connection).await?);
        self.counts.write(connection).await
    }
}
