//! What is known of a thing: names and values.
//!
//! Invariant: a definition list, so that each value is read out with its name.

use yew::prelude::*;

/// The facts.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// One `Fact` each.
    pub children: Html,
}

/// One fact.
#[derive(PartialEq, Properties)]
pub struct FactProps {
    /// Its name.
    pub name: AttrValue,
    /// Its value.
    pub children: Html,
}

/// A list of facts.
#[component]
pub fn Facts(props: &Props) -> Html {
    html! { <dl class="facts">{ props.children.clone() }</dl> }
}

/// One fact.
#[component]
pub fn Fact(props: &FactProps) -> Html {
    html! {
        <div class="fact">
            <dt>{ &props.name }</dt>
            <dd>{ props.children.clone() }</dd>
        </div>
    }
}
