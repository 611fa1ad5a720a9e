//! A field that narrows a list by text.
//!
//! Invariant: the address follows the field once typing rests, and the field follows the address; a
//! key stroke is never lost between the two.

use gloo_timers::callback::Timeout;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{Glyph, Icon};

const REST_MS: u32 = 300;

/// A search field.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it searches, for those who cannot see it.
    pub label: AttrValue,
    /// What one might type.
    pub placeholder: AttrValue,
    /// What is searched for now.
    pub value: AttrValue,
    /// Somebody searches for something else.
    pub onsearch: Callback<String>,
}

/// A search field.
#[component]
pub fn Search(props: &Props) -> Html {
    let field = use_node_ref();
    let waiting = use_mut_ref(|| None::<Timeout>);
    {
        let field = field.clone();
        use_effect_with(props.value.clone(), move |value| {
            if let Some(field) = field.cast::<HtmlInputElement>()
                && field.value().trim() != value.as_str()
            {
                field.set_value(value);
            }
        });
    }
    // Typing rests after other choices may have been made: those must not be undone.
    let latest = use_mut_ref(|| props.onsearch.clone());
    *latest.borrow_mut() = props.onsearch.clone();
    let search = {
        let field = field.clone();
        move || {
            let onsearch = latest.borrow().clone();
            if let Some(field) = field.cast::<HtmlInputElement>() {
                onsearch.emit(field.value().trim().to_owned());
            }
        }
    };
    let oninput = {
        let (waiting, search) = (waiting.clone(), search.clone());
        move |_: InputEvent| {
            *waiting.borrow_mut() = Some(Timeout::new(REST_MS, search.clone()));
        }
    };
    let onsubmit = move |event: SubmitEvent| {
        event.prevent_default();
        waiting.borrow_mut().take();
        search();
    };
    html! {
        <form class="search" role="search" {onsubmit}>
            <Icon glyph={Glyph::Search} />
            <input
                ref={field}
                type="search"
                name="search"
                aria-label={props.label.clone()}
                placeholder={props.placeholder.clone()}
                autocomplete="off"
                data-search=""
                {oninput}
            />
            <kbd aria-hidden="true">{ "/" }</kbd>
        </form>
    }
}
