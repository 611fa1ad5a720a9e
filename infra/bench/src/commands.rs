//! Commands per second: in process, then over HTTP with and without the projector, and what each
//! costs.
//!
//! Invariant: every command makes a new object, so none waits for another, and each is durable
//! when it is answered.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use commands::{Ask, Commands, DEFAULT_TENANT};
use domain::{
    Actor, CommandId,
    task::{Task, TaskCommand},
};
use event_log::EventLog as _;
use projections::Freshness;
use runtime::Ids;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    append, fixture,
    http::{Connection, Site},
    load::{self, Measured, Scale, Step},
    machine::{Cpu, Spent},
    report::{Report, Row},
    role::{Part, Role},
    stages,
    world::World,
};

/// How many connections ask at once.
const CONNECTIONS: [usize; 3] = [1, 64, 256];

struct Executes {
    commands: Commands,
    ids: Ids,
}

struct Posts {
    body: Bytes,
    connection: Connection,
    path: &'static str,
}

/// A running gateway with what is measured beside it.
struct Scene<'a> {
    gateway: Role,
    projector: Option<Role>,
    scale: Scale,
    site: Site,
    world: &'a World,
}

impl Step for Executes {
    async fn step(&mut self) -> Result<()> {
        let id = self.ids.next();
        let actor = Actor::System("bench".to_owned());
        let mut ask = Ask::new(actor, DEFAULT_TENANT, id, CommandId::new(id));
        ask.fresh = true;
        let command = TaskCommand::Create(fixture::task());
        self.commands.execute::<Task>(ask, command).await?;
        Ok(())
    }
}

impl Step for Posts {
    async fn step(&mut self) -> Result<()> {
        self.connection.post(self.path, self.body.clone()).await?;
        Ok(())
    }
}

/// Measures.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = World::start().await?;
    let mut report = Report::new("commands (new tasks and resources, durable, one event each)");
    in_process(&world, scale, &mut report).await?;
    let (identity, token) = Box::pin(world.sign_in()).await?;
    report.remark(stages::told(
        &identity,
        token.expose_secret(),
        &task_body(),
    )?);
    let (gateway, site) = world.gateway().await?;
    let projector = Some(world.part(Part::Projector).await?);
    world.caught_up().await?;
    let mut scene = Scene {
        gateway,
        projector,
        scale,
        site,
        world: &world,
    };
    over_http(&scene, &mut report).await?;
    if let Some(projector) = scene.projector.take() {
        projector.end().await?;
    }
    let (without, spent, _) = scene.posts("/api/v1/tasks", task_body(), 256).await?;
    report.row(Row::of(
        "POST /tasks, 256 connections, no projector",
        &without,
    ));
    report.remark(cost(
        &without,
        &spent,
        scale,
        "POST /tasks without projector",
    ));
    report.remark("goal: above 5,400/s at 256 connections, or the CPU time that bounds it");
    scene.gateway.end().await?;
    Ok(report)
}

async fn in_process(world: &World, scale: Scale, report: &mut Report) -> Result<()> {
    let log = Arc::new(world.log(true).await?);
    for count in [64, 256] {
        let commands = world.commands();
        let actor = || Executes {
            commands: commands.clone(),
            ids: world.author.ids().clone(),
        };
        let (mut limits, mut measured) = (Vec::new(), Vec::new());
        // They take turns, so that a slow moment of the disk hits both.
        for _ in 0..load::ROUNDS {
            let writers = append::writers(&world.author, &log, count);
            limits.push(load::closed_loop(scale, writers).await?);
            let actors = std::iter::repeat_with(actor).take(count).collect();
            measured.push(load::closed_loop(scale, actors).await?);
        }
        let (limit, measured) = (load::median(limits)?, load::median(measured)?);
        report.row(
            Row::of(format!("in process, {count} at once"), &measured)
                .against_rate("append alone", limit.rate),
        );
    }
    Ok(())
}

async fn over_http(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let log = Arc::new(scene.world.log(true).await?);
    let bare = scene.world.bare().await?;
    for count in CONNECTIONS {
        let echo = Site::new(bare.address(), "none")?;
        let echo =
            load::rounds(async || posts(&echo, "/echo", task_body(), count, scene.scale).await);
        let echo = load::median(echo.await?)?;
        let append = load::rounds(async || {
            let writers = append::writers(&scene.world.author, &log, count);
            let measured = load::closed_loop(scene.scale, writers).await;
            scene.world.caught_up().await?;
            measured
        });
        let append = load::median(append.await?)?;
        report.row(Row::of(
            format!("bare hyper echo, {count} connections"),
            &echo,
        ));
        for (path, body) in [
            ("/api/v1/tasks", task_body()),
            ("/api/v1/resources", resource_body()),
        ] {
            let (measured, spent, lag) = scene.posts(path, body, count).await?;
            let short = path.trim_start_matches("/api/v1");
            report.row(
                Row::of(format!("POST {short}, {count} connections"), &measured)
                    .against_rate("append alone, projector on", append.rate),
            );
            let name = format!("POST {short} at {count}");
            report.remark(cost(&measured, &spent, scene.scale, &name));
            if let Some(lag) = lag {
                report.remark(format!(
                    "{name}: the projector was {lag} commits behind at the end"
                ));
            }
        }
    }
    bare.end().await
}

impl Scene<'_> {
    /// Posts from `count` connections, the CPU time of all that takes part, and how far the read
    /// models were behind at the end: all of the round in the middle. Each round begins with them
    /// up to date.
    async fn posts(
        &self,
        path: &'static str,
        body: Bytes,
        count: usize,
    ) -> Result<(Measured, Spent, Option<u64>)> {
        let mut processes = vec![
            ("load", std::process::id()),
            ("gateway", self.gateway.pid()),
        ];
        processes.extend(self.world.processes()?);
        processes.extend(
            self.projector
                .as_ref()
                .map(|role| ("projector", role.pid())),
        );
        let rounds = load::rounds(async || {
            let before = Cpu::now(&processes)?;
            let measured = posts(&self.site, path, body.clone(), count, self.scale).await?;
            let (spent, lag) = (before.since(&processes)?, self.lag().await?);
            if lag.is_some() {
                self.world.caught_up().await?;
            }
            Ok((measured, spent, lag))
        });
        load::median_by(rounds.await?, |(measured, ..)| measured.rate)
    }

    /// How far the read models are behind the log; none without a projector.
    async fn lag(&self) -> Result<Option<u64>> {
        if self.projector.is_none() {
            return Ok(None);
        }
        let head = self.world.log.head().await?.position;
        let freshness = Freshness::watch(&self.world.store);
        let reached = freshness.wait_for(head, std::time::Duration::ZERO).await;
        Ok(Some(reached.map_or_else(
            |lag| head.0.saturating_sub(lag.reached.0),
            |_| 0,
        )))
    }
}

async fn posts(
    site: &Site,
    path: &'static str,
    body: Bytes,
    count: usize,
    scale: Scale,
) -> Result<Measured> {
    let connections = site.connect_all(count).await?;
    let actors = connections
        .into_iter()
        .map(|connection| Posts {
            body: body.clone(),
            connection,
            path,
        })
        .collect();
    load::closed_loop(scale, actors).await
}

/// CPU time includes warming up, so it is divided by what was done in that time, too.
fn cost(measured: &Measured, spent: &Spent, scale: Scale, what: &str) -> String {
    let all = measured.rate * scale.whole().as_secs_f64();
    spent.per(all, what)
}

fn task_body() -> Bytes {
    Bytes::from(json!({ "kind": "echo", "payload": fixture::payload() }).to_string())
}

fn resource_body() -> Bytes {
    let body = json!({
        "type": "server",
        "name": "web-1",
        "attributes": fixture::payload(),
        "labels": { "env": "bench" },
    });
    Bytes::from(body.to_string())
}
