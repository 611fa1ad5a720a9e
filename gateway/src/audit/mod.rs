//! What is remembered of a request: who, what, from where, with which result.
//!
//! Whoever learns something of it on the way says so here; the note lies with the task that serves
//! the request, so that no handler has to carry it.
//!
//! Invariant: nothing is noted of a body or a query, and noting never fails and never waits.

mod observe;
mod scope;

use std::sync::{Arc, Mutex, PoisonError};

use commands::{Ask, Credential, Principal, Receipt, Whose};
use domain::{Actor, CommandId, TenantId, UserId};
use schemas::{Position, api::AuditCredential};
use uuid::Uuid;

use crate::{app::App, extract::Address};

pub(crate) use observe::observe;

tokio::task_local! {
    static NOTE: Arc<Mutex<Note>>;
}

/// The request's id, as its answer bears it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(pub Uuid);

/// Who asked.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// They themselves.
    pub actor: Actor,
    /// What they showed for it; none if the route tells.
    pub credential: Option<AuditCredential>,
    /// For whom, if not for themselves.
    pub on_behalf_of: Option<Actor>,
    /// Their sign-in, or key.
    pub session: Option<Uuid>,
    /// In which tenant.
    pub tenant: TenantId,
}

/// What is known of the request so far.
#[derive(Debug, Default)]
struct Note {
    address: Option<Address>,
    /// The tenant that it asks for, if there is one.
    addressed: Option<TenantId>,
    command: Option<Uuid>,
    position: Option<Position>,
    replayed: bool,
    /// Whether it began or went on with a sign-in.
    signed_in: bool,
    target: Option<(Option<&'static str>, Uuid)>,
    who: Option<Who>,
}

impl Who {
    /// Whoever a valid token or key speaks for. A key is not its owner: it acts for them.
    pub fn of(principal: &Principal) -> Self {
        let owner = Actor::User(principal.user);
        let (credential, on_behalf_of) = match principal.credential {
            Credential::ApiKey(_) => (AuditCredential::ApiKey, Some(owner.clone())),
            Credential::Session => (AuditCredential::AccessToken, None),
        };
        Self {
            actor: if principal.acting {
                Actor::Platform(principal.user)
            } else {
                owner
            },
            credential: Some(credential),
            on_behalf_of,
            session: Some(principal.session),
            tenant: principal.tenant,
        }
    }

    /// A user who has shown who they are by other means, or has just become one.
    pub fn user(tenant: TenantId, user: UserId, session: Option<Uuid>) -> Self {
        Self {
            actor: Actor::User(user),
            credential: None,
            on_behalf_of: None,
            session,
            tenant,
        }
    }
}

/// Where it comes from.
pub(crate) fn came_from(address: Address) {
    note(|note| note.address = Some(address));
}

/// Who asks.
pub(crate) fn is(who: Who) {
    note(|note| note.who = Some(who));
}

/// A refresh token was presented, whatever it is worth now.
pub(crate) fn presented(app: &App, refresh_token: &str) {
    if let Some(Whose {
        session,
        tenant,
        user,
    }) = app.identity.whose(refresh_token)
    {
        is(Who::user(tenant, user, Some(session)));
    }
}

/// A sign-in is answered with this refresh token.
pub(crate) fn signed_in(app: &App, refresh_token: &str) {
    presented(app, refresh_token);
    note(|note| note.signed_in = true);
}

/// An account was tried, which may be nobody's; `digest` stands for its address.
pub(crate) fn tried(digest: Uuid) {
    note(|note| note.target = Some((Some("account"), digest)));
}

/// A tenant that there is was asked for, by nobody so far.
pub(crate) fn addressed(tenant: TenantId) {
    note(|note| note.addressed = Some(tenant));
}

/// A command is about to be run.
pub(crate) fn runs(ask: &Ask) {
    note(|note| {
        note.command = Some(ask.command.uuid());
        note.target = Some((None, ask.id));
    });
}

/// They act as a part of the platform, whatever tenant is theirs.
pub(crate) fn acts(actor: Actor) {
    note(|note| {
        if let Some(who) = &mut note.who {
            who.actor = actor;
        }
    });
}

/// A command may be run, of which nobody can say yet whom it concerns.
pub(crate) fn may_run(command: CommandId) {
    note(|note| note.command = Some(command.uuid()));
}

/// A command has been run.
pub(crate) fn ran<A>(receipt: &Receipt<A>) {
    note(|note| {
        note.position = receipt.changed.then_some(receipt.position);
        note.replayed = receipt.replayed;
    });
}

fn note(change: impl FnOnce(&mut Note)) {
    // Without a note nobody watches, as in tests of parts.
    let _unwatched = NOTE.try_with(|note| {
        change(&mut note.lock().unwrap_or_else(PoisonError::into_inner));
    });
}
