//! Lists as they were: fifty tasks as of any position, out of a long history.
//!
//! Invariant: one question at a time, at positions spread over the whole log; the bare statement
//! asks the same rows of the same tables at the same positions, prepared and without a gateway.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use commands::DEFAULT_TENANT;
use event_log::EventLog as _;
use tokio_postgres::NoTls;

use crate::{
    filling,
    http::Connection,
    latency::Latencies,
    load::Scale,
    report::{Report, Row},
    role::Part,
    world::World,
};

/// What is asked for: the question's query, and the column and status that it is about.
struct Asked {
    name: &'static str,
    query: &'static str,
    status: &'static str,
    sorted: &'static str,
}

/// The default, and one with a filter and an order of its own: few tasks run at any moment, and by
/// now none does.
const ASKED: [Asked; 2] = [
    Asked {
        name: "GET /tasks?limit=50&as_of=<any position>",
        query: "limit=50",
        status: "<> 'skipped'",
        sorted: "created_at",
    },
    Asked {
        name: "the same with status=running&sort=-updated_at",
        query: "limit=50&status=running&sort=-updated_at",
        status: "= 'running'",
        sorted: "updated_at",
    },
];

impl Asked {
    /// A page and one more, as the gateway asks for it.
    fn statement(&self) -> String {
        let Self { status, sorted, .. } = self;
        format!(
            "
    with now as materialized (
        select id, version, position, state, {sorted} as sorted from app.tasks
        where tenant_id = $1 and status {status} and position <= $2 and {sorted} <= (
            select latest from app.moments where position >= $2 order by position limit 1)
        order by {sorted} desc, id desc limit 51
    )
    select * from now union all (
        select id, version, valid_from, state, {sorted} from app.tasks_history
        where tenant_id = $1 and status {status} and valid_from <= $2 and valid_to > $2
            and {sorted} <= (
                select latest from app.moments where position >= $2 order by position limit 1)
            and {sorted} >= (
                select case when count(*) > 50 then min(sorted) else '-infinity' end from now)
        order by {sorted} desc, id desc limit 51
    ) order by sorted desc, id desc limit 51"
        )
    }
}

/// Measures on a history of about `history` ended versions.
pub async fn run(scale: Scale, history: usize) -> Result<Report> {
    let world = World::start().await?;
    // Two versions of each task have ended, and one is current.
    filling::lives(&world, history / 2 * 3).await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    projector.end().await?;
    let head = world.log.head().await?.position.0;
    let url = world.servers().postgres.url("almanac");
    let mut report = Report::new("as-of (one question at a time, over HTTP)");
    let mut count = 0;
    for one in &ASKED {
        let limit = bare(&url, one, head, scale).await?;
        let asked = through_almanac(site.connect().await?, one, head, scale).await?;
        report.row(Row::latency("bare: the same statement, prepared", &limit));
        report.row(Row::latency(one.name, &asked).against_p50("bare", &limit));
        count += asked.count();
    }
    report.remark(format!(
        "goal: p99 at most 50 ms out of 1,000,000 ended versions; {history} here, {count} questions"
    ));
    gateway.end().await?;
    Ok(report)
}

async fn through_almanac(
    mut connection: Connection,
    one: &Asked,
    head: u64,
    scale: Scale,
) -> Result<Latencies> {
    let mut latencies = Latencies::new();
    let end = Instant::now() + scale.whole();
    let mut positions = positions(head);
    while Instant::now() < end {
        let position = positions.next().context("endless")?;
        let path = format!("/api/v1/tasks?{}&as_of={position}", one.query);
        let began = Instant::now();
        connection.get(&path, None).await?;
        latencies.record(began.elapsed());
    }
    Ok(latencies)
}

async fn bare(url: &str, one: &Asked, head: u64, scale: Scale) -> Result<Latencies> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("Postgres")?;
    // Its failure is seen by the next statement.
    tokio::spawn(connection);
    // What a read model's own housekeeping does sooner or later.
    client
        .batch_execute("analyze app.tasks, app.tasks_history, app.moments")
        .await?;
    let same = client.prepare(&one.statement()).await?;
    let tenant = DEFAULT_TENANT.uuid();
    let mut latencies = Latencies::new();
    let end = Instant::now() + scale.whole();
    let mut positions = positions(head);
    while Instant::now() < end {
        let position = positions.next().context("endless")? as i64;
        let began = Instant::now();
        let rows = client.query(&same, &[&tenant, &position]).await?;
        latencies.record(began.elapsed());
        ensure!(rows.len() <= 51, "{} rows", rows.len());
    }
    Ok(latencies)
}

/// Positions all over the log, neighbours far apart.
fn positions(head: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |turn: u64| 1 + turn.wrapping_mul(7_919_003) % head)
}
