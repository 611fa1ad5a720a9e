//! Reads per second over HTTP: one object by its id, and a list of fifty.
//!
//! Invariant: the bare server reads a row of the same size by its primary key from the same
//! Postgres, through as many connections as the gateway keeps.

use anyhow::Result;
use uuid::Uuid;

use crate::{
    bare::postgres,
    filling,
    http::{Connection, Site},
    load::{self, Measured, Scale, Step},
    machine::Cpu,
    report::{Report, Row},
    role::Part,
    world::World,
};

const CONNECTIONS: usize = 64;

struct Gets {
    at: usize,
    connection: Connection,
    paths: std::sync::Arc<Vec<String>>,
}

impl Step for Gets {
    async fn step(&mut self) -> Result<()> {
        // A stride that meets every path once before any twice, and neighbours far apart.
        self.at = (self.at + 7_919) % self.paths.len();
        self.connection.get(&self.paths[self.at], None).await?;
        Ok(())
    }
}

/// Measures on a table of `rows` tasks.
pub async fn run(scale: Scale, rows: usize) -> Result<Report> {
    let world = World::start().await?;
    let ids = filling::births(&world, rows).await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    // Reads are measured without writes: what keeps the rows up to date may rest.
    projector.end().await?;
    let bare = world.bare().await?;
    let url = world.servers().postgres.url("almanac");
    postgres::Bare::connect(&url).await?.fill(&ids).await?;
    let unknown = Site::new(bare.address(), "none")?;
    let mut report = Report::new("reads (64 connections)");
    report.remark(format!("{} tasks in the table", ids.len()));
    for (name, bare_path, path) in [
        ("GET /tasks/{id}", "/row/", "/api/v1/tasks/"),
        ("GET /tasks?limit=50", "/rows/", "/api/v1/tasks?limit=50"),
    ] {
        let paths = |start: &str| {
            if start.ends_with('/') {
                ids.iter().map(|id: &Uuid| format!("{start}{id}")).collect()
            } else {
                vec![start.to_owned()]
            }
        };
        let limits = load::rounds(async || gets(&unknown, paths(bare_path), scale).await);
        let limit = load::median(limits.await?)?;
        let mut processes = vec![("load", std::process::id()), ("gateway", gateway.pid())];
        processes.extend(world.processes()?);
        let rounds = load::rounds(async || {
            let before = Cpu::now(&processes)?;
            let measured = gets(&site, paths(path), scale).await?;
            Ok((measured, before.since(&processes)?))
        });
        let (measured, spent) = load::median_by(rounds.await?, |(measured, _)| measured.rate)?;
        report.row(Row::of(format!("bare hyper + select for {name}"), &limit));
        report.row(Row::of(name, &measured).against_rate("bare", limit.rate));
        let all = measured.rate * scale.whole().as_secs_f64();
        report.remark(spent.per(all, name));
    }
    bare.end().await?;
    gateway.end().await?;
    Ok(report)
}

async fn gets(site: &Site, paths: Vec<String>, scale: Scale) -> Result<Measured> {
    let paths = std::sync::Arc::new(paths);
    let connections = site.connect_all(CONNECTIONS).await?;
    let actors = connections
        .into_iter()
        .enumerate()
        .map(|(at, connection)| Gets {
            at,
            connection,
            paths: paths.clone(),
        })
        .collect();
    load::closed_loop(scale, actors).await
}
