//! The caller's second factor.
//!
//! Invariant: its secret and its recovery codes are in one answer each, and nowhere else.

mod begin;
mod confirm;
mod disable;
mod renew;
mod state;

pub(super) use begin::*;
pub(super) use confirm::*;
pub(super) use disable::*;
pub(super) use renew::*;
pub(super) use state::*;
