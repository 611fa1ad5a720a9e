//! What the page asks of the browser itself: clock, chance, clipboard, storage, title.
//!
//! Invariant: the only place of the page that reads the clock or draws at random; whatever the
//! browser refuses (storage, clipboard) is done without, never a panic.

use js_sys::Date;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, HtmlElement, Window};

use crate::text::CivilTime;

const THEME: &str = "almanac.theme";

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

/// A key that makes a repeated write recognisable; none where the browser withholds them (plain
/// HTTP).
pub fn idempotency_key() -> Option<String> {
    let window = window();
    if window.is_secure_context() {
        window.crypto().ok().map(|crypto| crypto.random_uuid())
    } else {
        None
    }
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

/// Shows the top of the page.
pub fn scroll_to_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
