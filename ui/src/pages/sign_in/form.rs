//! What one fills in to sign in or to register.
//!
//! Invariant: the password goes from its field into one request and is kept nowhere.

use schemas::api::{Login, Register, Session as Granted};
use web_sys::{FormData, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use crate::{api::ApiError, components::Field};

const LENGTH_HINT: &str = "At least 8 characters; long ones are better than odd ones.";

/// What the form asks for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Wish {
    /// To become a user.
    Register,
    /// To be known as one.
    SignIn,
}

impl Wish {
    /// What else one may want.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Register => Self::SignIn,
            Self::SignIn => Self::Register,
        }
    }
}

/// Sends what the form holds.
pub(super) async fn ask(
    client: &crate::api::Client,
    wish: Wish,
    form: &HtmlFormElement,
) -> Result<Granted, ApiError> {
    let data = FormData::new_with_form(form)
        .map_err(|_| ApiError::Unreadable("the form cannot be read".to_owned()))?;
    let text = |name: &str| data.get(name).as_string().unwrap_or_default();
    let (email, password) = (text("email").trim().to_owned(), text("password"));
    let tenant = Some(text("tenant").trim().to_lowercase()).filter(|slug| !slug.is_empty());
    match wish {
        Wish::SignIn => {
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
                    tenant,
                })
                .await
        }
    }
}

/// What is to be filled in; the tenant only where one is named.
pub(super) fn fields(
    registers: bool,
    tenant: &UseStateHandle<Option<String>>,
    error: Option<&ApiError>,
) -> Html {
    let at = |pointer: &str| error.and_then(|error| error.field(pointer));
    let password = if registers {
        "new-password"
    } else {
        "current-password"
    };
    html! {
        <>
            if let Some(slug) = &**tenant {
                { tenant_field(slug, tenant.setter(), at("/tenant")) }
            }
            if registers {
                { field("name", "text", "Name", "name", at("/name")) }
            }
            { field("email", "email", "Email", "username", at("/email")) }
            { field("password", "password", "Password", password, at("/password")) }
        </>
    }
}

/// The field whose text the address may have named; it is what was typed since, also when the form
/// is drawn anew.
fn tenant_field(
    slug: &str,
    named: UseStateSetter<Option<String>>,
    problem: Option<String>,
) -> Html {
    let field = Field {
        name: "tenant",
        label: "Tenant",
        hint: "Its short name, such as acme.",
        problem,
    };
    let slug = slug.to_owned();
    let oninput = move |event: InputEvent| {
        let input = event.target_dyn_into::<HtmlInputElement>();
        named.set(input.map(|input| input.value()));
    };
    field.around(|ties| {
        html! {
            <input
                id={ties.id}
                name="tenant"
                type="text"
                autocomplete="organization"
                autocapitalize="none"
                spellcheck="false"
                required=true
                value={slug}
                {oninput}
                aria-describedby={ties.described_by}
                aria-invalid={ties.invalid}
            />
        }
    })
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
