//! What must not be overlooked about what stands below it.
//!
//! Invariant: what went wrong with what a person just did is read out at once, and can be quoted.

use yew::prelude::*;

use super::{Glyph, Icon};
use crate::{api::ApiError, text::Tone};

/// A notice.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it means.
    pub tone: Tone,
    /// Its drawing.
    pub glyph: Glyph,
    /// What it is about.
    pub title: AttrValue,
    /// How it is read out when it appears: `alert`, `status`, or not.
    #[prop_or_default]
    pub role: Option<&'static str>,
    /// More about it.
    pub children: Html,
}

/// A refused action.
#[derive(PartialEq, Properties)]
pub struct RefusalProps {
    /// Why.
    pub error: ApiError,
    /// Better advice than the error has.
    #[prop_or_default]
    pub advice: Option<AttrValue>,
}

/// A notice.
#[component]
pub fn Notice(props: &Props) -> Html {
    html! {
        <div class="notice" data-tone={props.tone.name()} role={props.role}>
            <Icon glyph={props.glyph} />
            <div>
                <strong>{ &props.title }</strong>
                { props.children.clone() }
            </div>
        </div>
    }
}

/// Why what was asked for was not done.
#[component]
pub fn Refusal(props: &RefusalProps) -> Html {
    let error = &props.error;
    let advice = props.advice.clone();
    html! {
        <Notice tone={Tone::Bad} glyph={Glyph::Warning} title={error.title()} role="alert">
            <p>{ advice.unwrap_or_else(|| error.detail().into()) }</p>
            if let Some(id) = error.request_id() {
                <p class="trouble-id">{ "Request " }<code>{ id.to_owned() }</code></p>
            }
        </Notice>
    }
}
