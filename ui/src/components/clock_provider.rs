//! Provides the time to everything that shows it.
//!
//! Invariant: nothing ticks while nobody looks; on return the time is right at once.

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::{browser, hooks::Now};

/// What is inside.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What may show the time.
    pub children: Html,
}

/// Renders everything that uses the time once a second.
#[component]
pub fn ClockProvider(props: &Props) -> Html {
    let now = use_state_eq(|| Now(browser::now_ms()));
    let setter = now.setter();
    use_effect_with((), move |()| {
        let tick = {
            let setter = setter.clone();
            move || {
                if !browser::is_hidden() {
                    setter.set(Now(browser::now_ms()));
                }
            }
        };
        let seen = tick.clone();
        let listener =
            EventListener::new(&browser::document(), "visibilitychange", move |_| seen());
        let interval = Interval::new(1_000, tick);
        move || drop((listener, interval))
    });
    html! {
        <ContextProvider<Now> context={*now}>{ props.children.clone() }</ContextProvider<Now>>
    }
}
