//! `almanac replay --to … --without … --with …`
//!
//! Invariant: what would be is told apart from what is: it is in schemas of its own, and these go
//! as they came.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{IsTerminal as _, Read as _, stdin, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use event_log::Position;
use projections::replay::{ReplayError, Supposed, Supposition, what_if};

use super::{Servers, compared, watch};
use crate::{cli::Replay, command::progress::Progress};

pub(super) async fn run(asked: &Replay, servers: &Servers, to: Position) -> Result<ExitCode> {
    let with = asked.with.as_deref().map_or(Ok(Vec::new()), supposed)?;
    let without: BTreeSet<_> = asked.without.iter().copied().map(Position).collect();
    let supposition = Supposition {
        to,
        without: &without,
        with: &with,
    };
    let Servers {
        log,
        overview,
        owner,
        writer,
    } = servers;
    let [was, would] = compared(asked);
    let progress = RefCell::new(Progress::begin());
    let found = what_if(
        log,
        (owner, writer, overview),
        (&was, &would),
        &supposition,
        asked.samples,
        watch(&progress, to.0 * 2),
    )
    .await;
    progress.borrow_mut().end();
    let is_refused = matches!(found, Err(ReplayError::Refused(_)));
    let dropped = if asked.keep || is_refused {
        Ok(())
    } else {
        owner
            .drop_scratch(&was)
            .await
            .and(owner.drop_scratch(&would).await)
    };
    let found = found?;
    dropped?;
    if stdout().is_terminal() {
        println!("{found}");
        if asked.keep {
            println!("✔ schema {was} holds what was, {would} what would be");
            println!(
                "  to remove both: almanac replay --drop --schema {}",
                asked.schema
            );
        }
    } else {
        println!("{}", serde_json::to_string(&found)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// The commits that a file tells of; `-` is standard input.
fn supposed(path: &Path) -> Result<Vec<Supposed>> {
    let named = || format!("{} cannot be read", path.display());
    let mut text = String::new();
    if path == Path::new("-") {
        stdin().read_to_string(&mut text).with_context(named)?;
    } else {
        text = std::fs::read_to_string(path).with_context(named)?;
    }
    let told = |refused| ReplayError::Refused(format!("{}, {refused}", path.display()));
    Ok(Supposed::read(&text).map_err(told)?)
}
