//! A row that differs, whole, with the events behind it.
//!
//! Invariant: of an aggregate's events those that made the row are told first, and no more are kept
//! than are told.

use std::collections::BTreeSet;

use futures::{TryStreamExt as _, stream::BoxStream};
use schemas::{
    Position,
    domain::{AggregateKind, TenantId},
};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{
    EventBehind, Sample, What,
    tables::{Key, Shape, Table},
};
use crate::StoreError;

/// The most events of a sample that are not of the rows themselves.
const EVENTS: usize = 10;

/// An event of one copy: where it is, what it is, and a digest of what it says.
type Told = ((i64, i32), String, Uuid);

/// A question, with what it is about.
type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// The sample of `key`.
pub(super) async fn of(
    (here, there): (&mut PgConnection, &mut PgConnection),
    table: &Table,
    key: &Key,
    what: What,
) -> Result<Sample, StoreError> {
    let one = whole(here, table, key).await?;
    let other = whole(there, table, key).await?;
    let mut fields = Vec::new();
    if let (Some(one), Some(other)) = (&one, &other) {
        unlike(&mut String::new(), one, other, &mut fields);
    }
    let mut sample = Sample {
        what,
        tenant: None,
        kind: None,
        id: None,
        one,
        other,
        fields,
        events: Vec::new(),
    };
    sample.tenant = sample.uuid("tenant_id").map(TenantId::new);
    sample.id = sample.uuid("id");
    let kind = table.shape.kind().map(AggregateKind::name);
    sample.kind = kind.or_else(|| sample.text("kind")).map(str::to_owned);
    sample.events = events((here, there), table.shape, key, &sample).await?;
    Ok(sample)
}

/// The row as JSON, if there is one.
async fn whole(
    snapshot: &mut PgConnection,
    table: &Table,
    key: &Key,
) -> Result<Option<Value>, StoreError> {
    let (name, columns) = (table.name, &table.columns);
    let conditions = table.shape.key().iter().enumerate();
    let conditions: Vec<_> = conditions
        .map(|(at, column)| format!("{column} = ${}", at + 1))
        .collect();
    let conditions = conditions.join(" and ");
    let ask = format!(
        "select to_jsonb(r)::text from (select {columns} from {name} where {conditions}) r"
    );
    let ask = sqlx::query(AssertSqlSafe(ask));
    let row = bound(ask, key).fetch_optional(snapshot).await?;
    let text: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    // Numbers beyond every float are for Postgres alone to read.
    Ok(text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

fn bound<'q>(ask: Asked<'q>, key: &'q Key) -> Asked<'q> {
    match key {
        Key::Aggregate(tenant, id) => ask.bind(tenant).bind(id),
        Key::Bucket(tenant, model, bucket) => ask.bind(tenant).bind(model).bind(bucket),
        Key::Event(position, index) => ask.bind(position).bind(index),
        Key::Position(position) => ask.bind(position),
        Key::Version(tenant, id, from) => ask.bind(tenant).bind(id).bind(from),
    }
}

/// The events behind a row.
async fn events(
    (here, there): (&mut PgConnection, &mut PgConnection),
    shape: Shape,
    key: &Key,
    sample: &Sample,
) -> Result<Vec<EventBehind>, StoreError> {
    match key {
        Key::Bucket(..) => Ok(Vec::new()),
        Key::Event(position, _) => Ok(vec![EventBehind {
            position: Position(*position as u64),
            name: sample.text("type").unwrap_or_default().to_owned(),
            what: Some(sample.what),
        }]),
        Key::Position(position) => {
            let ask = || sqlx::query(include_str!("at_position.sql")).bind(position);
            behind(
                (here, there),
                (ask(), ask()),
                &sample.numbers(&["position"]),
            )
            .await
        }
        Key::Aggregate(tenant, id) | Key::Version(tenant, id, _) => {
            let last = sample.numbers(&["version"]).last().copied();
            let ask = || {
                let ask = sqlx::query(include_str!("of_aggregate.sql")).bind(tenant);
                let ask = ask.bind(shape.kind().map(AggregateKind::name)).bind(id);
                // The commit that ends a version has the next one.
                ask.bind(last.unwrap_or(0).saturating_add(1))
            };
            let own = sample.numbers(&["position", "valid_from", "valid_to"]);
            behind((here, there), (ask(), ask()), &own).await
        }
    }
}

/// Of the events that each copy tells, those at the positions `own` and the first of the others in
/// which the copies differ.
async fn behind(
    (here, there): (&mut PgConnection, &mut PgConnection),
    (one, other): (Asked<'_>, Asked<'_>),
    own: &BTreeSet<i64>,
) -> Result<Vec<EventBehind>, StoreError> {
    let (mut one, mut other) = (one.fetch(here), other.fetch(there));
    let (mut left, mut right) = (next(&mut one).await?, next(&mut other).await?);
    let (mut events, mut others) = (Vec::new(), 0);
    loop {
        let (told, what) = match (&left, &right) {
            (None, None) => return Ok(events),
            (Some(told), Some(again)) if told == again => (told, None),
            (Some(told), Some(again)) if told.0 == again.0 => (again, Some(What::Changed)),
            (Some(told), Some(again)) if told.0 < again.0 => (told, Some(What::Removed)),
            (Some(told), None) => (told, Some(What::Removed)),
            (_, Some(told)) => (told, Some(What::Added)),
        };
        let ((position, _), name, _) = told;
        let is_own = own.contains(position);
        if is_own || (what.is_some() && others < EVENTS) {
            others += usize::from(!is_own);
            events.push(EventBehind {
                position: Position(*position as u64),
                name: name.clone(),
                what,
            });
        }
        let (on_left, on_right) = (what != Some(What::Added), what != Some(What::Removed));
        if on_left {
            left = next(&mut one).await?;
        }
        if on_right {
            right = next(&mut other).await?;
        }
    }
}

async fn next(
    rows: &mut BoxStream<'_, Result<PgRow, sqlx::Error>>,
) -> Result<Option<Told>, sqlx::Error> {
    let Some(row) = rows.try_next().await? else {
        return Ok(None);
    };
    let place = (row.try_get("position")?, row.try_get("index")?);
    Ok(Some((place, row.try_get("type")?, row.try_get("digest")?)))
}

impl Sample {
    fn rows(&self) -> impl Iterator<Item = &Value> {
        [&self.one, &self.other].into_iter().flatten()
    }

    /// What the rows have in these columns.
    fn numbers(&self, columns: &[&str]) -> BTreeSet<i64> {
        let values = self
            .rows()
            .flat_map(|row| columns.iter().map(|name| row.get(name)));
        values.flatten().filter_map(Value::as_i64).collect()
    }

    fn text(&self, column: &str) -> Option<&str> {
        self.rows().find_map(|row| row.get(column)?.as_str())
    }

    fn uuid(&self, column: &str) -> Option<Uuid> {
        self.text(column)?.parse().ok()
    }
}

/// Adds the fields below `at` that are not alike.
fn unlike(at: &mut String, one: &Value, other: &Value, fields: &mut Vec<String>) {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        if one != other {
            fields.push(at.clone());
        }
        return;
    };
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    for name in names {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => unlike(at, one, other, fields),
            _ => fields.push(at.clone()),
        }
        at.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_differ_are_named_down_to_the_leaf() {
        let one = json!({"a": {"b": 1, "c": [1]}, "d/e": null, "same": {}});
        let other = json!({"a": {"b": 2, "c": [1, 2]}, "f~": 0, "same": {}});
        let mut fields = Vec::new();
        unlike(&mut String::new(), &one, &other, &mut fields);
        assert_eq!(fields, ["/a/b", "/a/c", "/d~1e", "/f~0"]);
    }
}
