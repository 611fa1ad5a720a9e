//! Many at once, and clients that leave.
//!
//! Invariant: of those who want the same thing exactly one gets it, and the others are told.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Duration, sleep},
};

use crate::{
    harness::{Answer, Api, Ask},
    shared,
};

const RIVALS: usize = 16;
/// Far more than may wait for their password's hash at a time.
const REGISTRANTS: usize = 200;
/// Cuts of a connection, spread over the bytes of a request and what follows it.
const CUTS: usize = 24;
/// The one of them whose client waits for the answer's first byte.
const ANSWERED: usize = CUTS - 2;

pub async fn of_rivals_one_wins() -> Result<()> {
    let api = shared::admin().await?;
    let wanted = json!({"email": "Rival@example.org", "password": "long enough", "name": "R"});
    let register = || Ok(api.ask("POST", "/auth/register")?.json(&wanted));
    let (won, lost) = rivals(REGISTRANTS, register).await?;
    ensure!(won.len() == 1, "{} registered one address", won.len());
    let (taken, busy): (Vec<_>, Vec<_>) = lost.iter().partition(|answer| answer.status == 409);
    for answer in &taken {
        answer.problem(409, "EMAIL_TAKEN")?;
    }
    for answer in &busy {
        // Hashing passwords is kept to a few at a time.
        let problem = answer.problem(429, "TOO_MANY_REQUESTS")?;
        ensure!(problem["retryable"] == true, "{problem}");
        answer.header("retry-after")?.parse::<u32>()?;
    }
    ensure!(!taken.is_empty(), "nobody was told that it is taken");
    let rival = api.sign_in("rival@example.org", "long enough").await?;
    let me = rival.get("/auth/me").await?.expect(200)?;
    ensure!(
        me.text().contains(&won[0].string("/user/id")?),
        "{}",
        me.text()
    );

    let rival = json!({"type": "rival", "name": "r"});
    let prize = api.post("/resources", &rival).await?.expect(201)?;
    let path = format!("/resources/{}", prize.string("/id")?);
    let (won, lost) = rivals(RIVALS, || {
        let ask = api.ask("PATCH", &path)?.header("if-match", "\"1\"");
        Ok(ask.json(&json!({"name": "won"})))
    })
    .await?;
    ensure!(won.len() == 1, "{} won with one version", won.len());
    for answer in &lost {
        answer.problem(412, "VERSION_MISMATCH")?;
    }
    let read = api.get_after(&path, &won[0]).await?.expect(200)?;
    ensure!(read.body == won[0].body, "{}", read.text());
    Ok(())
}

pub async fn one_key_is_one_command() -> Result<()> {
    let api = shared::admin().await?;
    let wanted = json!({"type": "keyed", "name": "k"});
    let (won, lost) = rivals(RIVALS, || {
        let ask = api
            .ask("POST", "/resources")?
            .header("idempotency-key", "all at once");
        Ok(ask.json(&wanted))
    })
    .await?;
    ensure!(lost.is_empty(), "refused: {}", lost[0].text());
    let first = won
        .iter()
        .filter(|answer| answer.header("idempotent-replayed").is_err());
    ensure!(first.count() == 1, "not exactly one was the first");
    ensure!(
        won.iter().all(|answer| answer.body == won[0].body),
        "the answers differ"
    );
    let found = api.list_after("/resources?type=keyed", &won[0]).await?;
    ensure!(found.len() == 1, "{found:?}");
    Ok(())
}

pub async fn clients_may_leave_at_any_byte() -> Result<()> {
    let api = shared::admin().await?;
    for cut in 0..CUTS {
        cut_off(&api, cut).await?;
    }
    // Asking again with the same key settles each; whatever was stored, it was stored once.
    let mut answers = Vec::new();
    for cut in 0..CUTS {
        let ask = api
            .ask("POST", "/resources")?
            .header("idempotency-key", &format!("cut-{cut:02}"));
        answers.push(ask.json(&wanted(cut)).send().await?.expect(201)?);
    }
    let was_stored = |answer: &Answer| answer.header("idempotent-replayed").is_ok();
    ensure!(was_stored(&answers[ANSWERED]), "an answer told a falsehood");
    ensure!(!was_stored(&answers[1]), "the first byte was a command");
    let last = answers.last().context("cuts")?;
    let found = api.list_after("/resources?type=cut", last).await?;
    ensure!(
        found.len() == CUTS,
        "{} objects of {CUTS} commands",
        found.len()
    );
    Ok(())
}

fn wanted(cut: usize) -> Value {
    json!({"type": "cut", "name": format!("cut {cut:02}")})
}

/// Sends a create, or the first part of one, and leaves without reading the answer; that of
/// `ANSWERED` has begun by then.
async fn cut_off(api: &Api, cut: usize) -> Result<()> {
    let body = wanted(cut).to_string();
    let request = format!(
        "POST /api/v1/resources HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: cut-{cut:02}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        api.bearer(),
        body.len()
    );
    // Every second one is sent whole, and left a little later each time.
    let is_whole = cut.is_multiple_of(2);
    let end = if is_whole {
        request.len()
    } else {
        request.len() * cut / CUTS
    };
    let mut socket = TcpStream::connect(api.gateway().trim_start_matches("http://")).await?;
    socket.write_all(&request.as_bytes()[..end]).await?;
    if cut == ANSWERED {
        ensure!(socket.read_u8().await? == b'H', "no answer");
    } else if is_whole {
        sleep(Duration::from_millis(cut as u64)).await;
    }
    Ok(())
}

/// Sends the same so many times at once; those that succeeded, and the others.
async fn rivals(count: usize, ask: impl Fn() -> Result<Ask>) -> Result<(Vec<Answer>, Vec<Answer>)> {
    let mut all = JoinSet::new();
    for _ in 0..count {
        all.spawn(ask()?.send());
    }
    let mut answers = Vec::new();
    while let Some(answer) = all.join_next().await {
        answers.push(answer??);
    }
    Ok(answers.into_iter().partition(|answer| answer.status < 300))
}
