//! The log: one JetStream stream that is the only source of truth, and what else lives on that
//! server.
//!
//! - [`EventLog`] is the contract; [`JetStreamLog`] and [`MemoryLog`] fulfil it, and one suite of
//!   tests (`tests/contract`) holds both to it.
//! - [`prove`] holds the log against its own hashes and against signed [`Checkpoint`]s; a
//!   [`Receipt`]
//!   proves one commit to whoever has neither.
//! - [`AuditLog`] keeps who did or tried what, for as long as it is told.
//! - [`TaskLogs`] keeps what attempts say while they run, for a while.
//! - [`WorkQueue`] carries attempts to workers and [`ExternalQueue`] outside, [`Vault`] keeps
//!   secrets sealed, [`Lease`] says who leads, [`Presence`] who is there. None of them is ever the
//!   truth about what happened.
//! - Each kind of process signs in as its own [`Role`]; `rights` says what that may say and hear.
//!
//! Invariant: this is the only crate that speaks to NATS, and [`subject`] the only file that spells
//! a subject.

mod audit;
mod chain;
mod checkpoint;
mod external;
mod headers;
mod jetstream;
mod lease;
mod log;
mod memory;
mod merkle;
mod note;
mod presence;
mod proof;
mod receipt;
mod restore;
mod rights;
mod role;
mod sealed;
mod subject;
mod task_logs;
mod vault;
mod work;

pub use audit::{AuditBatch, AuditLog, AuditOptions, AuditSpan};
pub use chain::{NewCommit, leaf, seal};
pub use checkpoint::{Checkpoint, NoCheckpoint, checkpoints, origin};
pub use external::ExternalQueue;
pub use jetstream::{JetStreamLog, OpenError, Options};
pub use lease::{Lease, Leases};
pub use log::{
    AppendError, Entry, EventLog, Follow, Head, LogError, ReadFrom, Scan, SharedLog, Unreadable,
};
pub use memory::MemoryLog;
pub use merkle::{Frontier, Path, includes};
pub use note::{NoteError, SignedNote, SigningKey, VerifierKey};
pub use presence::{Presence, Present, leased};
pub use proof::{Against, CheckpointFlaw, Finding, Flaw, Proof, prove};
pub use receipt::{Attested, Receipt, ReceiptError, receipt};
pub use rights::nats_users;
pub use role::Role;
pub use schemas::{Commit, Hash, Meta, Position, StreamId, Version};
pub use sealed::{SealedSecret, SealedVault};
pub use task_logs::{SaidTogether, TaskLogs};
pub use vault::{Change, Secret, Vault, VaultError};
pub use work::{APART, Delivery, Inquiry, WorkError, WorkItem, WorkQueue};
