//! The page for addresses that lead nowhere.
//!
//! Invariant: it offers a way on.

use yew::prelude::*;

use crate::{
    components::{Anchor, Empty, Glyph, PageHead},
    hooks::use_page,
    route::Route,
};

/// There is no such page.
#[component]
pub fn NotFound() -> Html {
    use_page("Not found", true);
    html! {
        <>
            <PageHead title="Not found" />
            <Empty
                glyph={Glyph::Search}
                title="There is no such page"
                hint="The address may be mistyped, or what it showed may be gone."
            >
                <Anchor class="button" to={Route::Overview}>{ "Go to the overview" }</Anchor>
            </Empty>
        </>
    }
}
