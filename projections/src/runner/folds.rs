//! All read models within a batch.
//!
//! Invariant: every kind of aggregate is either folded here or said not to be.

use std::collections::HashSet;

use schemas::{
    Commit, StreamId,
    domain::{
        AggregateKind, api_key::ApiKey, job::Job, resource::Resource, resource_type::ResourceType,
        settings::Settings, task::Task, tenant::Tenant, user::User,
    },
};
use sqlx::PgConnection;

use super::{
    counts::Counts,
    decode::Events,
    fold::{Fold, Key},
};

/// The read models.
#[derive(Debug, Default)]
pub(super) struct Folds {
    api_keys: Fold<ApiKey>,
    counts: Counts,
    jobs: Fold<Job>,
    resource_types: Fold<ResourceType>,
    resources: Fold<Resource>,
    settings: Fold<Settings>,
    tasks: Fold<Task>,
    tenants: Fold<Tenant>,
    users: Fold<User>,
}

/// Does the same with each read model.
macro_rules! each {
    ($folds:ident, $fold:ident, $kind:ident => $do:expr) => {
        each!(@ $folds, $fold, $kind, $do;
            api_keys ApiKey, jobs Job, resource_types ResourceType, resources Resource,
            settings Settings, tasks Task, tenants Tenant, users User)
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
    /// Reads the rows of `existing` aggregates that are not known.
    pub(super) async fn load(
        &mut self,
        connection: &mut PgConnection,
        existing: &HashSet<StreamId>,
    ) -> Result<(), sqlx::Error> {
        let keys = |kind: AggregateKind| -> HashSet<Key> {
            let of_kind = existing.iter().filter(|stream| stream.kind == kind);
            of_kind.map(|stream| (stream.tenant, stream.id)).collect()
        };
        each!(self, fold, kind => fold.load(connection, &keys(kind)).await?);
        Ok(())
    }

    /// Folds a commit's events in.
    pub(super) fn apply(&mut self, commit: &Commit, events: &Events) {
        let counts = &mut self.counts;
        match events {
            Events::ApiKey(events) => self.api_keys.apply(commit, events, counts),
            Events::EmailClaim | Events::IdentityClaim => {}
            Events::Job(events) => self.jobs.apply(commit, events, counts),
            Events::Resource(events) => self.resources.apply(commit, events, counts),
            Events::ResourceType(events) => self.resource_types.apply(commit, events, counts),
            Events::Settings(events) => self.settings.apply(commit, events, counts),
            Events::Task(events) => self.tasks.apply(commit, events, counts),
            Events::Tenant(events) => self.tenants.apply(commit, events, counts),
            Events::User(events) => self.users.apply(commit, events, counts),
        }
    }

    /// Writes what the batch changed.
    pub(super) async fn write(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        each!(self, fold, kind => fold.write(connection).await?);
        self.counts.write(connection).await
    }

    /// Ends a batch that was committed.
    pub(super) fn settle(&mut self) {
        each!(self, fold, kind => fold.settle());
        self.counts.clear();
    }

    /// Forgets everything, since the batch was not committed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
