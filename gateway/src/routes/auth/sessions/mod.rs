//! The caller's own sign-ins.
//!
//! Invariant: nobody sees or ends another's; one that is not the caller's does not exist.

mod end;
mod end_others;
mod list;

pub(super) use end::*;
pub(super) use end_others::*;
pub(super) use list::*;
