//! The second step of signing in: a code of the authenticator, or a recovery code.
//!
//! Invariant: a code goes from its field into one request and is kept nowhere. A challenge that has
//! ended leads back to the first step, which says why.

use schemas::api::{Code, LoginMfa};
use web_sys::{FormData, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    api::ApiError,
    components::{Button, Field, Look, Refusal},
    hooks::use_session,
};

/// A sign-in whose password was right.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What the code must be sent with.
    pub challenge: AttrValue,
    /// Begins anew, and says why.
    pub over: Callback<Option<ApiError>>,
}

/// The form for the code.
#[component]
pub fn SecondFactor(props: &Props) -> Html {
    let recovers = use_state_eq(|| false);
    let session = use_session();
    let busy = use_state_eq(|| false);
    let error = use_state_eq(|| None::<ApiError>);
    let input = use_node_ref();
    {
        let input = input.clone();
        use_effect_with(*recovers, move |_| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.set_value("");
                // Without the focus it can still be reached.
                let _ = input.focus();
            }
        });
    }
    let onsubmit = {
        let (busy, error, recovers) = (busy.clone(), error.clone(), *recovers);
        let (challenge, over) = (props.challenge.clone(), props.over.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target_dyn_into::<HtmlFormElement>();
            let Some(form) = form.filter(|_| !*busy) else {
                return;
            };
            let (session, busy, error) = (session.clone(), busy.clone(), error.clone());
            let (challenge, over) = (challenge.to_string(), over.clone());
            busy.set(true);
            wasm_bindgen_futures::spawn_local(async move {
                let granted = match answer(&form, challenge, recovers) {
                    Ok(answer) => session.client.login_mfa(&answer).await,
                    Err(error) => Err(error),
                };
                busy.set(false);
                match granted {
                    Ok(granted) => session.begin(&granted),
                    Err(refusal) if refusal.code() == Some(Code::InvalidChallenge) => {
                        over.emit(Some(refusal));
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
            });
        }
    };
    let change = {
        let (recovers, error) = (recovers.clone(), error.clone());
        move |_| {
            error.set(None);
            recovers.set(!*recovers);
        }
    };
    let back = props.over.reform(|_: MouseEvent| None);
    html! {
        <>
            <h1>{ "Confirm that it is you" }</h1>
            if let Some(error) = &*error {
                <Refusal error={error.clone()} />
            }
            <form class="form" {onsubmit}>
                { field(*recovers, input) }
                <Button label="Sign in" look={Look::Primary} submit=true busy={*busy} />
            </form>
            { others(*recovers, change, back) }
        </>
    }
}

/// The other ways there are.
fn others(
    recovers: bool,
    change: impl Fn(MouseEvent) + 'static,
    back: Callback<MouseEvent>,
) -> Html {
    html! {
        <p class="sign-in-other">
            <button type="button" class="link" data-action="recover" onclick={change}>
                { if recovers { "Use your authenticator" } else { "Use a recovery code" } }
            </button>
            { " or " }
            <button type="button" class="link" data-action="back" onclick={back}>
                { "begin anew" }
            </button>
        </p>
    }
}

fn answer(form: &HtmlFormElement, challenge: String, recovers: bool) -> Result<LoginMfa, ApiError> {
    let data = FormData::new_with_form(form)
        .map_err(|_| ApiError::Unreadable("the form cannot be read".to_owned()))?;
    let code = data.get("code").as_string().unwrap_or_default();
    let code = code.trim().to_owned();
    let (code, recovery_code) = if recovers {
        (None, Some(code))
    } else {
        (Some(code), None)
    };
    Ok(LoginMfa {
        challenge,
        code,
        recovery_code,
    })
}

fn field(recovers: bool, input: NodeRef) -> Html {
    let (label, hint) = if recovers {
        (
            "Recovery code",
            "One of those you were given; each works once.",
        )
    } else {
        ("Code", "The six digits that your authenticator shows now.")
    };
    let field = Field {
        name: "code",
        label,
        hint,
        problem: None,
    };
    field.around(|ties| {
        html! {
            <input
                ref={input}
                id={ties.id}
                name="code"
                type="text"
                inputmode={if recovers { "text" } else { "numeric" }}
                autocomplete={if recovers { "off" } else { "one-time-code" }}
                autocapitalize="none"
                spellcheck="false"
                required=true
                aria-describedby={ties.described_by}
            />
        }
    })
}
