//! Is asked: the HTTP API, the live stream and the page.
//!
//! - [`routes`] has one endpoint per file: parameters, handler, private functions.
//! - [`extract`] is all that is believed of a request, [`answer`] all that is said in return.
//! - [`problem`] is the one place that chooses a status.
//! - [`limits`] counts what each client asks, before anything is done for it.
//! - [`live`] keeps lists up to date at whoever follows them.
//! - [`audit`] remembers who did or tried what.
//! - [`oidc`] asks others who somebody is.
//! - [`patience`] gives up what takes too long.
//! - [`permission`] says who may do what.
//!
//! To add an endpoint: copy a neighbour's file, list it in its area's `router`, give it a line in
//! [`permission`], and run `cargo xtask schemas` to renew the committed documents.
//!
//! Invariant: every answer that is no success is `application/problem+json`, or the same as a page
//! where a browser is on its way to an issuer or back; and nothing is stored unless the answer says
//! so or says that the outcome is unknown.

mod answer;
mod app;
mod assets;
mod audit;
mod cors;
mod document;
mod edge;
mod extract;
mod limits;
mod live;
mod log_end;
mod oidc;
mod past;
mod patience;
mod permission;
mod problem;
mod routes;
mod serve;
mod write_timeout;

pub use app::{LogProbe, Services};
pub use document::{asyncapi, openapi};
pub use routes::router;
pub use serve::run;
