//! What every page says of itself: its name in the tab, and that it shows its content.
//!
//! Invariant: `data-ready` on `<body>` is true exactly while the present page shows what it was
//! asked for, or says why it cannot.

use yew::prelude::*;

use crate::browser;

/// Names the page and says whether it is ready.
#[hook]
pub fn use_page(title: &str, ready: bool) {
    use_effect_with(title.to_owned(), |title| browser::set_title(title));
    use_effect_with(ready, |ready| {
        browser::set_ready(*ready);
        || browser::set_ready(false)
    });
}
