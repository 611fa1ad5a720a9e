//! The parts that run in this process.
//!
//! Invariant: they are ended group by group, each with time to finish; one that ends by itself is a
//! failure with a sentence.

use std::{future::Future, time::Duration};

use anyhow::{Result, anyhow};
use futures::future::select_all;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long the parts of one group may take to end. The worker needs the longest: after its drain
/// it stops handlers, hands their attempts back and tells the queue, all of which takes no time
/// unless the log is away.
const LIMIT: Duration = Duration::from_secs(10);

/// The parts that run.
#[derive(Default)]
pub struct Parts(Vec<Part>);

struct Part {
    group: u8,
    name: &'static str,
    task: JoinHandle<Result<()>>,
    token: CancellationToken,
}

impl Parts {
    /// Starts a part; groups end in their order.
    pub fn spawn<Running>(
        &mut self,
        name: &'static str,
        group: u8,
        run: impl FnOnce(CancellationToken) -> Running,
    ) where
        Running: Future<Output = Result<()>> + Send + 'static,
    {
        let token = CancellationToken::new();
        let task = tokio::spawn(run(token.clone()));
        self.0.push(Part {
            group,
            name,
            task,
            token,
        });
    }

    /// Waits until a part has ended though nobody asked it to, and says why.
    pub async fn ended(&mut self) -> anyhow::Error {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let (ended, index, _) = select_all(self.0.iter_mut().map(|part| &mut part.task)).await;
        let part = self.0.swap_remove(index);
        match ended {
            Ok(Ok(())) => anyhow!("the {} ended by itself", part.name),
            Ok(Err(failure)) => failure.context(format!("the {} cannot go on", part.name)),
            Err(panic) => anyhow!("the {} broke off: {panic}", part.name),
        }
    }

    /// Ends all of them.
    pub async fn stop(self) {
        let mut parts = self.0;
        parts.sort_by_key(|part| part.group);
        while let Some(group) = parts.first().map(|part| part.group) {
            let rest = parts.split_off(parts.partition_point(|part| part.group == group));
            for part in &parts {
                part.token.cancel();
            }
            for part in parts {
                part.finish().await;
            }
            parts = rest;
        }
    }
}

impl Part {
    async fn finish(mut self) {
        match timeout(LIMIT, &mut self.task).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(failure))) => tracing::warn!(part = self.name, "ended badly: {failure:#}"),
            Ok(Err(panic)) => tracing::warn!(part = self.name, %panic, "broke off"),
            Err(_) => {
                tracing::warn!(part = self.name, "did not end in time and is cut off");
                self.task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, PoisonError};

    #[tokio::test]
    async fn groups_end_in_their_order() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut parts = Parts::default();
        for (name, group) in [("projector", 2), ("gateway", 0), ("worker", 1)] {
            let order = order.clone();
            parts.spawn(name, group, |token| async move {
                token.cancelled().await;
                order
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(name);
                Ok(())
            });
        }
        parts.stop().await;
        let order = order.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*order, ["gateway", "worker", "projector"]);
    }

    #[tokio::test]
    async fn a_part_that_ends_says_why() {
        let mut parts = Parts::default();
        parts.spawn("worker", 1, |token| async move {
            token.cancelled().await;
            Ok(())
        });
        parts.spawn("projector", 2, |_| async {
            Err(anyhow!("the log is another one"))
        });
        let failure = format!("{:#}", parts.ended().await);
        assert_eq!(
            failure,
            "the projector cannot go on: the log is another one"
        );
        parts.stop().await;
    }
}
