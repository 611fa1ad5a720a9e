//! Lists, a page at a time.
//!
//! Invariant: the cursor in the body and the one in `Link` are the same.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use projections::{At, Listed};
use schemas::api::{Page, PageInfo};
use serde::Serialize;

use super::shown;
use crate::{
    app::App,
    extract::{Cursors, Paging},
    problem::Result,
};

/// A page of objects.
pub(crate) fn listed<T: Serialize, S, K: Serialize>(
    app: &App,
    paging: &Paging<S>,
    cursors: &Cursors<'_>,
    found: At<Listed<T, K>>,
) -> Result<Response> {
    let next = found.value.next.as_ref();
    let next = next.map(|key| cursors.encode(key)).transpose()?;
    let link = next.as_deref().map(|cursor| paging.next_link(cursor));
    let page = found.map(|listed| Page {
        items: listed.items,
        page: PageInfo {
            has_more: next.is_some(),
            next,
        },
    });
    let mut response = shown(app, &page);
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The same page, of what `view` makes of each object.
pub(crate) fn each<T, U, K>(found: At<Listed<T, K>>, view: fn(T) -> U) -> At<Listed<U, K>> {
    found.map(|page| Listed {
        items: page.items.into_iter().map(view).collect(),
        next: page.next,
    })
}
