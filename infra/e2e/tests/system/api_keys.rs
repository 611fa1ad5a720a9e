//! API keys on the running system: what opens with one, how soon it ends, and where it can be read.
//!
//! Invariant: the search finds what is there. What a key begins with is no secret, goes the same
//! ways, and must be found in the files of both servers.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    erasure::{holding, holds},
    harness::{Api, Stream, build_dir, until},
    shared,
};

/// How soon a revoked key must be refused, and its streams be over.
const HEARD_WITHIN: Duration = Duration::from_secs(2);
const PASSWORD: &str = "a password for keys";

/// A key and where it is shown.
struct Key {
    api: Api,
    path: String,
    text: String,
}

pub async fn a_key_lives_and_ends() -> Result<()> {
    let admin = shared::admin().await?;
    let log = build_dir()?.join("e2e").join("shared.log");
    let before = fs::read(&log)?.len();
    let owner = operator(&admin, "keeper.of.keys@example.org").await?;
    let key = make(&owner, &["tasks:read", "tasks:write", "stream:read"]).await?;
    let task = key.api.post("/tasks", &json!({"kind": "echo"})).await?;
    let task = format!("/tasks/{}", task.expect(201)?.string("/id")?);
    key.api.get("/jobs").await?.problem(403, "FORBIDDEN")?;
    let more = json!({"name": "more", "scopes": ["tasks:read"]});
    let more = key.api.post("/api-keys", &more).await?;
    more.problem(403, "FORBIDDEN")?;
    let wide = json!({"name": "wide", "scopes": ["users:write"]});
    let wide = owner.post("/api-keys", &wide).await?;
    wide.problem(400, "INVALID_BODY")?;
    not_mistaken(&owner, &key).await?;

    let other = operator(&admin, "stranger.to.keys@example.org").await?;
    for method in ["GET", "DELETE"] {
        let answer = other.ask(method, &key.path)?.send().await?;
        answer.problem(404, "NOT_FOUND")?;
    }
    let used = async || {
        let shown = owner.get(&key.path).await?.expect(200)?.json()?;
        Ok((!shown["last_used_at"].is_null()).then_some(()))
    };
    until("its use to be shown", HEARD_WITHIN, used).await?;

    let mut stream = Stream::open(&key.api, None).await?;
    stream.next(Duration::from_secs(5)).await.context("hello")?;
    let revoked = Instant::now();
    let answer = admin.ask("DELETE", &key.path)?.send().await?;
    answer.expect(204)?;
    key.api
        .get(&task)
        .await?
        .problem(401, "AUTHENTICATION_REQUIRED")?;
    while stream.next(HEARD_WITHIN).await.is_ok() {
        ensure!(revoked.elapsed() < HEARD_WITHIN, "the stream goes on");
    }
    let took = revoked.elapsed();
    ensure!(took < HEARD_WITHIN, "the stream ended after {took:?}");
    nowhere(&key, &log, before).await
}

/// What each documented operation answers to a key of each scope.
pub async fn a_scope_opens_what_is_documented() -> Result<()> {
    let admin = shared::admin().await?;
    let document = admin.get("!/api/openapi.json").await?.expect(200)?.json()?;
    let unknown = "01990000-0000-7000-8000-00000000dead";
    let (mut operations, mut scopes) = (Vec::new(), vec!["*:read".to_owned()]);
    let paths = document["paths"].as_object().context("paths")?;
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().context("methods")? {
            let ways = operation["security"].as_array().context("security")?;
            if ways.is_empty() {
                continue;
            }
            let way = ways.iter().find_map(|way| way.get("api_key"));
            let needed = way.map(|way| way[0].as_str().unwrap_or_default().to_owned());
            let path = path.replace("{id}", unknown).replace("{name}", "unknown");
            scopes.extend(needed.clone().filter(|scope| !scope.is_empty()));
            operations.push((method.to_uppercase(), path, needed));
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    ensure!(scopes.len() > 9 && operations.len() > 40, "{scopes:?}");
    for scope in &scopes {
        let key = make(&admin, &[scope]).await?;
        for (method, path, needed) in &operations {
            let may = needed.as_deref().is_some_and(|needed| {
                let every = scope == "*:read" && needed.ends_with(":read");
                needed.is_empty() || needed == scope || every
            });
            // A stream has no end to wait for.
            let response = key.api.ask(method, &format!("!{path}"))?.open().await?;
            let status = response.status().as_u16();
            let place = format!("{scope}: {method} {path}: {status}");
            ensure!((status != 403) == may, "{place}");
            ensure!(status != 401 && status < 500, "{place}");
        }
        let revoke = admin.ask("DELETE", &key.path)?.send().await?;
        revoke.expect(204)?;
    }
    Ok(())
}

/// A key is no refresh token, an access token no key, and a slip is found.
async fn not_mistaken(owner: &Api, key: &Key) -> Result<()> {
    let stranger = Api::at(owner.gateway())?;
    let refresh = json!({ "refresh_token": key.text });
    let refresh = stranger.post("/auth/refresh", &refresh).await?;
    refresh.problem(401, "INVALID_REFRESH_TOKEN")?;
    for wrong in [
        key.text.replacen("alm_0", "alm_1", 1),
        key.text[..key.text.len() - 1].to_owned(),
        format!("alm_{}", owner.bearer()),
        format!("{}{}", key.text, owner.bearer()),
    ] {
        let refused = stranger.with_bearer(&wrong).get("/stats").await?;
        refused.problem(401, "AUTHENTICATION_REQUIRED")?;
    }
    Ok(())
}

/// Its secret is in no file of the system.
async fn nowhere(key: &Key, log: &std::path::Path, before: usize) -> Result<()> {
    let mut parts = key.text.split('_').skip(1);
    let id = parts.next().context("an id")?;
    let secret = parts.next().context("a secret")?;
    let (_, data) = shared::told().await?;
    for server in [data.join("nats"), data.join("postgres")] {
        let what = format!("{id} in {}", server.display());
        let found = async || Ok((!holding(&server, &[id])?.is_empty()).then_some(()));
        until(&what, Duration::from_secs(20), found).await?;
    }
    let found = holding(&data, &[secret])?;
    ensure!(found.is_empty(), "its secret can be read in {found:?}");
    let logged = fs::read(log)?;
    let told = logged
        .get(before..)
        .is_some_and(|logged| holds(logged, &[secret]));
    ensure!(!told, "its secret can be read in {}", log.display());
    Ok(())
}

async fn operator(admin: &Api, email: &str) -> Result<Api> {
    let person = json!({"email": email, "name": "K", "password": PASSWORD, "role": "operator"});
    admin.post("/users", &person).await?.expect(201)?;
    Api::at(admin.gateway())?.sign_in(email, PASSWORD).await
}

async fn make(owner: &Api, scopes: &[&str]) -> Result<Key> {
    let wanted = json!({"name": "e2e", "scopes": scopes});
    let made = owner.post("/api-keys", &wanted).await?.expect(201)?;
    let (id, text) = (made.string("/id")?, made.string("/key")?);
    let path = format!("/api-keys/{id}");
    let shown: Value = owner.get_after(&path, &made).await?.expect(200)?.json()?;
    ensure!(
        shown["key"].is_null() && !shown.to_string().contains(&text[27..]),
        "{shown}"
    );
    Ok(Key {
        api: owner.with_bearer(&text),
        path,
        text,
    })
}
