//! The bare limits: minimal programs that do one step and nothing else.
//!
//! Invariant: none of them uses Almanac's code, so none can share its faults.

pub mod consumer;
pub mod disk;
pub mod nats;
pub mod postgres;
pub mod server;
