//! What always holds of each aggregate's state, whatever was asked of it.
//!
//! Invariant: a law is demanded after every prefix of a life, of the state that was decided on, of
//! the one replayed from the history, and of the one that was stored and read again.

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Aggregate, Origin,
    api_key::{ApiKey, LIFE_MAX_MS, SCOPES_MAX},
    email_claim::EmailClaim,
    identity_claim::IdentityClaim,
    job::{Job, JobStatus},
    log_checkpoint::LogCheckpoint,
    operation::Operation,
    parked_commit::ParkedCommit,
    resource::Resource,
    resource_type::ResourceType,
    schedule::Calendar,
    settings::{Definition, Settings},
    task::{Task, TaskStatus},
    tenant::Tenant,
    testing::{NOW, context},
    unique_key::UniqueKey,
    user::User,
};

/// An aggregate that says what always holds of it.
pub(crate) trait Lawful: Aggregate + Serialize + DeserializeOwned {
    /// Each law, and whether it holds of `after`, which one command made of `before`.
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)>;
}

/// Lives through `commands` and checks every step of it.
pub(crate) fn live<A: Lawful>(commands: &[A::Command]) -> Result<(), TestCaseError> {
    let (mut state, mut history): (Option<A>, Vec<_>) = (None, Vec::new());
    for (step, command) in commands.iter().enumerate() {
        let now = NOW.plus_ms(step as i64 * 1_000);
        let Ok(events) = A::decide(state.as_ref(), command, &context(now)) else {
            continue;
        };
        let after = events
            .iter()
            .fold(state.clone(), |state, e| A::evolve(state, e, now));
        for (law, holds) in after.iter().flat_map(|a| A::laws(state.as_ref(), a)) {
            prop_assert!(holds, "{law}: by {command:?}, {state:?} became {after:?}");
        }
        let again = A::decide(after.as_ref(), command, &context(now));
        prop_assert_eq!(again.unwrap_or_default(), vec![], "again: {:?}", command);
        history.extend(events.into_iter().map(|event| (event, now)));
        let replayed = history
            .iter()
            .fold(None, |state, (e, at)| A::evolve(state, e, *at));
        prop_assert_eq!(&replayed, &after, "replayed");
        // The next step goes on from what a read model keeps, as all processes do.
        let stored = serde_json::to_string(&after).expect("it encodes");
        state = serde_json::from_str(&stored).expect("it decodes");
        prop_assert_eq!(&state, &after, "stored");
    }
    // Backwards is nonsense, and nonsense must do no harm.
    let _harmless = history
        .iter()
        .rev()
        .fold(None, |state, (e, at)| A::evolve(state, e, *at));
    Ok(())
}

/// Whether `test` holds of what was and what is, if anything was.
fn since<A>(before: Option<&A>, test: impl FnOnce(&A) -> bool) -> bool {
    before.is_none_or(test)
}

/// What was imported is its source's until it is gone.
fn keeps_source(before: Option<&Origin>, after: Option<&Origin>) -> bool {
    let source = |origin: Option<&Origin>| origin.map(|origin| origin.source.clone());
    before.is_none() || source(before) == source(after)
}

impl Lawful for ApiKey {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let is = |key: &Self| (key.owner, key.expires_at, key.scopes.clone());
        let life_ms = after.expires_at.since_ms(after.created_at);
        vec![
            (
                "it speaks for the same owner, for the same and as long",
                since(before, |key| is(key) == is(after)),
            ),
            (
                "it ends, within 366 days",
                (1..=LIFE_MAX_MS).contains(&life_ms),
            ),
            (
                "it is good for something",
                (1..=SCOPES_MAX).contains(&after.scopes.len()),
            ),
            (
                "what is revoked stays revoked",
                since(before, |key| key.revoked_at.is_none() || key == after),
            ),
        ]
    }
}

impl Lawful for EmailClaim {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let holder = before.and_then(|claim| claim.holder);
        vec![(
            "an address is released before another takes it",
            holder.is_none() || after.holder.is_none() || holder == after.holder,
        )]
    }
}

impl Lawful for IdentityClaim {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let holder = before.and_then(|claim| claim.holder);
        vec![(
            "an identity is released before another takes it",
            holder.is_none() || after.holder.is_none() || holder == after.holder,
        )]
    }
}

impl Lawful for LogCheckpoint {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let covered = before.map_or(0, |before| before.last.size);
        vec![
            (
                "it covers what was covered before, and more",
                after.last.size > covered || before == Some(after),
            ),
            (
                "it names the one before",
                after.last.previous == covered || before == Some(after),
            ),
        ]
    }
}

impl Lawful for Operation {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let is = |one: &Self| (one.action, one.as_of, one.filter.clone(), one.started_at);
        vec![
            (
                "it stays about the same tasks",
                since(before, |before| is(before) == is(after)),
            ),
            (
                "what has ended stays as it is",
                since(before, |before| {
                    before.finished_at.is_none() || before == after
                }),
            ),
            (
                "it never goes back",
                since(before, |before| before.reached <= after.reached),
            ),
            (
                "it says which statuses are meant",
                !after.filter.statuses.is_empty(),
            ),
        ]
    }
}

impl Lawful for UniqueKey {
    fn laws(_: Option<&Self>, _: &Self) -> Vec<(&'static str, bool)> {
        // Whom it passes to depends on what was seen of its holder, which no state tells.
        Vec::new()
    }
}

impl Lawful for ParkedCommit {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let skipped = before.and_then(|before| before.skipped.as_ref());
        vec![
            (
                "it is about the same commit",
                since(before, |before| before.position == after.position),
            ),
            (
                "what is left out stays so, for the same reason",
                skipped.is_none() || skipped == after.skipped.as_ref(),
            ),
            (
                "what is left out is not tried any more",
                skipped.is_none() || before == Some(after),
            ),
        ]
    }
}

impl Lawful for Job {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let living = before.filter(|job| job.status != JobStatus::Deleted);
        vec![
            (
                "its schedule can be followed",
                Calendar::try_new(&after.schedule).is_ok(),
            ),
            (
                "a task would accept its template",
                after.task.check().is_ok(),
            ),
            (
                "slots are owed from its creation at the earliest",
                (after.created_at..=after.updated_at).contains(&after.since),
            ),
            (
                "slots that were not owed never are",
                since(before, |job| job.since <= after.since),
            ),
            (
                "another schedule owes nothing of the past",
                since(living, |job| {
                    job.schedule == after.schedule || after.since == after.updated_at
                }),
            ),
            (
                "an active job has no reason to be paused",
                after.status != JobStatus::Active || after.note.is_none(),
            ),
            (
                "it keeps its source",
                since(living, |job| {
                    keeps_source(job.origin.as_ref(), after.origin.as_ref())
                }),
            ),
        ]
    }
}

impl Lawful for Resource {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        let living = before.filter(|resource| !resource.deleted);
        vec![
            (
                "it keeps its type",
                since(living, |resource| resource.type_name == after.type_name),
            ),
            (
                "it keeps its source",
                since(living, |resource| {
                    keeps_source(resource.origin.as_ref(), after.origin.as_ref())
                }),
            ),
            (
                "what is deleted stays as it was, or begins anew",
                since(before.filter(|resource| resource.deleted), |resource| {
                    resource == after || after.created_at == after.updated_at
                }),
            ),
        ]
    }
}

impl Lawful for ResourceType {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        vec![(
            "it keeps its name",
            since(before, |kind| kind.name == after.name),
        )]
    }
}

/// A task without the results that count for nothing.
fn lived(task: Task) -> Task {
    Task {
        late: Vec::new(),
        ..task
    }
}

/// What holds a task back.
fn waiting(before: Option<&Task>, after: &Task) -> Vec<(&'static str, bool)> {
    use TaskStatus::{Retrying, Scheduled};
    let status = after.status;
    vec![
        (
            "it waits for a time exactly while it is scheduled or retrying, and not held back",
            after.due_at.is_some() == (matches!(status, Scheduled | Retrying) && !after.held),
        ),
        (
            "it is held back only before its first attempt, for others that it names",
            !after.held
                || (status == Scheduled && after.attempt.is_none() && !after.after.is_empty()),
        ),
        (
            "once it is held back no more it never is again",
            since(before, |task| task.held || !after.held),
        ),
    ]
}

impl Lawful for Task {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        use TaskStatus::{Cancelled, Running, Skipped, Succeeded};
        let status = after.status;
        let runs = after.attempt.as_ref().is_some_and(|a| a.ended_at.is_none());
        let previous = after.previous.as_ref();
        let mut laws = waiting(before, after);
        laws.extend([
            (
                "it has finished exactly when its status is final",
                after.finished_at.is_some() == status.is_final(),
            ),
            (
                "it has as many attempts as it was given, at most",
                after.attempts() <= after.spec.max_attempts,
            ),
            (
                "an attempt is under way exactly while it runs",
                runs == (status == Running),
            ),
            (
                "it remembers the attempt before the one that runs",
                previous.map_or(0, |a| a.number) + u32::from(runs)
                    == if runs { after.attempts() } else { 0 },
            ),
            (
                "attempts are counted one by one",
                since(before, |task| after.attempts() <= task.attempts() + 1),
            ),
            (
                "what came of it is known once it succeeded",
                after.output.is_some() == (status == Succeeded),
            ),
            (
                "somebody asked for what was cancelled",
                status != Cancelled || after.cancel_requested.is_some(),
            ),
            (
                "a reason to skip it is one to skip it only",
                after.skipped.is_some() == (status == Skipped),
            ),
            (
                "what succeeded or was skipped never changes again",
                since(before, |task| {
                    !matches!(task.status, Skipped | Succeeded)
                        || lived(task.clone()) == lived(after.clone())
                }),
            ),
            (
                "a result that came too late changes nothing and stays",
                since(before, |task| {
                    task.late == after.late
                        || (after.late.starts_with(&task.late)
                            && lived(task.clone()) == lived(after.clone()))
                }),
            ),
            (
                "what is to be done stays the same",
                since(before, |task| {
                    (&task.spec, task.origin, &task.after, &task.unique_key)
                        == (&after.spec, after.origin, &after.after, &after.unique_key)
                        && (task.again_of, task.batch, task.replaces)
                            == (after.again_of, after.batch, after.replaces)
                }),
            ),
        ]);
        laws
    }
}

impl Lawful for Settings {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        vec![
            (
                "what is set is a setting, and as its definition wants it",
                (after.values.iter()).all(|(name, value)| {
                    Definition::of(name).is_some_and(|known| known.check(value).is_ok())
                }),
            ),
            (
                "it changed when something is not as it was",
                since(before, |was| {
                    (was.values == after.values) == (was.changed_at == after.changed_at)
                }),
            ),
        ]
    }
}

impl Lawful for Tenant {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        vec![
            (
                "it is created once",
                since(before, |tenant| tenant.created_at == after.created_at),
            ),
            (
                "it keeps its slug",
                since(before, |tenant| tenant.slug == after.slug),
            ),
        ]
    }
}

impl Lawful for User {
    fn laws(before: Option<&Self>, after: &Self) -> Vec<(&'static str, bool)> {
        vec![
            (
                "they register once",
                since(before, |user| user.created_at == after.created_at),
            ),
            (
                "who is erased stays as they are",
                since(before, |user| !user.erased || user == after),
            ),
            (
                "who is erased has no address, no name and no way in",
                !after.erased
                    || (after.disabled
                        && after.email.0.is_empty()
                        && after.name.0.is_empty()
                        && after.identities.is_empty()),
            ),
            (
                "who is not erased has a way in",
                after.erased || !after.passwordless || !after.identities.is_empty(),
            ),
            (
                "of each provider they have one identity at most",
                after.identities.iter().enumerate().all(|(at, one)| {
                    let others = &after.identities[at + 1..];
                    others.iter().all(|other| other.provider != one.provider)
                }),
            ),
            (
                "who is erased administers nothing",
                !(after.erased && after.platform),
            ),
        ]
    }
}
