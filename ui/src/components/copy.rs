//! A button that copies a text.
//!
//! Invariant: it says whether the browser let it.

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{Button, Glyph, Look};
use crate::{browser, hooks::use_toasts};

/// What to copy.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The text.
    pub text: AttrValue,
    /// What it is, such as `id`.
    pub what: AttrValue,
}

/// A button that copies a text.
#[component]
pub fn Copy(props: &Props) -> Html {
    let toasts = use_toasts();
    let (text, what) = (props.text.clone(), props.what.clone());
    let onclick = move |_| {
        let (text, what, toasts) = (text.clone(), what.clone(), toasts.clone());
        spawn_local(async move {
            if browser::copy(&text).await {
                toasts.done(&format!("Copied the {what}"));
            } else {
                toasts.refused(&format!("The browser did not let the {what} be copied"));
            }
        });
    };
    let label = format!("Copy the {}", props.what);
    html! { <Button {label} glyph={Glyph::Copy} look={Look::Ghost} {onclick} /> }
}
