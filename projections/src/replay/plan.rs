//! What becomes of the log where commits are taken out and put in.
//!
//! Invariant: only aggregates that these are of are told again; what others did because of them
//! stays, as it is a matter of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use event_log::{Entry, Follow, LogError, ReadFrom, SharedLog};
use futures::{StreamExt as _, stream};
use schemas::{Commit, Position, StreamId, domain::Timestamp};

use super::{
    NoLonger, ReplayError,
    branch::{Branch, Fate},
    supposed::Supposed,
};
use crate::runner::{Course, entry_at};

/// What becomes of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// What stands at a position instead, if anything does.
    instead: HashMap<Position, Option<Commit>>,
    /// What comes after a position.
    inserted: BTreeMap<Position, Vec<Commit>>,
    /// What would change nothing.
    pub(super) no_longer: Vec<NoLonger>,
    /// How many places are needed after the end.
    places: u64,
}

/// A commit that was not, with its place and its time.
struct Placed<'a> {
    at: Timestamp,
    position: Position,
    supposed: &'a Supposed,
}

impl Plan {
    /// The log up to `to`, with and without.
    pub(super) async fn of(
        log: &SharedLog,
        to: Position,
        without: &BTreeSet<Position>,
        with: &[Supposed],
    ) -> Result<Self, ReplayError> {
        let mut plan = Self::default();
        let mut streams: HashMap<StreamId, Vec<Placed<'_>>> = HashMap::new();
        for position in without {
            if let Some(commit) = taken_out(log, to, *position).await? {
                streams.entry(commit.stream).or_default();
            }
            plan.instead.insert(*position, None);
        }
        let mut with: Vec<_> = with.iter().collect();
        with.sort_by_key(|supposed| (supposed.after, supposed.line));
        for (supposed, place) in with.into_iter().zip(1..) {
            let placed = Placed {
                at: time_of(log, to, supposed).await?,
                position: Position(to.0 + place),
                supposed,
            };
            plan.places = place;
            streams.entry(supposed.stream).or_default().push(placed);
        }
        for (stream, with) in streams {
            let commits = log.load(stream, Position(0), ReadFrom::Any).await?;
            let commits = commits
                .into_iter()
                .take_while(|commit| commit.position <= to);
            plan.tell_again(stream, commits, with, without);
        }
        plan.no_longer.sort_by_key(|commit| commit.position);
        for commits in plan.inserted.values_mut() {
            commits.sort_by_key(|commit| commit.position);
        }
        Ok(plan)
    }

    /// The entries as they would be.
    pub(crate) fn apply(mut self, course: Course) -> Course {
        let first = self.inserted.remove(&Position(0)).unwrap_or_default();
        let (places, to) = (self.places, course.to);
        let first = stream::iter(first.into_iter().map(|commit| Ok(Entry::Commit(commit))));
        let entries: Follow = Box::pin(first.chain(course.entries.flat_map(move |entry| {
            stream::iter(match entry {
                Ok(entry) => self.at(entry),
                failure => vec![failure],
            })
        })));
        Course {
            entries,
            highest: Position(to.0 + places),
            to,
        }
    }

    /// What stands in the place of `entry`.
    fn at(&mut self, entry: Entry) -> Vec<Result<Entry, LogError>> {
        let position = entry.position();
        let here = match self.instead.remove(&position) {
            Some(instead) => instead.map(Entry::Commit),
            None => Some(entry),
        };
        let inserted = self.inserted.remove(&position).unwrap_or_default();
        let inserted = inserted.into_iter().map(Entry::Commit);
        here.into_iter().chain(inserted).map(Ok).collect()
    }

    fn tell_again(
        &mut self,
        stream: StreamId,
        commits: impl Iterator<Item = Commit>,
        with: Vec<Placed<'_>>,
        without: &BTreeSet<Position>,
    ) {
        let mut branch = Branch::new(stream);
        let mut with = with.into_iter().peekable();
        for commit in commits {
            while let Some(placed) = with.next_if(|next| next.supposed.after < commit.position) {
                self.put_in(&mut branch, &placed);
            }
            let position = commit.position;
            if without.contains(&position) {
                branch.leave_out(&commit);
                continue;
            }
            match branch.keep(commit) {
                Fate::Again(commit) => drop(self.instead.insert(position, Some(commit))),
                Fate::AsItIs => {}
                Fate::NoLonger(commit) => {
                    self.instead.insert(position, None);
                    self.no_longer.push(commit);
                }
            }
        }
        with.for_each(|placed| self.put_in(&mut branch, &placed));
    }

    fn put_in(&mut self, branch: &mut Branch, placed: &Placed<'_>) {
        match branch.put_in(placed.supposed, placed.position, placed.at) {
            Fate::Again(commit) => {
                let after = placed.supposed.after;
                self.inserted.entry(after).or_default().push(commit);
            }
            Fate::AsItIs => {}
            Fate::NoLonger(commit) => self.no_longer.push(commit),
        }
    }
}

/// The commit that is taken out, if there is one at that position.
async fn taken_out(
    log: &SharedLog,
    to: Position,
    position: Position,
) -> Result<Option<Commit>, ReplayError> {
    let found = if position > to {
        None
    } else {
        entry_at(log, position).await?
    };
    match found {
        Some(Entry::Commit(commit)) => Ok(Some(commit)),
        Some(Entry::Unreadable(_)) => Ok(None),
        None => {
            let told = format!("position {position} is not among the commits up to {to}");
            Err(ReplayError::Refused(told))
        }
    }
}

async fn time_of(
    log: &SharedLog,
    to: Position,
    supposed: &Supposed,
) -> Result<Timestamp, ReplayError> {
    let (line, after) = (supposed.line, supposed.after);
    if after > to {
        let told = format!("line {line}: position {after} is not among the commits up to {to}");
        return Err(ReplayError::Refused(told));
    }
    if let Some(time) = supposed.time {
        return Ok(time);
    }
    if let Some(Entry::Commit(commit)) = entry_at(log, after).await? {
        return Ok(commit.meta.time);
    }
    let told = format!("line {line}: no commit stands at {after}, so say its time");
    Err(ReplayError::Refused(told))
}
