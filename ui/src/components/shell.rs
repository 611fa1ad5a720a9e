//! What surrounds every page: navigation, freshness, who is signed in.
//!
//! Invariant: the same on every page, so freshness and the way out are always in the same place;
//! going to another page moves the keyboard to its content.

use gloo_events::{EventListener, EventListenerOptions};
use schemas::domain::TenantId;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::{Anchor, Brand, Button, Glyph, Help, Icon, LivePill, Look, ThemeSwitch};
use crate::{
    browser,
    hooks::{use_address, use_session},
    route::{Route, Section},
};

/// What is inside.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The page.
    pub children: Html,
}

/// What surrounds every page.
#[component]
pub fn Shell(props: &Props) -> Html {
    let route = use_address().route;
    let help = use_state_eq(|| false);
    use_keys(help.setter());
    let first = use_mut_ref(|| true);
    use_effect_with(route, move |_| {
        // The first page takes the focus by itself, as a document does.
        if !first.replace(false) {
            browser::scroll_to_top();
            browser::focus("#content");
        }
    });
    let close_help = {
        let help = help.clone();
        move |()| help.set(false)
    };
    let open_help = {
        let help = help.clone();
        move |_| help.set(true)
    };
    html! {
        <div class="shell">
            <a class="skip" href="#content">{ "Skip to the content" }</a>
            <header class="topbar">
                <Anchor class="brand" to={Route::Overview}>
                    <Brand />
                    <span>{ "Almanac" }</span>
                </Anchor>
                <LivePill />
                <span class="topbar-space" />
                <Button label="Keyboard help"
                    name="help" glyph={Glyph::Question} look={Look::Ghost} onclick={open_help} />
                <ThemeSwitch />
                <Who />
            </header>
            <Navigation section={route.section()} />
            <main id="content" class="content" tabindex="-1">{ props.children.clone() }</main>
            if *help {
                <Help onclose={close_help} />
            }
        </div>
    }
}

#[derive(PartialEq, Properties)]
struct NavigationProps {
    section: Option<Section>,
}

#[component]
fn Navigation(props: &NavigationProps) -> Html {
    html! {
        <nav class="navigation" aria-label="Sections">
            for section in Section::ALL {
                <Anchor
                    class="navigation-item"
                    to={section.route()}
                    current={props.section == Some(section)}
                >
                    <Icon glyph={glyph(section)} />
                    <span>{ section.label() }</span>
                </Anchor>
            }
        </nav>
    }
}

#[component]
fn Who() -> Html {
    let session = use_session();
    let tenant = use_tenant_name();
    let Some(user) = session.user() else {
        return Html::default();
    };
    let name = user
        .name
        .clone()
        .or_else(|| user.email.clone())
        .unwrap_or_default();
    let role = format!("{:?}", user.role).to_lowercase();
    let role = match tenant {
        Some(tenant) => format!("{role} · {tenant}"),
        None => role,
    };
    let initial = name.chars().next().map(|c| c.to_uppercase().to_string());
    html! {
        <div class="who">
            <span class="who-mark" aria-hidden="true">{ initial }</span>
            <span class="who-text" data-user={user.email.clone()}>
                <span class="who-name">{ name }</span>
                <span class="who-role">{ role }</span>
            </span>
            <Button
                label="Sign out"
                glyph={Glyph::SignOut}
                look={Look::Ghost}
                name="sign-out"
                onclick={move |_| session.sign_out()}
            />
        </div>
    }
}

/// What the tenant is called, unless it is the main one, of which an installation may have no
/// other.
#[hook]
fn use_tenant_name() -> Option<String> {
    let session = use_session();
    let name = use_state_eq(|| None);
    let tenant = session.user().map(|user| user.tenant_id);
    let (client, setter) = (session.client.clone(), name.setter());
    use_effect_with(tenant, move |tenant| {
        setter.set(None);
        if tenant.is_some_and(|tenant| tenant != TenantId::MAIN) {
            spawn_local(async move {
                // Without an answer the role alone is shown; whatever is wrong, the page will say.
                if let Ok(tenant) = client.tenant().await {
                    setter.set(Some(tenant.name));
                }
            });
        }
    });
    (*name).clone()
}

/// `/` searches, `?` helps, `g` and a section's key go there.
#[hook]
fn use_keys(help: UseStateSetter<bool>) {
    let address = use_address();
    let go = use_mut_ref(|| false);
    let latest = use_mut_ref(|| address.clone());
    *latest.borrow_mut() = address;
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let pressed = move |event: &Event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                return;
            };
            if is_typing(event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let key = event.key();
            let after_g = go.replace(key == "g");
            match key.as_str() {
                "/" if browser::focus("[data-search]") => event.prevent_default(),
                "?" => help.set(true),
                key if after_g => {
                    if let Some(section) = Section::ALL.into_iter().find(|s| s.key() == key) {
                        latest.borrow().go(section.route(), "");
                    }
                }
                _ => {}
            }
        };
        let document = browser::document();
        let listener = EventListener::new_with_options(&document, "keydown", options, pressed);
        move || drop(listener)
    });
}

/// Whether a key belongs to a field, or to a dialog above the page.
fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok());
    target.is_some_and(|target| {
        target
            .closest("input, textarea, select, dialog")
            .is_ok_and(|found| found.is_some())
    })
}

const fn glyph(section: Section) -> Glyph {
    match section {
        Section::Jobs => Glyph::Clock,
        Section::Overview => Glyph::Tiles,
        Section::Resources => Glyph::Box,
        Section::Tasks => Glyph::Todo,
        Section::Workers => Glyph::Activity,
    }
}
