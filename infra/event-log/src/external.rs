//! The queue of attempts that somebody outside makes, by tenant and kind.
//!
//! Invariant: as of the work queue, a delivery means nothing by itself. Nothing is asked for that
//! is not waited for to its end, so no delivery is lost with its question.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::jetstream::consumer::PullConsumer;
use domain::{TenantId, task::Priority};
use futures::{Stream, StreamExt as _, stream};

use crate::{
    Delivery, JetStreamLog, WorkError, jetstream, subject,
    work::{delivery, failed},
};

/// How long a consumer stays that nobody asks for anything.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// How many consumers are remembered.
const KNOWN_MAX: usize = 10_000;

/// The attempts that wait for somebody outside. Clones share what they have looked up.
#[derive(Clone)]
pub struct ExternalQueue {
    known: Arc<Mutex<HashMap<String, PullConsumer>>>,
    log: JetStreamLog,
}

impl ExternalQueue {
    /// The queue on `log`'s server.
    pub fn new(log: &JetStreamLog) -> Self {
        Self {
            known: Arc::default(),
            log: log.clone(),
        }
    }

    /// Up to `max` attempts of the tenant's `kind` that wait now, the most urgent first.
    pub async fn take(
        &self,
        tenant: TenantId,
        kind: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, WorkError> {
        let mut taken = Vec::new();
        for priority in Priority::ALL {
            if taken.len() < max {
                let wanted = max - taken.len();
                taken.extend(self.take_of(priority, tenant, kind, wanted).await?);
            }
        }
        Ok(taken)
    }

    async fn take_of(
        &self,
        priority: Priority,
        tenant: TenantId,
        kind: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, WorkError> {
        let name = subject::external_consumer(priority, tenant, kind);
        let known = self.known().get(&name).cloned();
        if let Some(consumer) = known {
            match fetch(&consumer, max).await {
                Ok(taken) => return Ok(taken),
                // It may be gone, since nobody asked for long.
                Err(_) => self.known().remove(&name),
            };
        }
        let filter = subject::external(priority, tenant, kind);
        let mut config = jetstream::handing_out(name.clone(), filter);
        config.inactive_threshold = FORGOTTEN_AFTER;
        let jetstream = self.log.jetstream();
        let made = jetstream.create_consumer_on_stream(config, subject::EXTERNAL);
        let consumer: PullConsumer = made.await.map_err(failed)?;
        let taken = fetch(&consumer, max).await?;
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(name, consumer);
        Ok(taken)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, PullConsumer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sign each time that an attempt of one of the tenant's `kinds` is queued; a moment later it
    /// can be taken.
    pub async fn signs(
        &self,
        tenant: TenantId,
        kinds: &[String],
    ) -> Result<impl Stream<Item = ()> + Send + use<>, WorkError> {
        let mut heard = Vec::new();
        for kind in kinds {
            let of = subject::externals(tenant, kind);
            let subscribed = self.log.client().subscribe(of).await;
            heard.push(subscribed.map_err(failed)?);
        }
        Ok(stream::select_all(heard).map(drop))
    }
}

/// What waits now.
async fn fetch(consumer: &PullConsumer, max: usize) -> Result<Vec<Delivery>, WorkError> {
    let fetched = consumer.fetch().max_messages(max).messages().await;
    let (mut fetched, mut taken) = (fetched.map_err(failed)?, Vec::new());
    while let Some(message) = fetched.next().await {
        taken.extend(delivery(message.map_err(failed)?).await?);
    }
    Ok(taken)
}
