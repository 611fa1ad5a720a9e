//! What a part of the page shows when it could not be loaded.
//!
//! Invariant: it says what happened, what to do, and what to quote when asking for help.

use schemas::api::Code;
use yew::prelude::*;

use super::{Button, Glyph, Icon};
use crate::api::ApiError;

/// A failure.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What happened.
    pub error: ApiError,
    /// Tries again.
    pub retry: Callback<()>,
}

/// A failure, with a way out.
#[component]
pub fn Trouble(props: &Props) -> Html {
    let retry = props.retry.clone();
    let gone = matches!(
        props.error.code(),
        Some(Code::NotFound | Code::RouteNotFound)
    );
    let glyph = if gone { Glyph::Search } else { Glyph::Warning };
    html! {
        <div class="trouble" role="alert" data-gone={gone.to_string()}>
            <span class="empty-mark"><Icon {glyph} /></span>
            <p class="empty-title">{ props.error.title() }</p>
            <p class="empty-hint">{ props.error.detail() }</p>
            if let Some(id) = props.error.request_id() {
                <p class="trouble-id">{ "Request " }<code>{ id.to_owned() }</code></p>
            }
            <Button label="Try again" glyph={Glyph::Retry} onclick={move |_| retry.emit(())} />
        </div>
    }
}
