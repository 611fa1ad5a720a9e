//! Buttons.
//!
//! Invariant: a button without words has a name; one that works cannot be pressed again.

use yew::prelude::*;

use super::{Glyph, Icon};

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Look {
    /// Destroys something.
    Danger,
    /// Only a drawing.
    Ghost,
    /// As others.
    #[default]
    Plain,
    /// What one most likely wants.
    Primary,
}

/// A button.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its words; its name if it shows only a drawing.
    pub label: AttrValue,
    /// Its drawing.
    #[prop_or_default]
    pub glyph: Option<Glyph>,
    /// How much it asks to be pressed.
    #[prop_or_default]
    pub look: Look,
    /// Whether what it starts is under way.
    #[prop_or_default]
    pub busy: bool,
    /// Whether it sends its form.
    #[prop_or_default]
    pub submit: bool,
    /// For tests and tools.
    #[prop_or_default]
    pub name: Option<AttrValue>,
    /// What it does.
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
}

/// A button.
#[component]
pub fn Button(props: &Props) -> Html {
    let look = match props.look {
        Look::Danger => "danger",
        Look::Ghost => "ghost",
        Look::Plain => "plain",
        Look::Primary => "primary",
    };
    let ghost = props.look == Look::Ghost;
    html! {
        <button
            class="button"
            data-look={look}
            data-action={props.name.clone()}
            type={if props.submit { "submit" } else { "button" }}
            disabled={props.busy}
            aria-busy={props.busy.then_some("true")}
            aria-label={ghost.then(|| props.label.clone())}
            title={ghost.then(|| props.label.clone())}
            onclick={props.onclick.clone()}
        >
            if let Some(glyph) = props.glyph {
                <Icon {glyph} />
            }
            if !ghost {
                <span>{ &props.label }</span>
            }
        </button>
    }
}
