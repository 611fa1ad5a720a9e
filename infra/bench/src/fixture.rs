//! What is written and asked in the benches.
//!
//! Invariant: a commit here is one that `commands` would have made: same fields, same seal, and
//! about 500 bytes with its headers left out.

use anyhow::Result;
use commands::{Ask, Commands, DEFAULT_TENANT};
use domain::{
    Actor, Aggregate as _, AggregateKind, CommandId, Context, JobId, Name, Timestamp,
    job::{Job, JobCommand, JobCreated, JobPolicy, Misfire, Overlap},
    schedule::Schedule,
    task::{Task, TaskCommand, TaskCreated, TaskSpec},
};
use event_log::{Hash, Meta, NewCommit, Position, StreamId, Version, seal};
use runtime::{Clock, Ids};
use schemas::catalogue;
use serde_json::{Value, json};
use uuid::Uuid;

/// Makes commits.
#[derive(Clone)]
pub struct Author {
    clock: Clock,
    ids: Ids,
}

/// A task's history so far, for its next commit.
#[derive(Clone)]
pub struct Tale {
    hash: Hash,
    id: Uuid,
    position: Position,
    task: Option<Task>,
    version: Version,
}

/// What the tasks of the benches carry.
pub fn payload() -> Value {
    json!({ "to": "https://example.invalid/hooks/nightly", "text": "x".repeat(250) })
}

/// A request for something new.
pub fn ask(commands: &Commands) -> Ask {
    let id = commands.ids().next();
    let actor = Actor::System("bench".to_owned());
    let mut ask = Ask::new(actor, DEFAULT_TENANT, id, CommandId::new(id));
    ask.fresh = true;
    ask
}

/// Creates a job that creates such tasks when it is due.
pub async fn create_job(commands: &Commands, name: &str, schedule: Schedule) -> Result<JobId> {
    let ask = ask(commands);
    let id = JobId::new(ask.id);
    let created = JobCreated {
        name: Name::try_new(name)?,
        schedule,
        task: task().spec,
        overlap: Overlap::Allow,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy::default(),
    };
    commands
        .execute::<Job>(ask, JobCommand::Create(created))
        .await?;
    Ok(id)
}

/// A task that waits for a worker.
pub fn task() -> TaskCreated {
    TaskCreated::new(TaskSpec::new("echo", payload()))
}

impl Author {
    /// On the clock of the machine.
    pub fn new() -> Self {
        let clock = Clock::system();
        Self {
            ids: Ids::new(clock.clone()),
            clock,
        }
    }

    /// Its clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its ids.
    pub const fn ids(&self) -> &Ids {
        &self.ids
    }

    /// A new aggregate's tale.
    pub fn tale(&self) -> Tale {
        Tale {
            hash: Hash::ZERO,
            id: self.ids.next(),
            position: Position(0),
            task: None,
            version: Version(0),
        }
    }

    /// The first commit of a new task.
    pub fn birth(&self) -> NewCommit {
        self.next(&mut self.tale(), &TaskCommand::Create(task()))
    }

    /// The commit by which `command` carries `tale` on; where it is stored has still to be told.
    pub fn next(&self, tale: &mut Tale, command: &TaskCommand) -> NewCommit {
        let actor = Actor::System("bench".to_owned());
        let now: Timestamp = self.clock.now();
        let command_id = CommandId::new(if tale.task.is_none() {
            tale.id
        } else {
            self.ids.next()
        });
        let context = Context {
            actor: actor.clone(),
            command: command_id,
            id: tale.id,
            now,
            tenant: DEFAULT_TENANT,
        };
        let events = Task::decide(tale.task.as_ref(), command, &context)
            .expect("the benches give only commands that a task accepts");
        let payload = catalogue::encode(&events);
        let stream = StreamId {
            tenant: DEFAULT_TENANT,
            kind: AggregateKind::Task,
            id: tale.id,
        };
        let mut meta = Meta {
            actor,
            causation: None,
            command: command_id,
            correlation: command_id.uuid(),
            fingerprint: None,
            hash: Hash::ZERO,
            previous: tale.hash,
            time: now,
            traceparent: None,
            version: tale.version.next(),
        };
        meta.hash = seal(stream, &meta, &payload);
        tale.hash = meta.hash;
        tale.version = meta.version;
        tale.task = events.iter().fold(tale.task.take(), |task, event| {
            Task::evolve(task, event, now)
        });
        NewCommit {
            expected: tale.position,
            meta,
            payload,
            stream,
        }
    }
}

impl Tale {
    /// Whose it is.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The task as it is now.
    pub const fn task(&self) -> Option<&Task> {
        self.task.as_ref()
    }

    /// Takes note of where the latest commit is.
    pub const fn stored_at(&mut self, position: Position) {
        self.position = position;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_log::{EventLog as _, MemoryLog};

    #[tokio::test]
    async fn a_tale_goes_on_in_the_log() {
        let (author, log) = (Author::new(), MemoryLog::new("bench"));
        let mut tale = author.tale();
        let worker = || "w".to_owned();
        for command in [
            TaskCommand::Create(task()),
            TaskCommand::Start {
                attempt: 1,
                worker: worker(),
            },
        ] {
            let commit = author.next(&mut tale, &command);
            let position = log.append(commit).await.expect("stored");
            tale.stored_at(position);
        }
        assert_eq!(tale.version, Version(2));
    }
}
