//! Signing in, and what it costs each request to be known.
//!
//! Invariant: the bare figure hashes with the parameters of Almanac, as many at a time; a token
//! that is checked "for the first time" was never seen by the process that checks it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use argon2_rust::{
    Algorithm, Argon2, Hasher, Params, Version,
    params::{Memory, TagLen},
};
use bytes::Bytes;
use commands::{DEFAULT_TENANT, Identity};
use domain::{UserId, user::Role};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    http::{Connection, Site},
    latency::Latencies,
    load::{self, Scale, Step},
    machine::Cpu,
    report::{Report, Row},
    world::{ADMIN, World},
};

/// How many sign in at the same time.
const PARALLEL: usize = 8;
/// How many hashes Almanac computes at a time.
const HASHES: usize = 2;
/// How many tokens are checked, each for the first time and again.
const TOKENS: usize = 500;
/// How often each is checked again.
const AGAIN: usize = 200;
/// How many requests of either kind are compared.
const REQUESTS: usize = 10_000;
/// Served from memory, to who is signed in.
const AUTHORISED: &str = "/api/v1/settings/schema";
/// Served from memory, to everybody.
const OPEN: &str = "/api/v1/auth/oidc";
/// How long signing in is measured at least: about seventy a second, of which the slowest hundredth
/// is asked for.
const MEASURED: Duration = Duration::from_secs(20);
/// The longest that one of a hundred sign-ins may take, in milliseconds.
const SIGN_IN_MS: f64 = 150.0;
/// The most that being authorised may add to a request, in microseconds.
const AUTHORISATION_US: f64 = 100.0;
/// How often a stranger guesses at somebody and at nobody.
const GUESSES: usize = 400;

struct SignIn {
    body: Bytes,
    connection: Connection,
}

impl Step for SignIn {
    async fn step(&mut self) -> Result<()> {
        let path = "/api/v1/auth/login";
        self.connection.post_ok(path, self.body.clone()).await?;
        Ok(())
    }
}

/// Hashes one after the other, with memory that is handed on.
struct Hash {
    hashers: Arc<Mutex<Vec<Hasher>>>,
    turns: Arc<Semaphore>,
}

impl Step for Hash {
    async fn step(&mut self) -> Result<()> {
        let turn = self.turns.clone().acquire_owned().await?;
        let hashers = self.hashers.clone();
        let hashed = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut hasher = hashers.lock().ok()?.pop()?;
            let mut hash = [0; 32];
            let (password, salt) = (ADMIN.1.as_bytes(), [7; 16]);
            let computed = hasher.hash_into(password, &salt, &mut hash);
            hashers.lock().ok()?.push(hasher);
            computed.ok()
        });
        hashed.await?.context("a hash")
    }
}

/// Measures with the passwords of one administrator.
pub async fn run(scale: Scale) -> Result<Report> {
    let scale = scale.at_least(MEASURED);
    let mut report = Report::new("sign-in (8 at a time, argon2id of 7 MiB, 5 passes)");
    let turns = Arc::new(Semaphore::new(HASHES));
    let params = Params::builder().memory(Memory::mib(7)).passes(5).lanes(1);
    let params = params.tag_len(TagLen::bytes(32)).build();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params?);
    let hashers = Arc::new(Mutex::new((0..HASHES).map(|_| argon2.hasher()).collect()));
    let actors = (0..PARALLEL).map(|_| Hash {
        hashers: hashers.clone(),
        turns: turns.clone(),
    });
    let limit = load::closed_loop(scale, actors.collect()).await?;
    let world = World::start().await?;
    let (gateway, site) = world.gateway().await?;
    let body = Bytes::from(json!({"email": ADMIN.0, "password": ADMIN.1}).to_string());
    let connections = site.connect_all(PARALLEL).await?;
    let actors = connections.into_iter().map(|connection| SignIn {
        body: body.clone(),
        connection,
    });
    let mut processes = vec![("load", std::process::id()), ("gateway", gateway.pid())];
    processes.extend(world.processes()?);
    let before = Cpu::now(&processes)?;
    let measured = load::closed_loop(scale, actors.collect()).await?;
    let spent = before.since(&processes)?;
    let (open, authorised) = beside(&site).await?;
    gateway.end().await?;
    report.row(Row::of("bare argon2id, 2 of 8 at a time", &limit));
    report.row(Row::of("POST /auth/login", &measured).against_rate("bare", limit.rate));
    let all = measured.rate * scale.whole().as_secs_f64();
    report.remark(spent.per(all, "sign-in"));
    let p99 = measured.latencies.quantile_ms(0.99);
    report.goal("a sign-in, p99", p99, SIGN_IN_MS, "ms");
    report.row(Row::latency(format!("GET {OPEN}"), &open));
    let row = Row::latency(format!("GET {AUTHORISED}"), &authorised);
    report.row(row.against_p50("open", &open));
    let added = (authorised.quantile_ms(0.5) - open.quantile_ms(0.5)) * 1e3;
    let what = "what a request costs more that wants to be authorised, p50";
    report.goal(what, added, AUTHORISATION_US, "µs");
    let (identity, _) = Box::pin(world.sign_in()).await?;
    report.remark(guesses(&identity).await?);
    let (first, again) = Box::pin(checks(&world, &identity)).await?;
    report.row(Row::latency("a token, checked for the first time", &first));
    report.remark(format!(
        "the same token checked again: {:.1} µs in the mean",
        again.as_secs_f64() * 1e6
    ));
    Ok(report)
}

/// Requests for what is open and for what is not, in turn on one connection: what the latter take
/// longer is the token, the sign-in's state, the limits of a user, the table of permissions, and
/// whatever else lies between.
async fn beside(site: &Site) -> Result<(Latencies, Latencies)> {
    let mut connection = site.connect().await?;
    let mut both = [Latencies::new(), Latencies::new()];
    for count in 0..REQUESTS + REQUESTS / 10 {
        for (path, latencies) in [OPEN, AUTHORISED].into_iter().zip(&mut both) {
            let started = Instant::now();
            connection.get(path, None).await?;
            // The first of them find nothing warm.
            if count >= REQUESTS / 10 {
                latencies.record(started.elapsed());
            }
        }
    }
    let [open, authorised] = both;
    Ok((open, authorised))
}

/// Whether time tells a stranger who exists: wrong passwords of somebody and of nobody in turn,
/// and Welch's t of their logarithms, so that one long pause of the machine does not hide a
/// difference.
async fn guesses(identity: &Identity) -> Result<String> {
    let mut took = [Vec::new(), Vec::new()];
    for guess in 0..GUESSES {
        for (email, took) in [ADMIN.0, "nobody@example.com"].into_iter().zip(&mut took) {
            let password = SecretString::from(format!("a guess: {guess}"));
            let started = Instant::now();
            let known = identity.sign_in(DEFAULT_TENANT, email, password).await?;
            took.push(started.elapsed().as_secs_f64().ln());
            ensure!(known.is_none(), "a guess was right");
        }
    }
    let [(somebody, spread), (nobody, other)] = took.map(|took| {
        let count = took.len() as f64;
        let mean = took.iter().sum::<f64>() / count;
        let square = |ln: &f64| (ln - mean).powi(2);
        let variance = took.iter().map(square).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    let t = (somebody - nobody) / (spread + other).sqrt();
    Ok(format!(
        "a wrong password of somebody takes {:.2} ms, of nobody {:.2} ms (geometric means of \
         {GUESSES} in turn): Welch's t {t:.2}; goal: below 4.5 either way",
        somebody.exp() * 1e3,
        nobody.exp() * 1e3,
    ))
}

/// How long it takes to know whose token it is: for the first time, and in the mean from then on.
async fn checks(world: &World, identity: &Identity) -> Result<(Latencies, Duration)> {
    let user = UserId::new(world.author.ids().next());
    let mut tokens = Vec::with_capacity(TOKENS);
    for _ in 0..TOKENS {
        let started = identity.start_session(DEFAULT_TENANT, user, Role::Admin);
        tokens.push(started.await?.access);
    }
    let mut first = Latencies::new();
    for token in &tokens {
        let started = Instant::now();
        let known = identity.verify(token.expose_secret());
        first.record(started.elapsed());
        ensure!(known.is_some(), "a token that is good is refused");
    }
    let started = Instant::now();
    for _ in 0..AGAIN {
        for token in &tokens {
            ensure!(identity.verify(token.expose_secret()).is_some(), "refused");
        }
    }
    let checks = u32::try_from(AGAIN * TOKENS)?;
    Ok((first, started.elapsed() / checks))
}
