//! The mark of the product: a moon and a star, for what turns regularly.
//!
//! Invariant: decoration; the name stands beside it.

use yew::prelude::*;

/// The mark of the product.
#[component]
pub fn Brand() -> Html {
    html! {
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
            <path class="brand-disc" d="M16 3a13 13 0 1 0 0 26 13 13 0 1 0 0-26" />
            <path class="brand-moon" d="M22.5 19.5A8 8 0 0 1 12.4 9.3a8 8 0 1 0 10.1 10.2z" />
            <path class="brand-star" d="m21 8 1 2.4 2.4 1-2.4 1-1 2.4-1-2.4-2.4-1 2.4-1z" />
        </svg>
    }
}
