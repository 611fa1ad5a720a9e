//! Who is signed in.
//!
//! Invariant: the page shows something of a tenant only in [`SessionState::SignedIn`].

use std::rc::Rc;

use schemas::{
    api::{Session as Granted, UserView},
    domain::user::Role,
};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::{ApiError, Client};

/// Whether someone is signed in.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionState {
    /// An earlier sign-in is being taken up.
    Restoring,
    /// Nobody.
    SignedOut,
    /// This user.
    SignedIn(Rc<UserView>),
    /// It is not known, because the server cannot say.
    Unreachable(ApiError),
}

/// The sign-in, and what changes it.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// The connection that it signs.
    pub client: Client,
    /// Whether someone is signed in.
    pub state: UseStateHandle<SessionState>,
}

impl Session {
    /// Takes up an earlier sign-in, by its cookie.
    pub fn restore(&self) {
        let session = self.clone();
        spawn_local(async move {
            let state = match session.client.restore().await {
                Ok(granted) => SessionState::SignedIn(Rc::new(granted.user.clone())),
                Err(error) if error.is_signed_out() => SessionState::SignedOut,
                Err(error) => SessionState::Unreachable(error),
            };
            session.state.set(state);
        });
    }

    /// Someone signed in.
    pub fn begin(&self, granted: &Granted) {
        self.state
            .set(SessionState::SignedIn(Rc::new(granted.user.clone())));
    }

    /// The sign-in is over: it expired, or was ended elsewhere.
    pub fn expire(&self) {
        self.client.forget();
        self.state.set(SessionState::SignedOut);
    }

    /// Ends the sign-in. Here it ends even if the server cannot be told.
    pub fn sign_out(&self) {
        let session = self.clone();
        spawn_local(async move {
            let _ = session.client.logout().await;
            session.expire();
        });
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<Rc<UserView>> {
        match &*self.state {
            SessionState::SignedIn(user) => Some(user.clone()),
            _ => None,
        }
    }

    /// Whether who is signed in may change things.
    pub fn may_act(&self) -> bool {
        self.user().is_some_and(|user| user.role != Role::Viewer)
    }
}

/// The sign-in.
#[hook]
pub fn use_session() -> Session {
    use_context::<Session>().expect("the application provides the session")
}

/// The connection to the API.
#[hook]
pub fn use_client() -> Client {
    use_session().client
}
