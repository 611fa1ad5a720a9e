//! Tasks that have exceeded a limit, on their way to their end.
//!
//! Invariant: a task stays due until the log says that it has ended or has more time, so an end
//! that was not stored is tried again.

use commands::{Ask, CommandError};
use domain::{
    Actor, CommandId, Timestamp,
    task::{Task, TaskCommand},
};

use super::desk::Desk;
use crate::index::{Key, TaskKey};

/// When an end that was asked for is asked for again, in milliseconds.
const AGAIN_MS: i64 = 5_000;

impl Desk {
    /// Ends the task, if it has exceeded a limit by `now`.
    pub(super) fn expire(&mut self, key: TaskKey, now: Timestamp) {
        let Some((limit, at)) = self.index.tasks.next_deadline(key) else {
            return;
        };
        if at > now {
            return self.timer.set(Key::Deadline(key), at);
        }
        self.timer.set(Key::Deadline(key), now.plus_ms(AGAIN_MS));
        let commands = self.commands.clone();
        let (tenant, task) = key;
        let command_id = CommandId::new(commands.ids().next());
        let actor = Actor::System("scheduler".to_owned());
        let ask = Ask::new(actor, tenant, task.uuid(), command_id);
        self.expiring.spawn(async move {
            match commands
                .execute::<Task>(ask, TaskCommand::TimeOut(limit))
                .await
            {
                // Refused: it has ended meanwhile, or has more time.
                Ok(_) | Err(CommandError::Rejected(_)) => {}
                Err(reason) => {
                    tracing::warn!(%tenant, %task, %reason, "a task's time is up: trying on");
                }
            }
        });
    }
}
