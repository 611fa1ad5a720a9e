//! What components share: the session, the clock, the live stream, loading and acting.
//!
//! Invariant: a hook never renders; what it provides is provided by a component of the same name.

mod action;
mod address;
mod fetch;
mod live;
mod now;
mod page;
mod polling;
mod session;
mod toasts;

pub use action::use_action;
pub use address::use_address;
pub use fetch::{Fetched, use_fetch, use_live_fetch};
pub use live::{use_live, use_live_status};
pub use now::{Now, use_now};
pub use page::use_page;
pub use polling::use_polling;
pub use session::{Ending, Present, Session, SessionState, use_session};
pub use toasts::{Change, Shown, Toast, Toasts, use_toasts};
