//! What to show while loading, after a failure, and when the data is there.
//!
//! Invariant: data once shown stays in sight when loading it again fails; the failure stands above
//! it.

use yew::prelude::*;

use super::{Skeleton, Trouble};
use crate::hooks::Fetched;

/// Shows `fetched` with `show`, or what there is instead.
pub fn view_of<T>(fetched: &Fetched<T>, show: impl FnOnce(&T) -> Html) -> Html {
    let trouble = fetched.error.as_ref().map(|error| {
        html! { <Trouble error={error.clone()} retry={fetched.reload.clone()} /> }
    });
    let content = fetched.value.as_deref().map(|value| {
        html! {
            <div class="view" aria-busy={fetched.stale.to_string()}>{ show(value) }</div>
        }
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
