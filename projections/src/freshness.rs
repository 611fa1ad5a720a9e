//! How far the read models are, known without asking Postgres for each answer.
//!
//! Invariant: a position that is told here has been committed, so whoever reads after being told
//! reads at least that. Notifications make it prompt; a poll makes it certain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use schemas::Position;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Generation, Store, StoreError};

/// How often to look, should a notification be missed.
const POLL: Duration = Duration::from_secs(1);
/// How long to wait after failing to listen.
const PAUSE: Duration = Duration::from_millis(250);

/// Knows the position of the read models. Its clones share one task, which ends with the last.
#[derive(Clone, Debug)]
pub struct Freshness {
    _ends_with_the_last: Arc<DropGuard>,
    hearing: Arc<Hearing>,
    store: Store,
}

#[derive(Debug, Default)]
struct Hearing {
    listens: AtomicBool,
    polls: AtomicBool,
}

/// The read models had not come so far in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the read models are at position {reached}, not yet at {wanted}")]
pub struct Lagging {
    /// What was waited for.
    pub wanted: Position,
    /// Where they were.
    pub reached: Position,
}

impl Freshness {
    /// Begins to listen, in a task of its own.
    pub fn watch(store: &Store) -> Self {
        let end = CancellationToken::new();
        let hearing = Arc::new(Hearing::default());
        let (listening, polling) = (hearing.clone(), hearing.clone());
        let (for_listening, for_polling) = (store.clone(), store.clone());
        let (ends_listening, ends_polling) = (end.clone(), end.clone());
        tokio::spawn(async move {
            ends_listening
                .run_until_cancelled(listen(for_listening, listening))
                .await;
        });
        tokio::spawn(async move {
            ends_polling
                .run_until_cancelled(poll(for_polling, polling))
                .await;
        });
        Self {
            _ends_with_the_last: Arc::new(end.drop_guard()),
            hearing,
            store: store.clone(),
        }
    }

    /// The position that the read models are known to have reached.
    pub fn position(&self) -> Position {
        *self.store.reached().borrow()
    }

    /// Waits until the read models have reached `position`, but not longer than `at_most`.
    pub async fn wait_for(
        &self,
        position: Position,
        at_most: Duration,
    ) -> Result<Position, Lagging> {
        let mut reached = self.subscribe();
        let arrival = reached.wait_for(|reached| *reached >= position);
        match tokio::time::timeout(at_most, arrival).await {
            Ok(Ok(reached)) => Ok(*reached),
            _ => Err(Lagging {
                wanted: position,
                reached: self.position(),
            }),
        }
    }

    /// The position as it grows.
    pub fn subscribe(&self) -> watch::Receiver<Position> {
        self.store.reached().subscribe()
    }

    /// The generation as it grows.
    pub fn generations(&self) -> watch::Receiver<Generation> {
        self.store.generation().subscribe()
    }

    /// Whether news arrive: Postgres answers and notifications are listened to.
    pub fn healthy(&self) -> bool {
        self.hearing.listens.load(Ordering::Acquire) && self.hearing.polls.load(Ordering::Acquire)
    }

    /// Whether the position has been read at all.
    pub fn is_known(&self) -> bool {
        self.hearing.polls.load(Ordering::Acquire)
    }

    /// What it watches.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

/// Listens, and begins anew whenever the connection is lost.
async fn listen(store: Store, hearing: Arc<Hearing>) {
    loop {
        let failure = listen_once(&store, &hearing).await;
        if hearing.listens.swap(false, Ordering::AcqRel)
            && let Err(failure) = failure
        {
            tracing::warn!(%failure, "positions are polled for, since listening for them failed");
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(store: &Store, hearing: &Hearing) -> Result<(), StoreError> {
    let mut listener = store.listener().await?;
    hearing.listens.store(true, Ordering::Release);
    // What was told before listening began is read once. The database may have been put back to an
    // earlier state while nobody was connected; what was told during the reading is newer than it.
    let known = (*store.reached().borrow(), *store.generation().borrow());
    let (position, generation) = store.standing().await?;
    read_once(store.generation(), known.1, generation);
    read_once(store.reached(), known.0, position);
    while let Some(told) = listener.try_recv().await? {
        // A position, and a generation where one begins.
        let mut words = told.payload().split(' ').map(str::parse);
        let (position, generation) = (words.next(), words.next());
        if let Some(Ok(generation)) = generation {
            store.begin(Generation(generation));
        }
        if let Some(Ok(position)) = position {
            store.publish(Position(position));
        }
    }
    Ok(())
}

/// Makes known what was read, unless newer has been told since it was `known`.
fn read_once<T: Copy + Ord>(told: &watch::Sender<T>, known: T, read: T) {
    told.send_if_modified(|told| {
        let news = *told == known || read > *told;
        if news {
            *told = read;
        }
        news
    });
}

async fn poll(store: Store, hearing: Arc<Hearing>) {
    loop {
        let standing = store.standing().await;
        if let Ok((position, generation)) = standing {
            store.begin(generation);
            store.publish(position);
        }
        hearing.polls.store(standing.is_ok(), Ordering::Release);
        sleep(POLL).await;
    }
}
