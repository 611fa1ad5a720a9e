//! An invitation from outside: made, lost, made again, accepted by one.
//!
//! Invariant: its token is in one answer, and in no file of the installation.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    erasure::{holding, holds},
    harness::{Api, build_dir},
    shared,
};

const EMAIL: &str = "invited@example.org";
const RIVALS: usize = 6;

pub async fn whoever_is_invited_lets_themselves_in_once() -> Result<()> {
    let admin = shared::admin().await?;
    let log = build_dir()?.join("e2e").join("shared.log");
    let before = fs::read(&log)?.len();
    let wanted = json!({"email": EMAIL, "name": "In", "role": "viewer"});
    let first = admin.post("/users/invite", &wanted).await?.expect(201)?;
    let user = format!("/users/{}", first.string("/user/id")?);
    let shown = admin.get_after(&user, &first).await?.expect(200)?.json()?;
    ensure!(shown["invited"] == true, "{shown}");
    let again = admin.post(&format!("{user}/invite"), &json!({})).await?;
    let again = again.expect(200)?;
    let stranger = Api::at(admin.gateway())?;
    let (lost, token) = (first.string("/token")?, again.string("/token")?);
    let accept = |token: &str, n: usize| {
        let password = format!("the password of rival {n}");
        let body = json!({"token": token, "password": password});
        let api = stranger.clone();
        async move { api.post("/auth/invitations/accept", &body).await }
    };
    let ended = accept(&lost, 0).await?;
    ended.problem(401, "INVALID_INVITATION")?;
    let mut rivals = JoinSet::new();
    for n in 0..RIVALS {
        let accept = accept(&token, n);
        rivals.spawn(async move { (n, accept.await) });
    }
    let mut won = Vec::new();
    while let Some(rival) = rivals.join_next().await {
        let (n, answer) = rival?;
        let answer = answer?;
        if answer.status == 200 {
            won.push((n, answer));
        } else {
            answer.problem(401, "INVALID_INVITATION")?;
        }
    }
    ensure!(won.len() == 1, "{} were let in", won.len());
    for n in 0..RIVALS {
        let body = json!({"email": EMAIL, "password": format!("the password of rival {n}")});
        let login = stranger.post("/auth/login", &body).await?;
        ensure!((login.status == 200) == (n == won[0].0), "{}", login.text());
    }
    let shown = admin.get_after(&user, &won[0].1).await?.expect(200)?;
    ensure!(shown.json()?["invited"] == false, "{}", shown.text());
    let (_, data) = shared::told().await?;
    let secrets = [lost.as_str(), token.as_str()];
    let found = holding(&data, &secrets)?;
    ensure!(found.is_empty(), "to be read in {found:?}");
    let logged = fs::read(&log)?;
    let told = logged
        .get(before..)
        .is_some_and(|logged| holds(logged, &secrets));
    ensure!(!told, "to be read in {}", log.display());
    Ok(())
}
