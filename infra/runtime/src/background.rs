//! Work that lets everything else on the machine go first.
//!
//! Invariant: lower priority is all that is different; what runs here runs to its end, also if
//! nobody waits for it any more.

use anyhow::{Context as _, Result};
use tokio::{runtime::Builder, sync::oneshot};

/// How much less of a contended core it gets: a tenth beside one other thread.
const NICENESS: i32 = 10;
/// Threads of its own; more than one, so that it can compute while it waits.
const THREADS: usize = 2;

/// Runs `work` on threads of its own, of lower priority, and returns what it ends with.
///
/// Fails if the threads cannot be had or `work` panics. Where the system knows no priorities of
/// threads it runs like all else.
pub async fn in_background<T, Work>(
    name: &'static str,
    work: impl FnOnce() -> Work + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    Work: Future<Output = T>,
{
    let (done, ended) = oneshot::channel();
    let threads = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name(name)
        .on_thread_start(give_way)
        .enable_all()
        .build()
        .with_context(|| format!("threads for the {name}"))?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            give_way();
            let result = threads.block_on(work());
            // Nobody may be waiting any more; the work is done all the same.
            let _nobody_waits = done.send(result);
        })
        .with_context(|| format!("a thread for the {name}"))?;
    ended
        .await
        .with_context(|| format!("the {name} stopped without a word"))
}

/// On Linux this concerns the calling thread alone.
fn give_way() {
    // A system that refuses costs nothing but the courtesy.
    let _refused = rustix::process::nice(NICENESS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).expect("a priority")
    }

    #[tokio::test]
    async fn it_gives_way_and_others_do_not() {
        let before = niceness();
        let inside = in_background("test", || async {
            let spawned = tokio::spawn(async { niceness() });
            (niceness(), spawned.await.expect("no panic"))
        });
        let (outer, spawned) = inside.await.expect("it ran");
        // Whoever gives way already cannot do so without end.
        let lower = (before + NICENESS).min(19);
        assert_eq!((outer, spawned), (lower, lower));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let ended = in_background("test", || async {
            assert!(niceness() > 100, "on purpose");
        });
        assert!(ended.await.is_err());
    }
}
