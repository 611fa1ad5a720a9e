//! What the page asks of the browser itself: clock, chance, clipboard, storage, title.
//!
//! Invariant: the only place of the page that reads the clock or draws at random; whatever the
//! browser refuses (storage, clipboard) is done without, never a panic.

use js_sys::Date;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, HtmlElement, StorageEvent, Window};

use crate::text::CivilTime;

const THEME: &str = "almanac.theme";
const SIGNED_IN_AS: &str = "almanac.signed-in-as";

/// The window that the page runs in.
pub fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// The page's document.
pub fn document() -> Document {
    window().document().expect("a window shows a document")
}

/// Milliseconds since the epoch, by the reader's clock.
pub fn now_ms() -> i64 {
    Date::now() as i64
}

/// What the reader's calendar and clock show at `at_ms`.
pub fn civil(at_ms: i64) -> CivilTime {
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    CivilTime {
        year: date.get_full_year(),
        month: date.get_month() + 1,
        day: date.get_date(),
        hour: date.get_hours(),
        minute: date.get_minutes(),
        second: date.get_seconds(),
        offset_min: -(date.get_timezone_offset() as i32),
    }
}

/// At random from 0 to 1, to keep many pages from knocking at the same moment.
pub fn chance() -> f64 {
    js_sys::Math::random()
}

/// A key that makes a repeated write recognisable, in insecure contexts as well.
pub fn idempotency_key() -> String {
    let mut bytes = [0; 16];
    let drawn = window()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).map(drop));
    if drawn.is_err() {
        bytes.fill_with(|| (chance() * 256.0) as u8);
    }
    random_id(bytes)
}

/// Puts `text` on the clipboard; false if the browser refuses.
pub async fn copy(text: &str) -> bool {
    let window = window();
    window.is_secure_context()
        && JsFuture::from(window.navigator().clipboard().write_text(text))
            .await
            .is_ok()
}

/// Whether the page is out of sight.
pub fn is_hidden() -> bool {
    document().hidden()
}

/// Names the page in the tab.
pub fn set_title(title: &str) {
    document().set_title(&format!("{title} · Almanac"));
}

/// Says on `<body>` whether the page shows its content yet, for tests and tools.
pub fn set_ready(ready: bool) {
    if let Some(body) = document().body() {
        // Setting an attribute on an element that exists cannot fail.
        let _ = body
            .dataset()
            .set("ready", if ready { "true" } else { "false" });
    }
}

/// The theme chosen on this device: `light`, `dark`, or empty for the system's.
pub fn theme() -> String {
    storage()
        .and_then(|s| s.get_item(THEME).ok().flatten())
        .unwrap_or_default()
}

/// Chooses the theme, now and for later visits.
pub fn set_theme(theme: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme);
    }
    if let Some(storage) = storage() {
        let _ = storage.set_item(THEME, theme);
    }
}

/// Whom the tabs of this browser last signed in or out, as the session writes it.
pub fn signed_in_as() -> Option<String> {
    storage()?.get_item(SIGNED_IN_AS).ok().flatten()
}

/// Tells the other tabs, and later visits, who is signed in.
pub fn set_signed_in_as(who: Option<&str>) {
    if let Some(storage) = storage() {
        let _ = match who {
            Some(who) => storage.set_item(SIGNED_IN_AS, who),
            None => storage.remove_item(SIGNED_IN_AS),
        };
    }
}

/// Whether another tab changed who is signed in.
pub fn is_of_sign_in(event: &StorageEvent) -> bool {
    event.key().as_deref() == Some(SIGNED_IN_AS)
}

/// Puts the keyboard into the first element that matches `selector`; false if there is none.
pub fn focus(selector: &str) -> bool {
    use wasm_bindgen::JsCast;
    let Ok(Some(element)) = document().query_selector(selector) else {
        return false;
    };
    element
        .dyn_into::<HtmlElement>()
        .is_ok_and(|element| element.focus().is_ok())
}

/// Says for good that the page does not run any more, and `why` for those who look closer.
pub fn tell_stopped(why: &str) {
    web_sys::console::error_1(&JsValue::from_str(why));
    let document = document();
    if let Ok(Some(live)) = document.query_selector("[data-live]") {
        let _ = live.set_attribute("data-live", "stopped");
        live.set_text_content(Some("Stopped"));
    }
    let told = |name: &str, class: &str, text: &str| {
        let element = document.create_element(name)?;
        element.set_class_name(class);
        element.set_text_content(Some(text));
        Ok::<_, JsValue>(element)
    };
    // The page is lost already: if even this fails, there is nobody left to tell.
    let _ = (|| {
        let place = told("div", "toasts", "")?;
        let bar = told("div", "toast", "")?;
        let text = told("div", "toast-text", "")?;
        text.append_child(&*told("strong", "", "This page stopped")?)?;
        text.append_child(&*told(
            "p",
            "",
            "It shows what was, not what is. Reload it.",
        )?)?;
        text.append_child(&*told("p", "", why)?)?;
        bar.append_child(&text)?;
        bar.set_attribute("data-tone", "bad")?;
        place.set_attribute("role", "alert")?;
        place.append_child(&bar)?;
        document
            .body()
            .map(|body| body.append_child(&place))
            .transpose()
    })();
}

/// Shows the top of the page.
pub fn scroll_to_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// `bytes` as a UUID of version 4.
fn random_id(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(half.into(), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_uuids_of_version_4() {
        let id = random_id([0xff; 16]);
        assert_eq!(id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(random_id([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
