//! Who is signed in.
//!
//! Invariant: the page shows something of a tenant only in [`SessionState::SignedIn`]. Each sign-in
//! has a client of its own, which is closed when it ends; a session whose client is closed is over
//! and changes nothing. All tabs of a browser are signed in as the same user, or none is.

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use schemas::{
    api::{Session as Granted, UserView},
    domain::user::Role,
};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    api::{ApiError, Client},
    browser,
};

/// What stands in the browser's storage in place of a user once somebody signed out, until the
/// server knows of it.
const LEFT: &str = "out";
/// How long to wait before the server is told again that somebody signed out.
const TELL_AGAIN_MS: u32 = 5_000;

/// Whether someone is signed in.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionState {
    /// An earlier sign-in is being taken up.
    Restoring,
    /// Nobody.
    SignedOut(Ending),
    /// This user.
    SignedIn(Rc<UserView>),
    /// It is not known, because the server cannot say.
    Unreachable(ApiError),
}

/// Why nobody is signed in any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// Nobody was signed in.
    Absent,
    /// The sign-in expired, or was ended elsewhere.
    Expired,
    /// Somebody signed out.
    Left,
    /// Somebody signed out, and the server could not be told yet.
    Untold,
}

/// The client of the present sign-in, and what is known of it.
#[derive(Clone, PartialEq)]
pub struct Present {
    client: Client,
    state: SessionState,
}

/// The sign-in, and what changes it.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// The connection that it signs.
    pub client: Client,
    /// Whether someone is signed in.
    pub state: SessionState,
    present: UseStateSetter<Present>,
}

/// What a tab has to do when another tab writes who is signed in.
#[derive(Debug, Eq, PartialEq)]
enum Follow {
    /// Nothing.
    Stay,
    /// End its own sign-in.
    End,
    /// Take up the sign-in that the browser has now.
    Restore,
}

impl Default for Present {
    fn default() -> Self {
        Self {
            client: Client::default(),
            state: SessionState::Restoring,
        }
    }
}

impl Session {
    /// The sign-in that `present` holds.
    pub fn of(present: &UseStateHandle<Present>) -> Self {
        Self {
            client: present.client.clone(),
            state: present.state.clone(),
            present: present.setter(),
        }
    }

    /// Takes up an earlier sign-in, by its cookie; not that of somebody who signed out.
    pub fn restore(&self) {
        let session = self.clone();
        if browser::signed_in_as().as_deref() == Some(LEFT) {
            session.show(SessionState::SignedOut(Ending::Left));
            spawn_local(async move { session.tell().await });
            return;
        }
        spawn_local(async move {
            match session.client.restore().await {
                Ok(granted) => session.begin(&granted),
                Err(error) if error.is_signed_out() => session.end(Ending::Absent),
                Err(error) => session.show(SessionState::Unreachable(error)),
            }
        });
    }

    /// Someone signed in.
    pub fn begin(&self, granted: &Granted) {
        if self.client.is_closed() {
            return;
        }
        self.client.close();
        let user = Rc::new(granted.user.clone());
        browser::set_signed_in_as(Some(&user.id.to_string()));
        let (id, present) = (user.id, self.present.clone());
        let client = Client::signed_in(granted, move |client, granted| {
            let session = Self {
                client: client.clone(),
                state: SessionState::Restoring,
                present: present.clone(),
            };
            if browser::signed_in_as().as_deref() == Some(LEFT) {
                session.end(Ending::Left);
            } else if granted.user.id == id {
                session.show(SessionState::SignedIn(Rc::new(granted.user.clone())));
            } else {
                session.begin(granted);
            }
        });
        self.present.set(Present {
            client,
            state: SessionState::SignedIn(user),
        });
    }

    /// The sign-in is over: it expired, or was ended elsewhere.
    pub fn expire(&self) {
        self.end(Ending::Expired);
    }

    /// Ends the sign-in: here at once, on the server as soon as it can be told.
    pub fn sign_out(&self) {
        if self.client.is_closed() {
            return;
        }
        browser::set_signed_in_as(Some(LEFT));
        let next = self.ended(Ending::Left);
        let former = self.client.clone();
        spawn_local(async move {
            former.settled().await;
            next.tell().await;
        });
    }

    /// Does what another tab did: it wrote that `who` is signed in.
    pub fn follow(&self, who: Option<&str>) {
        match follow(&self.state, who) {
            Follow::Stay => {}
            Follow::End => self.end(Ending::Left),
            Follow::Restore => self.restore(),
        }
    }

    /// Whether the server knows that whoever was signed in here has left. Somebody who came back
    /// signed in before that would be signed out again.
    pub fn is_settled() -> bool {
        browser::signed_in_as().as_deref() != Some(LEFT)
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<Rc<UserView>> {
        match &self.state {
            SessionState::SignedIn(user) => Some(user.clone()),
            _ => None,
        }
    }

    /// Whether who is signed in may change things.
    pub fn may_act(&self) -> bool {
        self.user().is_some_and(|user| user.role != Role::Viewer)
    }

    fn end(&self, ending: Ending) {
        if !self.client.is_closed() {
            self.ended(ending);
        }
    }

    /// Closes the client; what there is afterwards.
    fn ended(&self, ending: Ending) -> Self {
        self.client.close();
        let next = Self {
            client: Client::default(),
            state: SessionState::SignedOut(ending),
            present: self.present.clone(),
        };
        next.show(next.state.clone());
        next
    }

    fn show(&self, state: SessionState) {
        if !self.client.is_closed() {
            self.present.set(Present {
                client: self.client.clone(),
                state,
            });
        }
    }

    /// Tells the server that the sign-in of the cookie is over, until it knows or somebody signs
    /// in.
    async fn tell(&self) {
        while !self.client.is_closed() {
            if self.client.logout().await.is_ok() {
                if browser::signed_in_as().as_deref() == Some(LEFT) {
                    browser::set_signed_in_as(None);
                }
                return self.show(SessionState::SignedOut(Ending::Left));
            }
            self.show(SessionState::SignedOut(Ending::Untold));
            TimeoutFuture::new(TELL_AGAIN_MS).await;
            if browser::signed_in_as().is_some_and(|who| who != LEFT) {
                return;
            }
        }
    }
}

fn follow(state: &SessionState, who: Option<&str>) -> Follow {
    match (state, who) {
        (SessionState::SignedIn(_), Some(LEFT)) => Follow::End,
        (SessionState::Restoring, Some(_)) | (_, None | Some(LEFT)) => Follow::Stay,
        (SessionState::SignedIn(user), Some(who)) if user.id.to_string() == who => Follow::Stay,
        (_, Some(_)) => Follow::Restore,
    }
}

/// The sign-in.
#[hook]
pub fn use_session() -> Session {
    use_context::<Session>().expect("the application provides the session")
}

#[cfg(test)]
mod tests {
    use schemas::domain::Timestamp;

    use super::*;

    const ALICE: &str = "0199a7c2-0000-7000-8000-00000000a11c";
    const BOB: &str = "0199a7c2-0000-7000-8000-000000000b0b";

    fn alice() -> SessionState {
        SessionState::SignedIn(Rc::new(UserView {
            id: ALICE.parse().expect("an id"),
            tenant_id: BOB.parse().expect("an id"),
            email: None,
            name: None,
            role: Role::Viewer,
            disabled: false,
            platform: false,
            invited: false,
            mfa_enabled: false,
            providers: Vec::new(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            version: 1,
        }))
    }

    #[test]
    fn a_tab_follows_the_others() {
        let out = SessionState::SignedOut(Ending::Left);
        assert_eq!(follow(&alice(), Some(LEFT)), Follow::End);
        assert_eq!(follow(&alice(), Some(BOB)), Follow::Restore);
        assert_eq!(follow(&alice(), Some(ALICE)), Follow::Stay);
        assert_eq!(follow(&alice(), None), Follow::Stay);
        assert_eq!(follow(&out, Some(ALICE)), Follow::Restore);
        assert_eq!(follow(&out, Some(LEFT)), Follow::Stay);
    }
}
