//! Live queries: the rows of a list as of a position, and how they differ from there to another.
//!
//! Both are questions about the past that the histories answer exactly, so it does not matter who
//! asks when: gateways that never heard of each other tell the same differences. The conditions are
//! those of the list itself, for what is shown now as for what was.
//!
//! Invariant: for any positions `a <= b`, the rows as of `a` with the changes from `a` to `b` are
//! the rows as of `b`, in one generation of the read models, which each answer tells.

mod statement;

use schemas::{
    Position,
    domain::{
        AggregateKind, TenantId, job::Job, resource::Resource, resource_type::ResourceType,
        task::Task, user::User,
    },
};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    At, Generation, Row, Store, StoreError, jobs,
    models::{Model, row_of},
    resources, tasks, users,
};

/// A list that can be followed: a collection and its filter.
#[derive(Clone, Debug)]
pub enum LiveQuery {
    /// Jobs.
    Jobs(jobs::Filter),
    /// All resource types.
    ResourceTypes,
    /// Resources.
    Resources(resources::Filter),
    /// Tasks.
    Tasks(tasks::Filter),
    /// Users.
    Users(users::Filter),
}

/// Rows of one collection, in the order of their ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Jobs.
    Jobs(Vec<Row<Job>>),
    /// Resource types.
    ResourceTypes(Vec<Row<ResourceType>>),
    /// Resources.
    Resources(Vec<Row<Resource>>),
    /// Tasks.
    Tasks(Vec<Row<Task>>),
    /// Users.
    Users(Vec<Row<User>>),
}

/// How the rows of a query differ between two positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// What is there and was not, or was another version.
    pub rows: Rows,
    /// What was there and is not.
    pub left: Vec<Uuid>,
}

/// What was touched after a position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Touched {
    /// Of which generation this is told.
    pub generation: Generation,
    /// Up to where these are all.
    pub until: Position,
    /// Each once, in the order of the ids.
    pub ids: Vec<Uuid>,
}

impl LiveQuery {
    /// The kind of aggregate that it shows.
    pub const fn kind(&self) -> AggregateKind {
        match self {
            Self::Jobs(_) => AggregateKind::Job,
            Self::ResourceTypes => AggregateKind::ResourceType,
            Self::Resources(_) => AggregateKind::Resource,
            Self::Tasks(_) => AggregateKind::Task,
            Self::Users(_) => AggregateKind::User,
        }
    }

    fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Jobs(filter) => filter.narrow(query),
            Self::ResourceTypes => {}
            Self::Resources(filter) => filter.narrow(query),
            Self::Tasks(filter) => filter.narrow(query),
            Self::Users(filter) => filter.narrow(query),
        }
    }

    fn table(&self) -> &'static str {
        match self {
            Self::Jobs(_) => Job::statements().table,
            Self::ResourceTypes => ResourceType::statements().table,
            Self::Resources(_) => Resource::statements().table,
            Self::Tasks(_) => Task::statements().table,
            Self::Users(_) => User::statements().table,
        }
    }

    fn rows(&self, found: &[PgRow]) -> Result<Rows, StoreError> {
        Ok(match self {
            Self::Jobs(_) => Rows::Jobs(read(found)?),
            Self::ResourceTypes => Rows::ResourceTypes(read(found)?),
            Self::Resources(_) => Rows::Resources(read(found)?),
            Self::Tasks(_) => Rows::Tasks(read(found)?),
            Self::Users(_) => Rows::Users(read(found)?),
        })
    }
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which they are.
    pub fn ids(&self) -> Vec<Uuid> {
        fn ids<S>(rows: &[Row<S>]) -> Vec<Uuid> {
            rows.iter().map(|row| row.id).collect()
        }
        match self {
            Self::Jobs(rows) => ids(rows),
            Self::ResourceTypes(rows) => ids(rows),
            Self::Resources(rows) => ids(rows),
            Self::Tasks(rows) => ids(rows),
            Self::Users(rows) => ids(rows),
        }
    }
}

/// The rows of `tenant` as of `at`, by id after `after`, at most `limit` of them.
///
/// The answer holds only if the read models had reached `at`, which its position tells.
pub async fn rows_as_of(
    store: &Store,
    tenant: TenantId,
    query: &LiveQuery,
    at: Position,
    after: Uuid,
    limit: u32,
) -> Result<(Generation, At<Rows>), StoreError> {
    let found = store
        .read(tenant, |mut rows| {
            let mut asked = statement::rows_as_of(query, tenant, at, after, limit);
            async move { asked.build().fetch_all(&mut *rows).await }
        })
        .await?;
    let rows = At::told_by(found.first(), query.rows(&found)?)?;
    Ok((Generation::told_by(found.first())?, rows))
}

/// How the rows of `tenant` differ between `from` and `to`, where `ids` are all that was touched
/// between them.
///
/// The answer holds only if the read models had reached `to`, which its position tells.
pub async fn changes(
    store: &Store,
    tenant: TenantId,
    query: &LiveQuery,
    (from, to): (Position, Position),
    ids: &[Uuid],
) -> Result<(Generation, At<Changes>), StoreError> {
    let found = store
        .read(tenant, |mut rows| {
            let mut asked = statement::changes(query, tenant, (from, to), ids);
            async move { asked.build().fetch_all(&mut *rows).await }
        })
        .await?;
    let mut left = Vec::new();
    for row in &found {
        if row.try_get("has_left")? {
            left.push(row.try_get("touched")?);
        }
    }
    let rows = query.rows(&found)?;
    let changes = At::told_by(found.first(), Changes { rows, left })?;
    Ok((Generation::told_by(found.first())?, changes))
}

/// What of the query's kind was touched after `from`, up to and with `to`: at most `limit` events
/// of it, and up to where these are all.
pub async fn touched(
    store: &Store,
    tenant: TenantId,
    query: &LiveQuery,
    (from, to): (Position, Position),
    limit: u32,
) -> Result<Touched, StoreError> {
    let found = store
        .read(tenant, |mut rows| async move {
            sqlx::query(include_str!("touched.sql"))
                .bind(tenant.uuid())
                .bind(query.kind().name())
                .bind(from.0 as i64)
                .bind(to.0 as i64)
                .bind(i64::from(limit))
                .fetch_all(&mut *rows)
                .await
        })
        .await?;
    let generation = Generation::told_by(found.first())?;
    let mut events = Vec::with_capacity(found.len());
    for row in &found {
        if let Some(position) = row.try_get::<Option<i64>, _>("position")? {
            events.push((position, row.try_get("id")?));
        }
    }
    let is_cut = events.len() >= limit as usize;
    // A commit whose events are cut is of one aggregate, which is among the ids.
    let last = events.last().filter(|_| is_cut);
    let until = last.map_or(to, |(position, _)| Position(*position as u64));
    let mut ids: Vec<Uuid> = events.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(Touched {
        generation,
        until,
        ids,
    })
}

fn read<A: Model>(found: &[PgRow]) -> Result<Vec<Row<A>>, StoreError> {
    found
        .iter()
        .filter_map(|row| row_of(row).transpose())
        .collect()
}
