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
    hooks::{Ending, SessionState, use_address, use_page, use_session},
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
    let ending = match session.state {
        SessionState::SignedOut(ending) => Some(ending),
        _ => None,
    };
    use_effect_with(
        (signed_in, ending, address),
        |(signed_in, ending, address)| {
            if *signed_in && address.route == Route::SignIn {
                let next = query::pairs(&address.query).find(|(name, _)| name == "next");
                let (route, query) = Route::after_sign_in(next.as_ref().map(|(_, to)| to.as_str()));
                address.replace(route, &query);
            } else if let Some(ending) = ending
                && address.route != Route::SignIn
            {
                let wanted = query::address(&address.route.to_path(), &address.query);
                // Where somebody who left was is not the business of who comes next.
                let comes_back = matches!(ending, Ending::Absent | Ending::Expired);
                let next = if wanted == "/" || !comes_back {
                    ""
                } else {
                    &wanted
                };
                address.replace(Route::SignIn, &query::written([("next", next)]));
            }
        },
    );
    match &session.state {
        SessionState::SignedOut(_) if signing_in => html! { <pages::SignIn /> },
        // Another user begins with nothing of the former one.
        SessionState::SignedIn(user) if !signing_in => html! {
            <LiveProvider key={user.id.to_string()}>
                <Shell>
                    <Switch<Route> render={page} />
                </Shell>
            </LiveProvider>
        },
        SessionState::Unreachable(error) => html! {
            <Unreachable error={error.clone()} />
        },
        SessionState::Restoring | SessionState::SignedOut(_) | SessionState::SignedIn(_) => html! {
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
        Route::Workers => html! { <pages::Workers /> },
        Route::SignIn => html! {},
        Route::NotFound => html! { <pages::NotFound /> },
    }
}
