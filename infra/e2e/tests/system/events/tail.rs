//! Events as they come.
//!
//! Invariant: whatever ends the telling, it ends well.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    harness::{binary, until},
    shared,
};

/// How long what happens may take to be seen, on a machine that is busy.
const SOON: Duration = Duration::from_secs(30);

async fn soon<T>(what: &str, waited: impl Future<Output = T>) -> Result<T> {
    let came = tokio::time::timeout(SOON, waited).await;
    came.with_context(|| format!("{what} did not come"))
}

pub async fn what_happens_is_seen_while_it_is_followed() -> Result<()> {
    let admin = shared::admin().await?;
    let before = admin.position_after_mark().await?;
    let (_, data) = shared::told().await?;
    let data = data.display().to_string();
    let follow = async || -> Result<_> {
        let program = tokio::task::block_in_place(binary)?;
        let mut tail = tokio::process::Command::new(program)
            .args([
                "events",
                "tail",
                "-f",
                "-n",
                "1",
                "--type",
                "resource.created",
            ])
            .args(["--data-dir", &data])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut told = BufReader::new(tail.stdout.take().context("piped")?).lines();
        let last = soon("the last event", told.next_line()).await??;
        let last: Value = serde_json::from_str(&last.context("it ended")?)?;
        let position: u64 = last["sequence"].as_str().context("a position")?.parse()?;
        ensure!(position >= before, "{last}");
        Ok((tail, told))
    };
    let (mut interrupted, mut told) = follow().await?;
    // Others write as well, so it is known by its name and not by its place.
    let wanted = json!({"type": "mark", "name": "seen while it is followed"});
    admin.post("/resources", &wanted).await?.expect(201)?;
    loop {
        let next = soon("the next event", told.next_line()).await??;
        let next: Value = serde_json::from_str(&next.context("it ended")?)?;
        ensure!(next["type"] == "resource.created.v1", "{next}");
        if next["data"]["name"] == wanted["name"] {
            break;
        }
    }
    let pid = interrupted.id().context("it runs")?;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT)?;
    let ended = soon("the end of an interrupted tail", interrupted.wait()).await??;
    ensure!(ended.success(), "an interrupt ended it with {ended}");

    // Whoever reads no more ends it as well, as soon as there is something to tell.
    let (mut unread, told) = follow().await?;
    drop(told);
    let ended = until("the end of a tail that nobody reads", SOON, async || {
        admin.position_after_mark().await?;
        Ok(unread.try_wait()?)
    });
    let ended = ended.await?;
    ensure!(ended.success(), "a closed pipe ended it with {ended}");
    Ok(())
}
