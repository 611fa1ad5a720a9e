//! Shows short messages above the page.
//!
//! Invariant: a good message goes away by itself, but not while it is pointed at or holds the
//! focus; a bad one stays until dismissed. Who signs in sees none of the former user's.

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::{Button, Glyph, Icon, Look};
use crate::hooks::{Change, Shown, Toast, Toasts, use_session, use_toasts};

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
    let user = use_session().user().map(|user| user.id);
    {
        let toasts = shown.dispatcher();
        use_effect_with(user, move |_| toasts.dispatch(Change::Clear));
    }
    let (bad, good): (Vec<_>, Vec<_>) = shown.toasts.iter().partition(|toast| toast.is_bad());
    html! {
        <ContextProvider<Toasts> context={Toasts(shown.dispatcher())}>
            { props.children.clone() }
            <div class="toasts">
                <div class="stack" role="status">{ for good.into_iter().map(message) }</div>
                { for bad.into_iter().map(message) }
            </div>
        </ContextProvider<Toasts>>
    }
}

fn message(toast: &Toast) -> Html {
    html! { <Message key={toast.id} toast={toast.clone()} /> }
}

#[component]
fn Message(props: &MessageProps) -> Html {
    let toasts = use_toasts();
    let held = use_state_eq(|| false);
    let id = props.toast.id;
    let dismiss = use_callback((), move |(), ()| toasts.dismiss(id));
    {
        let dismiss = dismiss.clone();
        let stays = *held || props.toast.is_bad();
        use_effect_with(stays, move |stays| {
            let timer = (!stays).then(|| Timeout::new(SHOWN_MS, move || dismiss.emit(())));
            move || drop(timer)
        });
    }
    let hold = |on: bool| {
        let held = held.setter();
        move || held.set(on)
    };
    let (enter, leave) = (hold(true), hold(false));
    let (focus, blur) = (hold(true), hold(false));
    let glyph = if props.toast.is_bad() {
        Glyph::Warning
    } else {
        Glyph::Check
    };
    html! {
        <div
            class="toast"
            role={props.toast.is_bad().then_some("alert")}
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
                if let Some(id) = &props.toast.request_id {
                    <p>{ "Request " }<code>{ id }</code></p>
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
