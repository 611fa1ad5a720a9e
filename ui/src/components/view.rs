//! What to show while loading, after a failure, and when the data is there.
//!
//! Invariant: data once shown stays in sight when loading it again fails, marked as old, with the
//! failure above it; unless it is gone or no longer the reader's to see.

use schemas::api::Code;
use yew::prelude::*;

use super::{Skeleton, Trouble};
use crate::{api::ApiError, hooks::Fetched};

/// Shows `fetched` with `show`, or what there is instead.
pub fn view_of<T>(fetched: &Fetched<T>, show: impl FnOnce(&T) -> Html) -> Html {
    let trouble = fetched.error.as_ref().map(|error| {
        html! { <Trouble error={error.clone()} retry={fetched.reload.clone()} /> }
    });
    let present = !fetched.error.as_ref().is_some_and(is_gone);
    let content = fetched.value.as_deref().filter(|_| present).map(|value| {
        let old = fetched.stale || fetched.error.is_some();
        html! { <div class="view" aria-busy={old.to_string()}>{ show(value) }</div> }
    });
    match (trouble, content) {
        (None, None) => html! { <Skeleton /> },
        (trouble, content) => html! {
            <>
                { trouble }
                { content }
            </>
        },
    }
}

/// Whether an error says that there is nothing to show, to this reader at least.
pub fn is_gone(error: &ApiError) -> bool {
    matches!(error.code(), Some(Code::Forbidden | Code::NotFound))
}
