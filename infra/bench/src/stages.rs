//! What parts of one command cost on one core, without servers.
//!
//! Invariant: each part runs the very functions that serve requests.

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, Result, ensure};
use commands::Identity;
use event_log::Version;
use schemas::api::CreateTask;

use crate::fixture::{self, Author};

/// How often each part is run.
const TIMES: u32 = 2_000;

/// The parts in one line, in microseconds; `body` is that of a request to create a task.
pub fn told(identity: &Identity, token: &str, body: &[u8]) -> Result<String> {
    let author = Author::new();
    ensure!(identity.verify(token).is_some(), "the token is not valid");
    let verify = each_us(|| black_box(identity.verify(token)));
    let parse = each_us(|| black_box(serde_json::from_slice::<CreateTask>(body).is_ok()));
    let commit = each_us(|| black_box(author.birth()));
    let mut tale = author.tale();
    author.next(
        &mut tale,
        &domain::task::TaskCommand::Create(fixture::task()),
    );
    let task = tale.task().context("no task was born")?;
    let answer = each_us(|| {
        let id = domain::TaskId::new(tale.id());
        black_box(serde_json::to_vec(&schemas::task_view(
            id,
            Version(1),
            task.clone(),
        )))
    });
    Ok(format!(
        "on one core, µs: verify the access token {verify:.0}, parse the body {parse:.0}, decide, \
         encode and seal {commit:.0}, write the answer's body {answer:.0}"
    ))
}

fn each_us<T>(mut part: impl FnMut() -> T) -> f64 {
    let began = Instant::now();
    for _ in 0..TIMES {
        part();
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
}
