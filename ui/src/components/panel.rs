//! The parts that a page is divided into.
//!
//! Invariant: each part has a heading, so the page can be skimmed by ear as well.

use yew::prelude::*;

/// The head of a page.
#[derive(PartialEq, Properties)]
pub struct HeadProps {
    /// The page's name.
    pub title: AttrValue,
    /// What stands above the name: where it belongs.
    #[prop_or_default]
    pub above: Html,
    /// What stands beside the name: its state.
    #[prop_or_default]
    pub beside: Html,
    /// What can be done here.
    #[prop_or_default]
    pub children: Html,
}

/// A part of a page.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its name.
    pub title: AttrValue,
    /// Its classes, beside its own.
    #[prop_or_default]
    pub class: Classes,
    /// What stands at the end of its heading.
    #[prop_or_default]
    pub aside: Html,
    /// What is in it.
    pub children: Html,
}

/// The head of a page.
#[component]
pub fn PageHead(props: &HeadProps) -> Html {
    html! {
        <header class="page-head">
            <div class="page-name">
                { props.above.clone() }
                <div class="page-title">
                    <h1>{ &props.title }</h1>
                    { props.beside.clone() }
                </div>
            </div>
            <div class="page-actions">{ props.children.clone() }</div>
        </header>
    }
}

/// A part of a page.
#[component]
pub fn Panel(props: &Props) -> Html {
    html! {
        <section class={classes!("panel", props.class.clone())} aria-label={props.title.clone()}>
            <header class="panel-head">
                <h2>{ &props.title }</h2>
                <div class="panel-aside">{ props.aside.clone() }</div>
            </header>
            <div class="panel-body">{ props.children.clone() }</div>
        </section>
    }
}
