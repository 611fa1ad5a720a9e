//! Asking the server for a change, once at a time.
//!
//! Invariant: while an action runs, running it again does nothing, and asking again for what was
//! asked before repeats it under the same key as long as nobody knows what became of it; so neither
//! an impatient second click nor a lost answer causes a second command. What has left the page
//! moves nobody.

use std::{cell::Cell, fmt::Debug, future::Future, rc::Rc};

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{use_session, use_toasts};
use crate::{
    api::{ApiError, Client},
    browser,
    live::{Feed, News},
};

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

/// What was asked for last, and its idempotency key, until it is known what became of it.
#[derive(Default)]
struct Asked(Option<(String, String)>);

impl Asked {
    /// The key to ask for `what` with.
    fn key(&mut self, what: String, new: impl FnOnce() -> String) -> String {
        let kept = self.0.take().filter(|(asked, _)| *asked == what);
        let key = kept.map_or_else(new, |(_, key)| key);
        self.0 = Some((what, key.clone()));
        key
    }

    fn answered(&mut self, error: Option<&ApiError>) {
        if !error.is_some_and(ApiError::leaves_open) {
            self.0 = None;
        }
    }
}

/// Runs `call` on demand and tells `done` of its success; a failure is shown to the person.
#[hook]
pub fn use_action<A, T, F>(
    call: impl Fn(Client, A) -> F + 'static,
    done: impl Fn(T) + 'static,
) -> Action<A>
where
    A: Debug + 'static,
    T: 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let session = use_session();
    let toasts = use_toasts();
    let feed = use_context::<Feed>().expect("the application provides the live stream");
    let asked = use_mut_ref(Asked::default);
    let busy = use_mut_ref(|| false);
    let state = use_state_eq(|| (false, None::<ApiError>));
    let gone = use_memo((), |()| Cell::new(false));
    {
        let gone = gone.clone();
        use_effect_with((), move |()| move || gone.set(true));
    }
    let run = {
        let state = state.setter();
        let done = Rc::new(done);
        Callback::from(move |argument| {
            if busy.replace(true) {
                return;
            }
            state.set((true, None));
            let key = asked
                .borrow_mut()
                .key(format!("{argument:?}"), browser::idempotency_key);
            let answer = call(session.client.keyed(&key), argument);
            let (asked, busy, state) = (asked.clone(), busy.clone(), state.clone());
            let (session, toasts, done) = (session.clone(), toasts.clone(), done.clone());
            let (feed, gone) = (feed.clone(), gone.clone());
            spawn_local(async move {
                let answer = answer.await;
                busy.replace(false);
                asked.borrow_mut().answered(answer.as_ref().err());
                match answer {
                    Ok(value) => {
                        state.set((false, None));
                        // What shows it is right even if the stream is not there to tell.
                        feed.tell(&News::Reload);
                        if gone.get() {
                            toasts.done("What you asked for is done");
                        } else {
                            done(value);
                        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_until_it_is_known_what_became_of_it() {
        let mut asked = Asked::default();
        let mut drawn = 0;
        let mut key = |asked: &mut Asked, what: &str| {
            asked.key(what.to_owned(), || {
                drawn += 1;
                drawn.to_string()
            })
        };
        assert_eq!(key(&mut asked, "run"), "1");
        asked.answered(Some(&ApiError::Offline));
        assert_eq!(key(&mut asked, "run"), "1", "the answer was lost");
        assert_eq!(key(&mut asked, "run another"), "2");
        asked.answered(None);
        assert_eq!(key(&mut asked, "run another"), "3", "it was done");
    }
}
