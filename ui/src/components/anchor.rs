//! Links within the page.
//!
//! Invariant: each is a real link with an address, so it can be opened in a new tab, copied and
//! read out; only a plain click stays in the page.

use yew::prelude::*;
use yew_router::Routable;

use crate::{hooks::use_address, query, route::Route};

/// A link.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Where it leads.
    pub to: Route,
    /// With which filter.
    #[prop_or_default]
    pub query: AttrValue,
    /// Its classes.
    #[prop_or_default]
    pub class: Classes,
    /// Whether it leads to where the page is.
    #[prop_or_default]
    pub current: bool,
    /// More about where it leads.
    #[prop_or_default]
    pub title: Option<AttrValue>,
    /// What it reads.
    pub children: Html,
}

/// A link to a place of this page.
#[component]
pub fn Anchor(props: &Props) -> Html {
    let address = use_address();
    let (to, wanted) = (props.to, props.query.clone());
    let href = query::address(&to.to_path(), &wanted);
    let onclick = move |event: MouseEvent| {
        let elsewhere = event.meta_key() || event.ctrl_key() || event.shift_key();
        if elsewhere || event.alt_key() || event.button() != 0 {
            return;
        }
        event.prevent_default();
        address.go(to, &wanted);
    };
    html! {
        <a
            class={props.class.clone()}
            aria-current={props.current.then_some("page")}
            title={props.title.clone()}
            {href}
            {onclick}
        >
            { props.children.clone() }
        </a>
    }
}
