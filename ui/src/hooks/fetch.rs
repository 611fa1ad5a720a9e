//! Loading what a component shows, and loading it again when it changed.
//!
//! Invariant: an answer is shown only if no later one was shown before it and if it answers the
//! present question; while loading, and after a failure, the last answer stays.

use std::{cell::RefCell, future::Future, rc::Rc};

use gloo_timers::callback::Timeout;
use schemas::api::LiveEvent;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{use_live, use_session};
use crate::{
    api::{ApiError, Client},
    live::News,
};

/// Changes that follow each other faster are loaded together.
const TOGETHER_MS: u32 = 400;

/// What was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched<T> {
    /// The last answer.
    pub value: Option<Rc<T>>,
    /// Why the last try failed, if it did.
    pub error: Option<ApiError>,
    /// Whether the value answers an earlier question, or none is there yet.
    pub stale: bool,
    /// Loads again.
    pub reload: Callback<()>,
}

#[derive(Clone, PartialEq)]
struct Loaded<T> {
    value: Option<Rc<T>>,
    error: Option<ApiError>,
    stale: bool,
}

/// Which answers count.
#[derive(Default)]
struct Sequence {
    started: u64,
    shown: u64,
}

#[derive(Default)]
struct Together {
    timer: Option<Timeout>,
    again: bool,
}

/// Loads with `load` at first and whenever `question` changes. `load` must use nothing but its
/// arguments.
#[hook]
pub fn use_fetch<Q, T, F>(question: Q, load: impl Fn(Client, Q) -> F + 'static) -> Fetched<T>
where
    Q: Clone + PartialEq + 'static,
    T: PartialEq + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let session = use_session();
    let loaded = use_state_eq(|| Loaded {
        value: None,
        error: None,
        stale: true,
    });
    let shown = use_mut_ref(|| None::<Rc<T>>);
    let sequence = use_mut_ref(Sequence::default);
    let setter = loaded.setter();
    let client = session.client.clone();
    let session = use_latest(session);
    let ask = {
        let (shown, sequence, setter) = (shown.clone(), sequence.clone(), setter.clone());
        use_callback((question.clone(), client), move |(), (question, client)| {
            sequence.borrow_mut().started += 1;
            let number = sequence.borrow().started;
            let answer = load(client.clone(), question.clone());
            let (shown, sequence, setter) = (shown.clone(), sequence.clone(), setter.clone());
            let session = session.clone();
            spawn_local(async move {
                let answer = answer.await;
                if sequence.borrow().shown >= number {
                    return;
                }
                sequence.borrow_mut().shown = number;
                let error = answer
                    .map(|value| *shown.borrow_mut() = Some(Rc::new(value)))
                    .err();
                if error.as_ref().is_some_and(ApiError::is_signed_out) {
                    session.borrow().expire();
                    return;
                }
                setter.set(Loaded {
                    value: shown.borrow().clone(),
                    error,
                    stale: false,
                });
            });
        })
    };
    use_effect_with((question, ask.clone()), move |(_, ask)| {
        // Answers to earlier questions no longer count.
        let started = sequence.borrow().started;
        sequence.borrow_mut().shown = started;
        setter.set(Loaded {
            value: shown.borrow().clone(),
            error: None,
            stale: true,
        });
        ask.emit(());
    });
    Fetched {
        value: loaded.value.clone(),
        error: loaded.error.clone(),
        stale: loaded.stale,
        reload: ask,
    }
}

/// Like [`use_fetch`], and loads again when something happens that `concerns` it.
#[hook]
pub fn use_live_fetch<Q, T, F>(
    question: Q,
    load: impl Fn(Client, Q) -> F + 'static,
    concerns: impl Fn(&LiveEvent) -> bool + 'static,
) -> Fetched<T>
where
    Q: Clone + PartialEq + 'static,
    T: PartialEq + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let fetched = use_fetch(question, load);
    let together = use_mut_ref(Together::default);
    let latest = use_latest(fetched.reload.clone());
    use_live(move |news| match news {
        News::Commit(event) if concerns(event) => reload_soon(&together, &latest),
        News::Reload => reload_soon(&together, &latest),
        News::Commit(_) | News::Status(_) => {}
    });
    fetched
}

/// The first change is loaded at once, those that follow closely together with one more load.
fn reload_soon(together: &Rc<RefCell<Together>>, reload: &Rc<RefCell<Callback<()>>>) {
    if together.borrow().timer.is_some() {
        together.borrow_mut().again = true;
        return;
    }
    let now = reload.borrow().clone();
    let timer = {
        let (together, reload) = (Rc::downgrade(together), reload.clone());
        Timeout::new(TOGETHER_MS, move || {
            let Some(together) = together.upgrade() else {
                return;
            };
            let again = {
                let mut together = together.borrow_mut();
                together.timer.take();
                std::mem::take(&mut together.again)
            };
            if again {
                reload_soon(&together, &reload);
            }
        })
    };
    together.borrow_mut().timer = Some(timer);
    now.emit(());
}

/// The latest value of something, for closures that outlive a render.
#[hook]
fn use_latest<T>(value: T) -> Rc<RefCell<T>>
where
    T: Clone + 'static,
{
    let latest = use_mut_ref(|| value.clone());
    *latest.borrow_mut() = value;
    latest
}
