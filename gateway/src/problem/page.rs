//! The page about a sort of problem, where `type` leads.
//!
//! Invariant: everything on it comes from the catalogue; nothing of a request is repeated.

use schemas::api::Code;

use super::{retryable, slug, status};

/// HTML for people.
pub(crate) fn page(code: Code) -> String {
    let (name, title, status) = (code.name(), code.title(), status(code));
    let advice = if retryable(code) {
        "The same request may succeed later; wait as long as <code>Retry-After</code> says."
    } else {
        "The same request will fail again: change it, or what it is about, first."
    };
    let others = Code::ALL.iter().fold(String::new(), |list, other| {
        let (slug, name) = (slug(*other), other.name());
        list + "<li><a href=\"/problems/" + &slug + "\">" + &name + "</a>"
    });
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1><p><code>{name}</code>, HTTP status {status}.</p><p>{advice}</p>\
         <p>The <code>detail</code> of the answer says what happened, its <code>errors</code> \
         which field is to blame, and its <code>request_id</code> is what to quote.</p>\
         <h2>All problems</h2><ul>{others}</ul></html>"
    )
}
