//! Attempts that could be made, on their way to the work queue.
//!
//! Invariant: what a task takes up follows from its state as the log has it; an attempt goes to the
//! queue only through admission.

use std::num::NonZeroU32;

use commands::Current;
use domain::{
    TenantId, Timestamp,
    settings::{InForce, Settings},
    task::{Priority, TaskStatus},
};
use event_log::WorkItem;
use runtime::WorkLimit;

use super::desk::Desk;
use crate::{admission::Offer, index::TaskKey};

impl Desk {
    /// Has an attempt put on the queue as soon as there is room for it.
    pub(super) fn offer(&mut self, priority: Priority, item: WorkItem) {
        let Some(task) = self.index.tasks.get((item.tenant, item.task)) else {
            return;
        };
        let offer = Offer {
            kind: task.spec.kind.clone(),
            priority,
            since: task.waits_since().unwrap_or(task.updated_at),
            item,
        };
        if let Some(again) = self.admission.offer(offer) {
            self.held_back.push((again.priority, again.item));
        }
        for tenant in self.admission.take_unknown() {
            self.load_settings(tenant);
        }
    }

    /// Takes in what a task takes up now.
    pub(super) fn settle(&mut self, key: TaskKey) {
        let Some(task) = self.index.tasks.get(key) else {
            return self.admission.leave(key);
        };
        match task.status {
            TaskStatus::Running => self.admission.occupy(key, &task.spec.kind),
            TaskStatus::Queued => {}
            _ => {
                let now = self.clock.now();
                if task.due_at.is_none_or(|due_at| due_at > now) {
                    self.admission.leave(key);
                }
            }
        }
    }

    /// Puts on the queue what finds room by `now`.
    pub(super) fn admit(&mut self, now: Timestamp) {
        let admitted = self.admission.admit(now).into_iter();
        let admitted = admitted.map(|offer| (offer.priority, offer.item));
        self.held_back.extend(admitted);
    }

    /// Takes in what a tenant has set.
    pub(super) fn settings_loaded(&mut self, tenant: TenantId, found: Option<Current<Settings>>) {
        let settings = found.map(|current| current.state);
        let in_force = InForce::new(settings.as_ref(), tenant);
        let limit = WorkLimit {
            concurrency: in_force.tasks_at_once().and_then(NonZeroU32::new),
            per_minute: in_force.tasks_per_minute().and_then(NonZeroU32::new),
        };
        self.admission.set(tenant, limit);
    }
}
