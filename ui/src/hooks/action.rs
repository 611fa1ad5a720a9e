//! Asking the server for a change, once at a time.
//!
//! Invariant: while an action runs, running it again does nothing, so an impatient second click
//! never causes a second command.

use std::{future::Future, rc::Rc};

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{use_session, use_toasts};
use crate::api::{ApiError, Client};

/// Something that can be asked for.
#[derive(Clone, PartialEq)]
pub struct Action<A: 'static> {
    /// Whether it runs now.
    pub busy: bool,
    /// Why the last run failed, if it did.
    pub error: Option<ApiError>,
    /// Runs it.
    pub run: Callback<A>,
}

/// Runs `call` on demand and tells `done` of its success; a failure is shown to the person.
#[hook]
pub fn use_action<A, T, F>(
    call: impl Fn(Client, A) -> F + 'static,
    done: impl Fn(T) + 'static,
) -> Action<A>
where
    A: 'static,
    T: 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let session = use_session();
    let toasts = use_toasts();
    let busy = use_mut_ref(|| false);
    let state = use_state_eq(|| (false, None::<ApiError>));
    let run = {
        let state = state.setter();
        let done = Rc::new(done);
        Callback::from(move |argument| {
            if busy.replace(true) {
                return;
            }
            state.set((true, None));
            let answer = call(session.client.clone(), argument);
            let (busy, state) = (busy.clone(), state.clone());
            let (session, toasts, done) = (session.clone(), toasts.clone(), done.clone());
            spawn_local(async move {
                let answer = answer.await;
                busy.replace(false);
                match answer {
                    Ok(value) => {
                        state.set((false, None));
                        done(value);
                    }
                    Err(error) if error.is_signed_out() => session.expire(),
                    Err(error) => {
                        toasts.failed(&error);
                        state.set((false, Some(error)));
                    }
                }
            });
        })
    };
    Action {
        busy: state.0,
        error: state.1.clone(),
        run,
    }
}
