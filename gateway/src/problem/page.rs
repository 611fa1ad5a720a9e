//! Pages about problems: of a sort, where `type` leads, and of one that a browser ran into.
//!
//! Invariant: everything on them comes from the catalogue and from ourselves; nothing of a request
//! is repeated.

use schemas::api::{Code, Problem};

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

/// HTML for somebody whose browser was sent here, in place of JSON.
pub(crate) fn told(problem: &Problem) -> String {
    let Problem {
        about,
        detail,
        request_id,
        title,
        ..
    } = problem;
    let detail = escaped(detail);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1><p>{detail}</p><p><a href=\"/\">Back to the sign-in</a></p>\
         <p><a href=\"{about}\">What this means</a>. If it does not help, quote \
         <code>{request_id}</code> to whoever runs this installation.</p></html>"
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
