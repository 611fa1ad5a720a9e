//! Provides the sign-in to the whole page.
//!
//! Invariant: an earlier sign-in is tried exactly once at the start.

use yew::prelude::*;

use crate::{
    api::Client,
    hooks::{Session, SessionState},
};

/// What is inside.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What may ask who is signed in.
    pub children: Html,
}

/// Provides the sign-in.
#[component]
pub fn SessionProvider(props: &Props) -> Html {
    let client = (*use_memo((), |()| Client::default())).clone();
    let state = use_state_eq(|| SessionState::Restoring);
    let session = Session { client, state };
    {
        let session = session.clone();
        use_effect_with((), move |()| session.restore());
    }
    html! {
        <ContextProvider<Session> context={session}>
            { props.children.clone() }
        </ContextProvider<Session>>
    }
}
