//! JSON, laid out and coloured, to be read and copied.
//!
//! Invariant: what is copied is the value, whole, however much of it is in sight.

use serde_json::Value;
use yew::prelude::*;

use super::Copy;
use crate::text::{Shape, tokens};

/// A value.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The value.
    pub value: Value,
    /// What it is, such as `payload`.
    pub what: AttrValue,
}

/// A JSON value.
#[component]
pub fn Json(props: &Props) -> Html {
    // Encoding a value that was decoded cannot fail.
    let text = serde_json::to_string_pretty(&props.value).unwrap_or_default();
    let pieces = tokens(&text)
        .into_iter()
        .map(|(shape, token)| match class(shape) {
            Some(class) => html! { <span {class}>{ token }</span> },
            None => html! { { token } },
        });
    let label = format!("The {} as JSON", props.what);
    html! {
        <div class="json">
            <pre tabindex="0" role="region" aria-label={label}><code>{ for pieces }</code></pre>
            <Copy text={text.clone()} what={props.what.clone()} />
        </div>
    }
}

const fn class(shape: Shape) -> Option<&'static str> {
    match shape {
        Shape::Key => Some("json-key"),
        Shape::Literal => Some("json-literal"),
        Shape::Number => Some("json-number"),
        Shape::Plain => None,
        Shape::Text => Some("json-text"),
    }
}
