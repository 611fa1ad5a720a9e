//! Provides the sign-in to the whole page.
//!
//! Invariant: an earlier sign-in is tried exactly once at the start; after that the page follows
//! what the other tabs of the browser do.

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::StorageEvent;
use yew::prelude::*;

use crate::{
    browser,
    hooks::{Present, Session},
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
    let session = Session::of(&use_state_eq(Present::default));
    {
        let session = session.clone();
        use_effect_with((), move |()| session.restore());
    }
    use_effect_with(session.clone(), |session| {
        let session = session.clone();
        let listener = EventListener::new(&browser::window(), "storage", move |event| {
            let event = event.dyn_ref::<StorageEvent>();
            if let Some(event) = event.filter(|event| browser::is_of_sign_in(event)) {
                session.follow(event.new_value().as_deref());
            }
        });
        move || drop(listener)
    });
    html! {
        <ContextProvider<Session> context={session}>
            { props.children.clone() }
        </ContextProvider<Session>>
    }
}
