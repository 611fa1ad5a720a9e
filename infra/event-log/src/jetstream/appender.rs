//! Group commit: commits that wait together are written together.
//!
//! A few commits go singly, which is fastest for them; from a number on that [`Pace`] learns they
//! go as one atomic batch, each still with its own expectation.
//!
//! Invariant: a commit's answer is its own. A rejected batch says nothing about which member was
//! stale, so its members are sent again singly, and one stale command never fails its neighbours.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use async_nats::Client;
use schemas::{Position, StreamId};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
    time::Instant,
};

use super::{
    pace::{Pace, Way},
    publish,
};
use crate::{AppendError, NewCommit, log::BATCH_MAX};

/// How many full batches may be in flight: while the server stores one it can read the next.
const FULL_MAX: usize = 2;
/// With how many more in flight the time between two answers tells what a single costs.
const BUSY: usize = 3;
/// After how long without a new commit no more are expected soon.
const QUIET: Duration = Duration::from_millis(1);
/// How many commits may wait, here and once more in the channel, before callers are made to wait.
const QUEUE: usize = 4_096;

/// Hands commits to the one task that writes them.
#[derive(Clone)]
pub(super) struct Appender(mpsc::Sender<Pending>);

struct Pending {
    answer: oneshot::Sender<Result<Position, AppendError>>,
    commit: NewCommit,
}

/// What has been sent and what has not.
struct Writer {
    batches_in_flight: usize,
    client: Client,
    /// How many are likely to wait soon: those of the last batch and those that waited meanwhile.
    expected: usize,
    gathering: Option<Gathering>,
    group_commit: bool,
    in_flight: JoinSet<Sent>,
    pace: Pace,
    /// When the last single was answered.
    single_stored: Option<Instant>,
    singles_in_flight: usize,
    waiting: VecDeque<Pending>,
}

/// The moment after a batch: it ends when it is quiet, and at the latest by `until`.
#[derive(Clone, Copy)]
struct Gathering {
    heard: Instant,
    since: Instant,
    until: Instant,
}

/// What was sent, and when.
enum Sent {
    Batch {
        /// Whether it was stored as one, and nothing else was in flight.
        as_one: bool,
        began: Instant,
        behind: usize,
        size: usize,
    },
    Single {
        began: Instant,
    },
}

impl Appender {
    /// Starts the writer; it ends when the last clone of this is gone.
    pub(super) fn start(client: Client, group_commit: bool) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Writer {
            batches_in_flight: 0,
            client,
            expected: 0,
            gathering: None,
            group_commit,
            in_flight: JoinSet::new(),
            pace: Pace::new(),
            single_stored: None,
            singles_in_flight: 0,
            waiting: VecDeque::new(),
        };
        tokio::spawn(writer.run(receiver));
        Self(sender)
    }

    /// Stores `commit` and says where.
    pub(super) async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.0
            .send(Pending { answer, commit })
            .await
            .map_err(|_| AppendError::Unavailable("the log is closed".into()))?;
        answered
            .await
            .map_err(|_| AppendError::Unknown("the writer ended".into()))?
    }
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Pending>) {
        loop {
            let gathering = self.gathering;
            tokio::select! {
                next = receiver.recv(), if self.waiting.len() < QUEUE => match next {
                    Some(pending) => self.take(pending),
                    None => break,
                },
                Some(sent) = self.in_flight.join_next() => self.sent(&sent),
                () = ended(gathering), if gathering.is_some() => self.send_now(),
            }
            while self.waiting.len() < QUEUE
                && let Ok(pending) = receiver.try_recv()
            {
                self.waiting.push_back(pending);
            }
            self.send();
        }
        self.send_now();
        while let Some(sent) = self.in_flight.join_next().await {
            self.sent(&sent);
            self.send_now();
        }
    }

    fn take(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
        if let Some(gathering) = &mut self.gathering {
            gathering.heard = Instant::now();
        }
    }

    fn sent(&mut self, sent: &Result<Sent, JoinError>) {
        let now = Instant::now();
        match *sent {
            Ok(Sent::Single { began }) => {
                self.singles_in_flight -= 1;
                self.single_was_stored(began, now);
            }
            Ok(Sent::Batch {
                as_one,
                began,
                behind,
                size,
            }) => {
                self.batches_in_flight -= 1;
                if as_one {
                    self.pace.batch_took(size, behind, now - began);
                }
                self.expected = size + self.waiting.len();
                self.gathering = Some(Gathering {
                    heard: now,
                    since: now,
                    until: now + self.pace.gather_max(),
                });
            }
            // A send that panicked was a batch or a single; assume the former, which only delays.
            Err(ref _panicked) => self.batches_in_flight = self.batches_in_flight.saturating_sub(1),
        }
    }

    /// While others wait the server is never idle, so the time between two answers is what one
    /// costs it.
    fn single_was_stored(&mut self, began: Instant, now: Instant) {
        let before = self.single_stored.replace(now);
        match before.filter(|before| *before >= began) {
            Some(before) if self.singles_in_flight >= BUSY => self.pace.single_took(now - before),
            _ => self.pace.end_row(),
        }
    }

    /// Sends what waits, unless more is about to come.
    fn send(&mut self) {
        let full = self.waiting.len() >= self.expected.min(BATCH_MAX);
        if self.gathering.is_none() || full {
            self.send_now();
        }
    }

    /// Sends what waits as far as the server is not busy with a batch.
    fn send_now(&mut self) {
        let is_full = self.waiting.len() >= BATCH_MAX;
        if self.batches_in_flight >= if is_full { FULL_MAX } else { 1 } {
            return;
        }
        let gathered = self.gathering.take();
        match self.way() {
            Way::Batch => {
                let began = gathered.map_or_else(Instant::now, |gathering| gathering.since);
                return self.send_batch(began);
            }
            Way::Later => return,
            Way::Singles => {}
        }
        while !self.group_commit || self.singles_in_flight < self.pace.singles_max() {
            let Some(pending) = self.waiting.pop_front() else {
                return;
            };
            self.send_single(pending);
        }
    }

    fn way(&self) -> Way {
        if self.group_commit {
            self.pace.way(self.waiting.len(), self.singles_in_flight)
        } else {
            Way::Singles
        }
    }

    fn send_single(&mut self, pending: Pending) {
        self.singles_in_flight += 1;
        let (client, began) = (self.client.clone(), Instant::now());
        self.in_flight.spawn(async move {
            single(&client, pending).await;
            Sent::Single { began }
        });
    }

    fn send_batch(&mut self, began: Instant) {
        let is_alone = self.batches_in_flight == 0;
        self.batches_in_flight += 1;
        let (batch, behind) = (self.take_batch(), self.singles_in_flight);
        let client = self.client.clone();
        self.in_flight.spawn(async move {
            let size = batch.len();
            let as_one = together(&client, batch).await && is_alone;
            Sent::Batch {
                as_one,
                began,
                behind,
                size,
            }
        });
    }

    /// The waiting commits that may share a batch: at most one for each aggregate.
    fn take_batch(&mut self) -> Vec<Pending> {
        let mut streams: HashSet<StreamId> = HashSet::new();
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        while let Some(pending) = self.waiting.pop_front() {
            if batch.len() < BATCH_MAX && streams.insert(pending.commit.stream) {
                batch.push(pending);
            } else {
                later.push_back(pending);
            }
        }
        self.waiting = later;
        batch
    }
}

async fn ended(gathering: Option<Gathering>) {
    if let Some(gathering) = gathering {
        tokio::time::sleep_until(gathering.until.min(gathering.heard + QUIET)).await;
    }
}

async fn single(client: &Client, pending: Pending) {
    let outcome = publish::single(client, &pending.commit).await;
    // Whoever asked may be gone; the commit stands all the same.
    let _nobody_listens = pending.answer.send(outcome);
}

/// Whether they were stored as one batch.
async fn together(client: &Client, batch: Vec<Pending>) -> bool {
    let (answers, commits): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|pending| (pending.answer, pending.commit))
        .unzip();
    let outcome = publish::batch(client, &commits).await;
    match outcome {
        Ok(positions) => {
            for (answer, position) in answers.into_iter().zip(positions) {
                let _nobody_listens = answer.send(Ok(position));
            }
            true
        }
        Err(error @ AppendError::Unknown(_)) => {
            for answer in answers {
                let _nobody_listens = answer.send(Err(error.clone()));
            }
            false
        }
        // Nothing was stored, and which member is to blame only each by itself can tell.
        Err(_rejected) => {
            let members = answers.into_iter().zip(commits);
            let singles = members.map(|(answer, commit)| async move {
                single(client, Pending { answer, commit }).await;
            });
            futures::future::join_all(singles).await;
            false
        }
    }
}
