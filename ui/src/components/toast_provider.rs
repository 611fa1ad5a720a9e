//! Shows short messages above the page.
//!
//! Invariant: a message goes away by itself, but not while it is pointed at or holds the focus.

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::{Button, Glyph, Icon, Look};
use crate::{
    hooks::{Shown, Toast, Toasts, use_toasts},
    text::Tone,
};

const SHOWN_MS: u32 = 6_000;

/// What is inside.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What may show messages.
    pub children: Html,
}

#[derive(PartialEq, Properties)]
struct MessageProps {
    toast: Toast,
}

/// Provides a place for messages.
#[component]
pub fn ToastProvider(props: &Props) -> Html {
    let shown = use_reducer_eq(Shown::default);
    html! {
        <ContextProvider<Toasts> context={Toasts(shown.dispatcher())}>
            { props.children.clone() }
            <div class="toasts" role="status" aria-live="polite">
                for toast in &shown.toasts {
                    <Message key={toast.id} toast={toast.clone()} />
                }
            </div>
        </ContextProvider<Toasts>>
    }
}

#[component]
fn Message(props: &MessageProps) -> Html {
    let toasts = use_toasts();
    let held = use_state_eq(|| false);
    let id = props.toast.id;
    let dismiss = use_callback((), move |(), ()| toasts.dismiss(id));
    {
        let dismiss = dismiss.clone();
        use_effect_with(*held, move |held| {
            let timer = (!held).then(|| Timeout::new(SHOWN_MS, move || dismiss.emit(())));
            move || drop(timer)
        });
    }
    let hold = |on: bool| {
        let held = held.setter();
        move || held.set(on)
    };
    let (enter, leave) = (hold(true), hold(false));
    let (focus, blur) = (hold(true), hold(false));
    let glyph = if props.toast.tone == Tone::Bad {
        Glyph::Warning
    } else {
        Glyph::Check
    };
    html! {
        <div
            class="toast"
            data-tone={props.toast.tone.name()}
            onmouseenter={move |_| enter()}
            onmouseleave={move |_| leave()}
            onfocusin={move |_| focus()}
            onfocusout={move |_| blur()}
        >
            <Icon {glyph} />
            <div class="toast-text">
                <strong>{ &props.toast.title }</strong>
                if !props.toast.detail.is_empty() {
                    <p>{ &props.toast.detail }</p>
                }
            </div>
            <Button
                label="Dismiss"
                glyph={Glyph::Cross}
                look={Look::Ghost}
                onclick={move |_| dismiss.emit(())}
            />
        </div>
    }
}
