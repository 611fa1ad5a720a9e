//! The page where one signs in or registers.
//!
//! Whoever has a second factor is asked for it once the password is right.
//!
//! Invariant: the password goes from its field into one request and is kept nowhere.

use schemas::api::{Code, Login, Register, Session as Granted};
use web_sys::{FormData, HtmlFormElement};
use yew::prelude::*;

use super::second_factor::SecondFactor;
use crate::{
    api::ApiError,
    components::{Brand, Button, Field, Glyph, Icon, Look, Providers, Refusal, ThemeSwitch},
    hooks::{Ending, SessionState, use_page, use_session},
};

/// What the form asks for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Wish {
    Register,
    SignIn,
}

impl Wish {
    const fn other(self) -> Self {
        match self {
            Self::Register => Self::SignIn,
            Self::SignIn => Self::Register,
        }
    }
}

/// What the page promises before anything is known of the visitor.
const PROMISE: &str = "Every task, job and resource, and how each came to be.";

const LENGTH_HINT: &str = "At least 8 characters; long ones are better than odd ones.";

/// Signing in, and registering.
#[component]
pub fn SignIn() -> Html {
    let wish = use_state_eq(|| Wish::SignIn);
    let session = use_session();
    let busy = use_state_eq(|| false);
    let error = use_state_eq(|| None::<ApiError>);
    let challenge = use_state_eq(|| None::<AttrValue>);
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
    let change = {
        let (wish, error) = (wish.clone(), error.clone());
        move |_| {
            error.set(None);
            wish.set(wish.other());
        }
    };
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
                { fields(registers, error.as_ref()) }
                <Button
                    label={if registers { "Create account" } else { "Sign in" }}
                    look={Look::Primary}
                    submit=true
                    busy={*busy}
                />
            </form>
            <Providers />
            { switch(registers, change) }
        </>
    })
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

async fn ask(
    client: &crate::api::Client,
    wish: Wish,
    form: &HtmlFormElement,
) -> Result<Granted, ApiError> {
    let data = FormData::new_with_form(form)
        .map_err(|_| ApiError::Unreadable("the form cannot be read".to_owned()))?;
    let text = |name: &str| data.get(name).as_string().unwrap_or_default();
    let (email, password) = (text("email").trim().to_owned(), text("password"));
    match wish {
        Wish::SignIn => {
            let tenant = None;
            client
                .login(&Login {
                    email,
                    password,
                    tenant,
                })
                .await
        }
        Wish::Register => {
            let name = text("name").trim().to_owned();
            client
                .register(&Register {
                    email,
                    password,
                    name,
                    tenant: None,
                })
                .await
        }
    }
}

fn fields(registers: bool, error: Option<&ApiError>) -> Html {
    let at = |pointer: &str| error.and_then(|error| error.field(pointer));
    let password = if registers {
        "new-password"
    } else {
        "current-password"
    };
    html! {
        <>
            if registers {
                { field("name", "text", "Name", "name", at("/name")) }
            }
            { field("email", "email", "Email", "username", at("/email")) }
            { field("password", "password", "Password", password, at("/password")) }
        </>
    }
}

fn field(
    name: &'static str,
    kind: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    problem: Option<String>,
) -> Html {
    let chosen_now = autocomplete == "new-password";
    let field = Field {
        name,
        label,
        hint: if chosen_now { LENGTH_HINT } else { "" },
        problem,
    };
    field.around(|ties| {
        html! {
            <input
                id={ties.id}
                {name}
                type={kind}
                {autocomplete}
                required=true
                minlength={chosen_now.then_some("8")}
                aria-describedby={ties.described_by}
                aria-invalid={ties.invalid}
            />
        }
    })
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
