//! Light, dark, or as the system has it.
//!
//! Invariant: the choice holds for this device, from before the first paint on.

use yew::prelude::*;

use super::{Button, Glyph, Look};
use crate::browser;

/// Goes from one theme to the next.
#[component]
pub fn ThemeSwitch() -> Html {
    let theme = use_state_eq(browser::theme);
    let (next, glyph, label) = match theme.as_str() {
        "light" => ("dark", Glyph::Sun, "Theme: light. Change to dark"),
        "dark" => ("", Glyph::Moon, "Theme: dark. Change to the system's"),
        _ => ("light", Glyph::Sun, "Theme: the system's. Change to light"),
    };
    let onclick = {
        let theme = theme.clone();
        move |_| {
            browser::set_theme(next);
            theme.set(next.to_owned());
        }
    };
    html! { <Button {label} {glyph} look={Look::Ghost} {onclick} /> }
}
