//! What a guess costs, whoever it is about.
//!
//! Invariant: what is done for it is the same to the last read, in the same order: so a stranger's
//! clock has nothing to tell them, however long each step takes.

use std::{
    fmt::{Debug, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use commands::{Invitation, NewTenant};
use domain::{Name, Slug, TenantId};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::*;
use crate::staged::Fate;

/// What is traced within this span is noted.
const GUESS: &str = "guess";
/// What takes time that could be told: of the log, of the vault, of a processor.
const COUNTED: [&str; 3] = ["loads", "reads the vault", "hashes a password"];
const RIGHT: &str = "correct horse battery";

/// Notes what is traced while a guess is looked at. There is one thread.
#[derive(Clone, Default)]
struct Notes {
    is_open: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

/// The words of an event.
struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _infallible = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Notes {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        let room = of.target().split("::").next();
        if of.is_span() {
            return of.name() == GUESS;
        }
        matches!(room, Some("commands" | "event_log" | "identity"))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if self.is_open.load(Ordering::SeqCst) {
            let mut line = String::new();
            event.record(&mut Words(&mut line));
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if COUNTED.iter().any(|work| line.contains(work)) {
                lines.push(line);
            }
        }
    }

    fn enter(&self, _: &Id) {
        self.is_open.store(true, Ordering::SeqCst);
    }

    fn exit(&self, _: &Id) {
        self.is_open.store(false, Ordering::SeqCst);
    }
}

impl Notes {
    /// What is done for a guess, which must be wrong.
    async fn of_guess(
        &self,
        identity: &Identity,
        (tenant, email, password): (TenantId, &str, &str),
    ) -> Vec<String> {
        let guess = identity.sign_in(tenant, email, password.into());
        let known = guess.instrument(tracing::trace_span!(GUESS)).await;
        assert!(known.expect("asked").is_none(), "{email} got in");
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whom guesses are about; and another tenant with a user of its own.
async fn people(world: &World) -> TenantId {
    world.registered("ann@example.org").await;
    let bob = world.registered("bob@example.org").await;
    let disable = Ask {
        id: bob.uuid(),
        ..world.ask()
    };
    world.identity.disable(disable).await.expect("disabled");
    let invitation = Invitation {
        email: "carol@example.org".into(),
        name: "Carol".into(),
        role: Role::Viewer,
    };
    let invited = world.identity.invite(world.ask(), invitation).await;
    invited.expect("invited");
    let slug = Slug::try_new("acme").expect("a slug");
    let acme = NewTenant {
        administrator: wanted("dan@example.org"),
        name: Name::try_new("Acme").expect("a name"),
        slug: slug.clone(),
    };
    let made = world.identity.create_tenant(world.ask(), acme).await;
    made.expect("made");
    TenantId::of_slug(&slug)
}

/// Holds that each guess is the same work, whose first step is to load so much; what that is.
async fn alike(
    world: &World,
    notes: &Notes,
    loads: usize,
    guesses: &[(TenantId, &str, &str)],
) -> Vec<String> {
    let mut expected = Vec::new();
    for guess in guesses {
        // A process that has not heard of anybody yet, and then once more.
        let (identity, _log, _vault) = world.process(Fate::Stored).await;
        for time in ["first", "second"] {
            let done = notes.of_guess(&identity, *guess).await;
            let count = |word: &str| done.iter().filter(|line| line.contains(word)).count();
            assert_eq!(COUNTED.map(count), [loads, 1, 1], "{guess:?}: {done:?}");
            if expected.is_empty() {
                expected.clone_from(&done);
            }
            assert_eq!(done, expected, "{guess:?}, the {time} time");
        }
    }
    expected
}

#[tokio::test]
async fn a_guess_is_the_same_work_whoever_it_is_about() {
    let notes = Notes::default();
    let _traced = tracing::subscriber::set_default(notes.clone());
    let world = world().await;
    let acme = people(&world).await;
    let main = [
        (DEFAULT_TENANT, "nobody@example.org", RIGHT),
        (DEFAULT_TENANT, "ann@example.org", "wrong horse battery"),
        (DEFAULT_TENANT, "bob@example.org", RIGHT),
        (DEFAULT_TENANT, "bob@example.org", "wrong horse battery"),
        (DEFAULT_TENANT, "carol@example.org", RIGHT),
        (DEFAULT_TENANT, "no address", RIGHT),
    ];
    // Of the main tenant, which everybody knows, it need not be asked whether it is open.
    let elsewhere = TenantId::new(uuid::Uuid::from_u128(7));
    let others = [
        (elsewhere, "dan@example.org", RIGHT),
        (acme, "nobody@example.org", RIGHT),
        (acme, "dan@example.org", "wrong horse battery"),
    ];
    for (loads, guesses) in [(2, &main[..]), (3, &others[..])] {
        let done = alike(&world, &notes, loads, guesses).await.join(", ");
        // As new passwords are: what has one of before is the exception that README names.
        assert!(done.contains("cost=2"), "{done}");
    }
}
