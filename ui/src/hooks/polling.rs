//! Loading again what the live stream does not tell of.
//!
//! Invariant: nothing is loaded again while there is no reason to expect news.

use yew::prelude::*;

use super::use_now;

/// Calls `reload` every so many milliseconds, as long as there is such a number.
#[hook]
pub fn use_polling(reload: Callback<()>, every_ms: Option<i64>) {
    let now = use_now();
    let round = every_ms.map(|every| now / every);
    use_effect_with(round, move |round| {
        if round.is_some() {
            reload.emit(());
        }
    });
}
