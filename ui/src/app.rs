//! The application: what provides what, and which page an address shows.
//!
//! Invariant: no page but the sign-in is shown to whoever is not signed in; where they wanted to go
//! is remembered in the address.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    components::{
        ClockProvider, LiveProvider, SessionProvider, Shell, Skeleton, ToastProvider, Trouble,
    },
    hooks::{SessionState, use_address, use_page, use_session},
    pages, query,
    route::Route,
};

/// The application.
#[component]
pub fn App() -> Html {
    html! {
        <BrowserRouter>
            <SessionProvider>
                <ClockProvider>
                    <ToastProvider>
                        <Gate />
                    </ToastProvider>
                </ClockProvider>
            </SessionProvider>
        </BrowserRouter>
    }
}

/// Lets in who is signed in, and sends the others to sign in.
#[component]
fn Gate() -> Html {
    let session = use_session();
    let address = use_address();
    let signing_in = address.route == Route::SignIn;
    let signed_in = session.user().is_some();
    let signed_out = *session.state == SessionState::SignedOut;
    use_effect_with(
        (signed_in, signed_out, address),
        |(signed_in, signed_out, address)| {
            if *signed_in && address.route == Route::SignIn {
                let next = query::pairs(&address.query).find(|(name, _)| name == "next");
                let (route, query) = Route::after_sign_in(next.as_ref().map(|(_, to)| to.as_str()));
                address.replace(route, &query);
            } else if *signed_out && address.route != Route::SignIn {
                let wanted = query::address(&address.route.to_path(), &address.query);
                let next = if wanted == "/" { String::new() } else { wanted };
                address.replace(Route::SignIn, &query::written([("next", next.as_str())]));
            }
        },
    );
    match &*session.state {
        SessionState::SignedOut if signing_in => html! { <pages::SignIn /> },
        SessionState::SignedIn(_) if !signing_in => html! {
            <LiveProvider>
                <Shell>
                    <Switch<Route> render={page} />
                </Shell>
            </LiveProvider>
        },
        SessionState::Unreachable(error) => html! {
            <Unreachable error={error.clone()} />
        },
        SessionState::Restoring | SessionState::SignedOut | SessionState::SignedIn(_) => html! {
            <main class="waiting"><Skeleton lines=6 /></main>
        },
    }
}

#[derive(PartialEq, Properties)]
struct UnreachableProps {
    error: crate::api::ApiError,
}

#[component]
fn Unreachable(props: &UnreachableProps) -> Html {
    let session = use_session();
    use_page("Unreachable", true);
    html! {
        <main class="waiting">
            <Trouble error={props.error.clone()} retry={move |()| session.restore()} />
        </main>
    }
}

/// Keys tell the pages of two things of one kind apart, so none shows the other's data.
fn page(route: Route) -> Html {
    match route {
        Route::Overview => html! { <pages::Overview /> },
        Route::Tasks => html! { <pages::Tasks /> },
        Route::Task { id } => html! { <pages::Task key={id.to_string()} {id} /> },
        Route::Jobs => html! { <pages::Jobs /> },
        Route::Job { id } => html! { <pages::Job key={id.to_string()} {id} /> },
        Route::Resources => html! { <pages::Resources /> },
        Route::Resource { id } => html! { <pages::Resource key={id.to_string()} {id} /> },
        Route::SignIn => html! {},
        Route::NotFound => html! { <pages::NotFound /> },
    }
}
