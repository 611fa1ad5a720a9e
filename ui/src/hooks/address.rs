//! Where the page is, and how it goes elsewhere.
//!
//! Invariant: filters are read from the address and changed by going to another one, so that back,
//! forward and reload always show what was shown.

use yew::prelude::*;
use yew_router::{prelude::*, query::Raw};

use crate::route::Route;

/// Where the page is.
#[derive(Clone, PartialEq)]
pub struct Address {
    /// The route.
    pub route: Route,
    /// The query, without its question mark.
    pub query: String,
    navigator: Navigator,
}

impl Address {
    /// Goes to `route` with `query`; back returns to here.
    pub fn go(&self, route: Route, query: &str) {
        if query.is_empty() {
            self.navigator.push(&route);
        } else {
            // A raw query has nothing that could fail to be encoded.
            let _ = self.navigator.push_with_query(&route, Raw(query));
        }
    }

    /// Goes to `route` with `query` in place of here.
    pub fn replace(&self, route: Route, query: &str) {
        if query.is_empty() {
            self.navigator.replace(&route);
        } else {
            let _ = self.navigator.replace_with_query(&route, Raw(query));
        }
    }
}

/// Where the page is; the component is rendered again when that changes.
#[hook]
pub fn use_address() -> Address {
    let navigator = use_navigator().expect("the application has a router");
    let location = use_location().expect("the application has a router");
    Address {
        route: use_route().unwrap_or(Route::NotFound),
        query: location.query_str().trim_start_matches('?').to_owned(),
        navigator,
    }
}
