//! Loading what a component shows, and loading it again when it changed.
//!
//! Invariant: an answer is shown with the question it answers, so one to another question is never
//! taken for the present one's. At most one load of a component is under way, none when it has left
//! the page; while loading, and after a failure, the last answer stays.

use std::{cell::RefCell, future::Future, rc::Rc};

use futures::future::{AbortHandle, abortable};
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

impl<T> Fetched<T> {
    /// Whether the present question is answered, or why it is not is known.
    pub fn is_settled(&self) -> bool {
        !self.stale || self.error.is_some()
    }
}

/// What came of loading, each with the question that it belongs to.
#[derive(Debug, PartialEq)]
struct Loaded<Q, T> {
    value: Option<(Q, Rc<T>)>,
    error: Option<(Q, ApiError)>,
}

/// The load that is under way.
#[derive(Default)]
struct Underway {
    handle: Option<AbortHandle>,
    again: bool,
}

#[derive(Default)]
struct Together {
    timer: Option<Timeout>,
    again: bool,
}

impl<Q, T> Default for Loaded<Q, T> {
    fn default() -> Self {
        Self {
            value: None,
            error: None,
        }
    }
}

impl<Q: Clone, T> Reducible for Loaded<Q, T> {
    type Action = (Q, Result<T, ApiError>);

    fn reduce(self: Rc<Self>, (question, answer): Self::Action) -> Rc<Self> {
        Rc::new(match answer {
            Ok(value) => Self {
                value: Some((question, Rc::new(value))),
                error: None,
            },
            Err(error) => Self {
                value: self.value.clone(),
                error: Some((question, error)),
            },
        })
    }
}

impl<Q: PartialEq, T> Loaded<Q, T> {
    /// What to show to whoever asks `question`.
    fn seen_by(&self, question: &Q, reload: Callback<()>) -> Fetched<T> {
        let error = self.error.as_ref().filter(|(of, _)| of == question);
        Fetched {
            value: self.value.as_ref().map(|(_, value)| value.clone()),
            error: error.map(|(_, error)| error.clone()),
            stale: self.value.as_ref().is_none_or(|(of, _)| of != question),
            reload,
        }
    }
}

impl Underway {
    /// Whether a load may start; if not, another follows the one under way.
    fn may_start(&mut self) -> bool {
        self.again = self.handle.is_some();
        !self.again
    }

    /// Whether the load that ended is to be followed by another.
    fn ended(&mut self) -> bool {
        let again = std::mem::take(&mut self.again);
        if !again {
            self.handle = None;
        }
        again
    }

    fn stop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.abort();
        }
        self.again = false;
    }
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
    let loaded = use_reducer_eq(Loaded::default);
    let underway = use_mut_ref(Underway::default);
    let ask = {
        let (underway, answers, load) = (underway.clone(), loaded.dispatcher(), Rc::new(load));
        let client = session.client.clone();
        use_callback((question.clone(), client), move |(), (question, client)| {
            if !underway.borrow_mut().may_start() {
                return;
            }
            let (question, client, load) = (question.clone(), client.clone(), load.clone());
            let (session, answers, loading) = (session.clone(), answers.clone(), underway.clone());
            let (answering, handle) = abortable(async move {
                loop {
                    let answer = load(client.clone(), question.clone()).await;
                    if answer.as_ref().is_err_and(ApiError::is_signed_out) {
                        session.expire();
                        return;
                    }
                    answers.dispatch((question.clone(), answer));
                    if !loading.borrow_mut().ended() {
                        return;
                    }
                }
            });
            underway.borrow_mut().handle = Some(handle);
            spawn_local(async move {
                // That it was stopped is known to whoever stopped it.
                let _ = answering.await;
            });
        })
    };
    use_effect_with((question.clone(), ask.clone()), move |(_, ask)| {
        ask.emit(());
        move || underway.borrow_mut().stop()
    });
    loaded.seen_by(&question, ask)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_another_question_is_stale_after_a_failure_too() {
        let mut loaded = Rc::new(Loaded::<&str, u8>::default());
        let seen = |loaded: &Loaded<&'static str, u8>, question: &'static str| {
            let seen = loaded.seen_by(&question, Callback::noop());
            (seen.value.map(|value| *value), seen.error, seen.stale)
        };
        assert_eq!(seen(&loaded, "all"), (None, None, true));
        loaded = loaded.reduce(("all", Ok(7)));
        assert_eq!(seen(&loaded, "all"), (Some(7), None, false));
        assert_eq!(seen(&loaded, "failed"), (Some(7), None, true));
        loaded = loaded.reduce(("failed", Err(ApiError::Offline)));
        assert_eq!(
            seen(&loaded, "failed"),
            (Some(7), Some(ApiError::Offline), true)
        );
        assert_eq!(seen(&loaded, "all"), (Some(7), None, false));
    }

    #[test]
    fn what_is_asked_during_a_load_is_loaded_once_after_it() {
        let mut underway = Underway::default();
        assert!(underway.may_start());
        underway.handle = Some(AbortHandle::new_pair().0);
        assert!(!underway.may_start());
        assert!(!underway.may_start());
        assert!(underway.ended(), "one more follows");
        assert!(!underway.ended());
        assert!(underway.may_start(), "and then none is under way");
    }
}
