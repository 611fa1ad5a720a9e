//! One term of leadership: from the snapshot of the read models on, everything that is due is done.
//!
//! Invariant: one task holds index and timer and takes one thing at a time, so what it decides on
//! is never half changed. It waits for nobody: whatever may take long runs beside it and reports
//! back.

mod admitting;
mod desk;
mod expiring;
mod firing;
mod operating;
mod releasing;
mod replacing;
mod vigil;

use projections::StoreError;
use tokio_util::sync::CancellationToken;

use crate::{
    Services,
    backoff::backoff,
    dispatch::Dispatcher,
    feed::Feed,
    index::{Effect, Index},
    ticks::Ticks,
};
use desk::Desk;

/// Why a term must begin anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    /// The log cannot be followed further.
    #[error(transparent)]
    Log(#[from] event_log::LogError),
    /// There is nothing to begin with.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Leads until `ended`, beginning anew whenever that is needed.
pub async fn run(services: &Services, ticks: &Ticks, ended: &CancellationToken) {
    let mut failures = 0;
    loop {
        let reason = tokio::select! {
            () = ended.cancelled() => return,
            interrupted = serve(services, ticks, ended, &mut failures) => match interrupted {
                Ok(()) => return,
                Err(reason) => reason,
            },
        };
        failures += 1;
        if failures == 1 {
            tracing::warn!(%reason, "the scheduler begins anew");
        }
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(backoff(failures)) => {}
        }
    }
}

async fn serve(
    services: &Services,
    ticks: &Ticks,
    ended: &CancellationToken,
    failures: &mut u32,
) -> Result<(), Interrupted> {
    let snapshot = projections::schedule::load(&services.overview).await?;
    let mut feed = Feed::new(services.log.clone(), snapshot.position);
    let mut index = Index::of_schedule(snapshot.value, snapshot.position);
    // What the read models do not know yet may forbid what they say is due. What is due after it
    // all the index says once more; what it does not know and has asked for it does not repeat.
    let head = services.log.head().await?;
    let mut asked_for = Vec::new();
    while index.followed < head.position {
        for entry in feed.next().await? {
            let effects = index.follow(&entry).into_iter();
            asked_for.extend(effects.filter(Effect::is_question));
        }
    }
    *failures = 0;
    tracing::info!(position = %index.followed, "the scheduler leads");
    let dispatcher = Dispatcher::start(services.work.clone(), ended.clone());
    let mut desk = Desk::new(services, index, dispatcher);
    desk.bring_about(asked_for);
    desk.run(feed, ticks, ended).await
}
