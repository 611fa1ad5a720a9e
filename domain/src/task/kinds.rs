//! The kinds of task that Almanac's own workers do.
//!
//! Invariant: every other kind is a tenant's own, and is done by workers outside of Almanac.

/// The kinds that there are handlers for, alphabetically.
pub const BUILT_IN_KINDS: &[&str] = &[
    "backup",
    "cleanup",
    "command",
    "echo",
    "export",
    "generate-report",
    "http",
    "process-data",
    "send-notification",
    "sleep",
];

/// Whether Almanac's own workers do `kind`.
pub fn is_built_in(kind: &str) -> bool {
    BUILT_IN_KINDS.contains(&kind)
}
