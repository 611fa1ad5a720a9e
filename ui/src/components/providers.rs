//! The providers that one can sign in by, as links.
//!
//! Invariant: they are navigations and no calls: what the browser is given at the provider never
//! comes into the hands of the page. Where there are none, nothing is shown.

use yew::prelude::*;
use yew_router::Routable;

use crate::{
    api::provider_sign_in,
    hooks::{Session, use_address, use_session},
    query,
    route::Route,
};

/// Links to sign in by.
#[component]
pub fn Providers() -> Html {
    let session = use_session();
    let address = use_address();
    let names = use_state_eq(Vec::<String>::new);
    {
        let (client, names) = (session.client.clone(), names.setter());
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move {
                // Without an answer there is the password, and that will say what is wrong.
                if let Ok(page) = client.providers().await {
                    let found = page.items.into_iter().map(|provider| provider.name);
                    names.set(found.collect());
                }
            });
        });
    }
    if names.is_empty() {
        return Html::default();
    }
    let next = query::pairs(&address.query).find(|(name, _)| name == "next");
    let (route, wanted) = Route::after_sign_in(next.as_ref().map(|(_, to)| to.as_str()));
    let next = query::address(&route.to_path(), &wanted);
    let onclick = move |event: MouseEvent| {
        if !Session::is_settled() {
            event.prevent_default();
        }
    };
    let link = |name: &String| {
        html! {
            <li key={name.clone()}>
                <a
                    class="button"
                    data-look="plain"
                    data-provider={name.clone()}
                    href={provider_sign_in(name, &next)}
                    {onclick}
                >
                    { format!("Sign in with {name}") }
                </a>
            </li>
        }
    };
    html! {
        <ul class="sign-in-providers" aria-label="Other ways to sign in">
            { for names.iter().map(link) }
        </ul>
    }
}
