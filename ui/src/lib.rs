//! The dashboard: a single page over the HTTP API and its live stream.
//!
//! Invariant: what is shown is what the server said, and the page always tells how fresh that is.
//! Logic that needs no browser lives in [`text`], [`filter`], [`query`], [`route`] and the stream's
//! parser, and is tested on the host.
//!
//! To add a page: add its address to [`route::Route`], a component under `pages`, and its arm in
//! [`app`]; the compiler names the places. To show another operation of the API: a function in
//! `api::calls`.

mod api;
mod app;
mod browser;
mod components;
pub mod filter;
mod hooks;
mod live;
mod pages;
pub mod query;
pub mod rate;
pub mod route;
pub mod text;

use wasm_bindgen::prelude::wasm_bindgen;

/// Puts the page into the element that the document keeps for it. Called once, by the boot script.
#[wasm_bindgen]
pub fn mount() {
    // After a panic nothing runs any more; what stays in sight must not pass for the present.
    std::panic::set_hook(Box::new(|panic| browser::tell_stopped(&panic.to_string())));
    let Some(root) = browser::document().get_element_by_id("app") else {
        return;
    };
    yew::Renderer::<app::App>::with_root(root).render();
}
