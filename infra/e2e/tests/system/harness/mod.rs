//! Starts the real binary and speaks HTTP with it, as its users do.
//!
//! Invariant: nothing waits a fixed time: what must come is polled for, with a deadline; and what
//! was started here ends here, also when a test fails.

mod answer;
mod api;
mod binary;
mod dev;
mod family;
mod poll;
mod process;
mod roles;
mod run;
mod stream;

pub use answer::Answer;
pub use api::{Api, Ask};
pub use binary::{binary, build_dir};
pub use dev::{DataDir, Dev, DevJson};
pub use family::Family;
pub use poll::until;
pub use process::Process;
pub use roles::{Roles, configuration};
pub use run::{almanac, almanac_with};
pub use stream::{Message, Stream};
