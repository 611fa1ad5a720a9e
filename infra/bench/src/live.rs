//! Lists that are followed: how soon a change is told to one client, and to each of many who follow
//! the same list.
//!
//! Invariant: every client has all rows before the write is sent, and every one is waited for.

use anyhow::Result;
use bytes::Bytes;
use serde_json::json;

use crate::{
    fixture,
    http::Site,
    load::Scale,
    machine::resident_kib,
    report::{Report, Row},
    role::Part,
    sse::{self, Audience, COMMIT, Rounds},
    world::World,
};

/// The line of a change.
const DELTA: &[u8] = b"event: delta\n";
/// Goals, in milliseconds and KiB.
const ONE_MS: f64 = 50.0;
const EACH_MS: f64 = 150.0;
const EACH_KIB: f64 = 32.0;

/// Measures with one client, and then with `clients`.
pub async fn run(scale: Scale, clients: usize) -> Result<Report> {
    let world = World::start().await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    let bare = world.bare().await?;
    let bare_site = Site::new(bare.address(), "none")?;
    let line = Bytes::from(format!("event: commit\ndata: {}\n\n", "x".repeat(700)));
    let mut report = Report::new("live (one write, told to all who follow the list)");
    let mut figures = Vec::new();
    // Each list is empty when its followers come.
    for (count, kind, path) in [
        (
            1,
            "live-one",
            "/api/v1/stream?collection=tasks&kind=live-one",
        ),
        (
            clients,
            "live-all",
            "/api/v1/stream?collection=tasks&kind=live-all",
        ),
    ] {
        let audience = Audience::gather(&bare_site, "/stream", COMMIT, count).await?;
        let posts = bare_site.connect().await?;
        let limit = sse::rounds(audience, posts, "/fire", &line, scale).await?;
        let before = resident_kib(gateway.pid())?;
        let audience = Audience::gather(&site, path, DELTA, count).await?;
        let each_kib = (resident_kib(gateway.pid())? - before) / count as f64;
        let body = json!({ "kind": kind, "payload": fixture::payload() }).to_string();
        let posts = site.connect().await?;
        let told = sse::rounds(audience, posts, "/api/v1/tasks", &body.into(), scale).await?;
        rows(&mut report, count, &limit, &told);
        figures.push((told.each.quantile_ms(0.99), each_kib));
    }
    if let [(one, _), (each, each_kib)] = figures[..] {
        report.remark(format!(
            "p99 to one {one:.1} ms (goal {ONE_MS} ms), to each of {clients} {each:.1} ms (goal \
             {EACH_MS} ms); {each_kib:.1} KiB of the gateway for each (goal {EACH_KIB} KiB)"
        ));
    }
    for part in [bare, projector, gateway] {
        part.end().await?;
    }
    Ok(report)
}

fn rows(report: &mut Report, count: usize, limit: &Rounds, told: &Rounds) {
    let name = format!("bare broadcast, each of {count}");
    report.row(Row::latency(name, &limit.each));
    let name = format!("POST → delta, each of {count}");
    report.row(Row::latency(name, &told.each).against_p50("bare", &limit.each));
    let name = format!("POST → delta, the last of {count}");
    report.row(Row::latency(name, &told.last).against_p50("bare", &limit.last));
}
