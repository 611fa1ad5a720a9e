//! The page where one signs in or registers.
//!
//! Whoever has a second factor is asked for it once the password is right.
//!
//! Invariant: the password goes from its field into one request and is kept nowhere.

mod form;

use schemas::api::Code;
use web_sys::HtmlFormElement;
use yew::prelude::*;

use super::second_factor::SecondFactor;
use crate::{
    api::ApiError,
    components::{Brand, Button, Glyph, Icon, Look, Providers, Refusal, ThemeSwitch},
    hooks::{Ending, SessionState, use_address, use_page, use_session},
    query,
};
use form::{Wish, ask, fields};

/// What the page promises before anything is known of the visitor.
const PROMISE: &str = "Every task, job and resource, and how each came to be.";

/// Signing in, and registering.
#[component]
pub fn SignIn() -> Html {
    let wish = use_state_eq(|| Wish::SignIn);
    let session = use_session();
    let busy = use_state_eq(|| false);
    let error = use_state_eq(|| None::<ApiError>);
    let challenge = use_state_eq(|| None::<AttrValue>);
    let tenant = use_tenant();
    let registers = *wish == Wish::Register;
    use_page(if registers { "Register" } else { "Sign in" }, true);
    let onsubmit = {
        let (busy, challenge, error) = (busy.clone(), challenge.clone(), error.clone());
        let (session, wish) = (session.clone(), *wish);
        move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target_dyn_into::<HtmlFormElement>();
            let Some(form) = form.filter(|_| !*busy) else {
                return;
            };
            let (session, busy, error) = (session.clone(), busy.clone(), error.clone());
            let challenge = challenge.clone();
            busy.set(true);
            wasm_bindgen_futures::spawn_local(async move {
                let granted = ask(&session.client, wish, &form).await;
                busy.set(false);
                match granted {
                    Ok(granted) => session.begin(&granted),
                    Err(refusal) => match refusal.challenge() {
                        Some(text) => challenge.set(Some(text.to_owned().into())),
                        None => error.set(Some(refusal)),
                    },
                }
            });
        }
    };
    let change = change(&wish, &error);
    if let Some(text) = &*challenge {
        let (challenge, error) = (challenge.clone(), error.clone());
        let over = move |why| {
            error.set(why);
            challenge.set(None);
        };
        return card(html! { <SecondFactor challenge={text.clone()} {over} /> });
    }
    card(html! {
        <>
            <h1>{ if registers { "Create your account" } else { "Sign in to Almanac" } }</h1>
            <p class="sign-in-line">{ PROMISE }</p>
            { ended(&session.state) }
            if let Some(error) = &*error {
                <Refusal error={error.clone()} advice={advice(error)} />
            }
            <form class="form" {onsubmit}>
                { fields(registers, &tenant, error.as_ref()) }
                <Button
                    label={if registers { "Create account" } else { "Sign in" }}
                    look={Look::Primary}
                    submit=true
                    busy={*busy}
                />
            </form>
            if tenant.is_none() {
                // Who comes by a provider comes to the main tenant.
                <Providers />
            }
            { switch(registers, change) }
            { elsewhere(&tenant) }
        </>
    })
}

/// Goes to the other form, where what was wrong with this one is not.
fn change(
    wish: &UseStateHandle<Wish>,
    error: &UseStateHandle<Option<ApiError>>,
) -> impl Fn(MouseEvent) + use<> {
    let (wish, error) = (wish.clone(), error.clone());
    move |_| {
        error.set(None);
        wish.set(wish.other());
    }
}

/// The way to the other form.
fn switch(registers: bool, change: impl Fn(MouseEvent) + 'static) -> Html {
    html! {
        <p class="sign-in-other">
            { if registers { "You have an account?" } else { "New here?" } }
            { " " }
            <button type="button" class="link" data-action="switch" onclick={change}>
                { if registers { "Sign in" } else { "Create an account" } }
            </button>
        </p>
    }
}

/// The tenant that is named, if one is: by the address at first, so that a link can name it.
#[hook]
fn use_tenant() -> UseStateHandle<Option<String>> {
    let address = use_address();
    use_state_eq(|| {
        let mut pairs = query::pairs(&address.query);
        pairs
            .find(|(name, _)| name == "tenant")
            .map(|(_, slug)| slug)
    })
}

/// The way to another tenant, and back to the main one.
fn elsewhere(tenant: &UseStateHandle<Option<String>>) -> Html {
    let is_named = tenant.is_some();
    let tenant = tenant.clone();
    let onclick = move |_| tenant.set((!is_named).then(String::new));
    html! {
        <p class="sign-in-other">
            <button type="button" class="link" data-action="tenant" {onclick}>
                { if is_named { "Sign in to the main tenant" } else { "Use another tenant" } }
            </button>
        </p>
    }
}

/// What stands around each step.
fn card(step: Html) -> Html {
    html! {
        <main class="sign-in" id="content">
            <div class="sign-in-theme"><ThemeSwitch /></div>
            <section class="sign-in-card">
                <Brand />
                { step }
            </section>
        </main>
    }
}

/// Why somebody who was signed in is here.
fn ended(state: &SessionState) -> Html {
    let words = match state {
        SessionState::SignedOut(Ending::Expired) => "Your sign-in ended. Sign in to go on.",
        SessionState::SignedOut(Ending::Untold) => {
            "You are signed out here. The server could not be told yet; it will be as soon as it \
             answers."
        }
        _ => return Html::default(),
    };
    html! {
        <div class="notice" data-tone="wait" role="status" data-ending="">
            <Icon glyph={Glyph::Warning} />
            <p>{ words }</p>
        </div>
    }
}

fn advice(error: &ApiError) -> Option<&'static str> {
    (error.code() == Some(Code::InvalidCredentials))
        .then_some("Check both, or create an account if you have none yet.")
}
