//! Claims an attempt in the log for somebody outside.
//!
//! Invariant: as for Almanac's own workers, only a claim that the log accepted is handed out, and
//! no answer loses an attempt that could still be made.

use std::time::Duration;

use domain::{
    CommandId,
    task::{Task, TaskCommand, TaskRejection},
};
use event_log::Delivery;
use schemas::LeaseEntry;

use super::{External, Lease, OUTSIDE, Wanted};
use crate::{Ask, CommandError, Failure, Receipt};

/// How long a delivery rests that could not be claimed now.
const REST: Duration = Duration::from_secs(2);

/// An attempt that somebody outside is to make.
#[derive(Clone, Debug)]
pub struct Leased {
    /// What it is.
    pub lease: Lease,
    /// What is to be done.
    pub task: Task,
    /// What proves that it is theirs.
    pub token: String,
}

impl External {
    /// Claims the attempt of `delivery`; none if it is another's, over, or not due.
    pub(super) async fn claim(
        &self,
        wanted: &Wanted,
        delivery: Delivery,
    ) -> Result<Option<Leased>, Failure> {
        let item = delivery.item.clone();
        let id = self.commands.ids().next();
        let worker = format!("{OUTSIDE}{}.{id}", wanted.name);
        let start = TaskCommand::Start {
            attempt: item.attempt,
            worker: worker.clone(),
        };
        let command = CommandId::new(self.commands.ids().next());
        let ask = Ask::new(super::actor(), item.tenant, item.task.uuid(), command);
        let started = self.commands.execute::<Task>(ask, start).await;
        let task = match started {
            Ok(Receipt {
                state: Some(task), ..
            }) => task,
            Err(CommandError::Rejected(TaskRejection::NotDue(at))) => {
                let ms = at.since_ms(self.commands.clock().now()).max(1);
                let rest = Duration::from_millis(ms as u64).min(REST);
                heard(delivery.hand_back(rest).await);
                return Ok(None);
            }
            Ok(_) | Err(CommandError::Rejected(_)) => {
                heard(delivery.done().await);
                return Ok(None);
            }
            Err(CommandError::Failed(
                reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
            )) => {
                tracing::error!(task = %item.task, tenant = %item.tenant, %reason,
                    "a task cannot be read: it is left alone");
                heard(delivery.done().await);
                return Ok(None);
            }
            Err(_) => {
                heard(delivery.hand_back(REST).await);
                return Ok(None);
            }
        };
        let lease = Lease {
            attempt: item.attempt,
            kind: task.spec.kind.clone(),
            name: wanted.name.clone(),
            task: item.task,
            tenant: item.tenant,
            worker,
        };
        self.hold(&lease).await?;
        heard(delivery.done().await);
        Ok(Some(Leased {
            token: lease.token(&self.identity),
            lease,
            task,
        }))
    }

    /// Has it known that somebody speaks for the attempt.
    pub(super) async fn hold(&self, lease: &Lease) -> Result<(), Failure> {
        let entry = LeaseEntry {
            attempt: lease.attempt,
            kind: lease.kind.clone(),
            name: lease.name.clone(),
            worker: lease.worker.clone(),
        };
        let entry = serde_json::to_vec(&entry).expect("entries always encode");
        let key = event_log::leased(lease.tenant, lease.task);
        Ok(self.leased.put(&key, entry).await?)
    }
}

/// If the queue does not hear what becomes of a delivery, it comes again, and the log tells whether
/// it is claimed.
fn heard(told: Result<(), event_log::WorkError>) {
    if let Err(reason) = told {
        tracing::debug!(%reason, "the queue did not hear what becomes of an attempt");
    }
}
