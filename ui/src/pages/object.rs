//! What the pages of one thing have in common: loading it, its name, and where it belongs.
//!
//! Invariant: what is gone, or is not the reader's to see, leaves its page at once; the page then
//! says so and where to go on.

use std::future::Future;

use yew::prelude::*;

use crate::{
    api::{ApiError, Client},
    components::{Anchor, Copy, Empty, Glyph, PageHead, Panel, is_gone, view_of},
    hooks::{Fetched, use_live_fetch, use_page},
    route::Section,
};

/// Loads the thing whose identity is `id`, and names the page after it.
#[hook]
pub fn use_object<I, T, F>(
    id: I,
    load: impl Fn(Client, I) -> F + 'static,
    section: Section,
    name: impl Fn(&T) -> &str,
) -> Fetched<T>
where
    I: Clone + PartialEq + ToString + 'static,
    T: PartialEq + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let text = id.to_string();
    let object = use_live_fetch(id, load, move |event| event.id.to_string() == text);
    let title = match (&object.error, object.value.as_deref()) {
        (Some(error), _) if is_gone(error) => error.title(),
        (_, Some(value)) => name(value).to_owned(),
        (_, None) => section.label().to_owned(),
    };
    use_page(&title, object.value.is_some() || object.error.is_some());
    object
}

/// Shows `object` with `show`, which is given what stands above its name.
pub fn object_of<T>(
    section: Section,
    id: &str,
    object: &Fetched<T>,
    show: impl FnOnce(&T, Html) -> Html,
) -> Html {
    let above = html! {
        <p class="above">
            <Anchor to={section.route()}>{ section.label() }</Anchor>
            <code>{ id.to_owned() }</code>
            <Copy text={id.to_owned()} what="id" />
        </p>
    };
    let Some(error) = object.error.as_ref().filter(|error| is_gone(error)) else {
        return view_of(object, |value| show(value, above));
    };
    let label = section.label();
    html! {
        <>
            <PageHead title={error.title()} {above} />
            <Panel title={label} class="headless">
                <Empty
                    glyph={Glyph::Search}
                    title="There is nothing to show here"
                    hint={error.detail()}
                >
                    <Anchor class="button" to={section.route()}>
                        { format!("Show all {}", label.to_lowercase()) }
                    </Anchor>
                </Empty>
            </Panel>
        </>
    }
}
