//! Many aggregates that begin at once, each by a command of its own.
//!
//! What falls due at one instant, or comes in one request, is decided and encoded in a row and
//! written as one atomic batch: a task, a channel and an entry in the cache for each of them would
//! cost more than the write.
//!
//! Invariant: each command's answer is its own, and what it would have been had it come alone.
//! Whatever cannot be written with the others, or has stopped them from being written, is run by
//! itself.

use domain::Aggregate;
use event_log::AppendError;
use futures::{StreamExt as _, stream};
use schemas::catalogue::Recorded;

use crate::{
    Ask, CommandError, Commands, Failure, Receipt, error::Unheard, execute::Decided, load::Loaded,
};

/// From how many on it pays to write them together; fewer the log packs as it sees fit.
const TOGETHER_MIN: usize = 64;
/// How many of those that have to be run by themselves are run at a time.
const APART: usize = 256;

/// What came of a command.
type Answer<A> = Result<Receipt<A>, CommandError<<A as Aggregate>::Rejection>>;

impl Commands {
    /// Runs commands each of which makes an aggregate of its own (see [`Ask::fresh`]), at most
    /// 1,000; answers in their order.
    pub async fn begin_all<A>(&self, births: &[(Ask, A::Command)]) -> Vec<Answer<A>>
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let mut answers: Vec<Option<Answer<A>>> = births.iter().map(|_| None).collect();
        let mut unheard = Unheard::default();
        if births.len() >= TOGETHER_MIN {
            unheard = self.write_together(births, &mut answers).await;
        }
        let open = answers.iter().enumerate().filter(|(_, it)| it.is_none());
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        let mut apart = stream::iter(open)
            .map(|at| async move {
                let (ask, command) = &births[at];
                (at, self.execute_here::<A>(ask, command).await)
            })
            .buffer_unordered(APART);
        while let Some((at, answer)) = apart.next().await {
            answers[at] = Some(answer.map_err(|error| match error {
                CommandError::Failed(failure) => unheard.of(failure).into(),
                other => other,
            }));
        }
        drop(apart);
        let answered = |it: Option<_>| it.expect("what was not written together was run by itself");
        answers.into_iter().map(answered).collect()
    }

    /// Answers those that could be written as one batch; says if it may have been stored unheard.
    async fn write_together<A>(
        &self,
        births: &[(Ask, A::Command)],
        answers: &mut [Option<Answer<A>>],
    ) -> Unheard
    where
        A: Aggregate,
        A::Event: Recorded,
    {
        let nothing = Loaded::default();
        let mut commits = Vec::with_capacity(births.len());
        let mut decided = Vec::with_capacity(births.len());
        for (at, (ask, command)) in births.iter().enumerate() {
            // Who is refused is refused on what the log says, not on what is supposed here.
            if let Ok(Some(birth)) = self.decide::<A>(ask.stream::<A>(), &nothing, ask, command) {
                let Decided { commit, events } = birth;
                decided.push((at, commit.meta.clone(), events));
                commits.push(commit);
            }
        }
        let written = self.log.append_all(commits).await;
        let mut unheard = Unheard::default();
        if let Err(AppendError::Unknown(reason)) = &written {
            unheard.note(reason.clone());
        }
        for (nth, (at, meta, events)) in decided.into_iter().enumerate() {
            answers[at] = match &written {
                Ok(positions) => {
                    let mut born = Loaded::<A>::default();
                    born.take(&events, &meta, 0, positions[nth]);
                    Some(Ok(born.receipt(true)))
                }
                Err(AppendError::Unavailable(reason)) => {
                    Some(Err(Failure::Unavailable(reason.clone()).into()))
                }
                // One of them was there before, or nobody heard: each for itself finds out.
                Err(_) => None,
            };
        }
        unheard
    }
}
