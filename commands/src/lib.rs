//! Makes it happen: load, fold, decide, append, in one place.
//!
//! Invariant: a command that was acknowledged is in the log exactly once, whatever was lost,
//! repeated or raced on the way; and nothing else in Almanac writes to the log.
//!
//! To add a command: give it to its aggregate in `domain`; [`Commands::execute`] already runs it.

mod ask;
mod attributes;
mod audit;
mod births;
mod cache;
mod error;
mod execute;
mod external;
mod history;
mod identity;
mod load;
mod notary;
mod task_logs;
mod tasks;
mod workers;

pub use ask::{Ask, Receipt, command_id_of_key, fingerprint};
pub use attributes::{AttributesError, Violation, check_schema};
pub use audit::{Audit, Observed};
pub use domain;
pub use error::{CommandError, Failure};
pub use execute::Commands;
pub use external::{Beat, External, Ground, Lease, Leased, StopReason, Wanted, is_outside};
pub use identity::{
    Acceptance, Accepted, AccountChange, AccountError, Answered, Asserted, Authentication,
    Credential, DEFAULT_TENANT, EmailChange, Enrolled, Enrolment, Entry, Identity, IdentityError,
    Invitation, Invited, Means, MfaState, NewApiKey, NewTenant, PasswordChange, Principal,
    Refreshed, Registration, SecondFactor, Shown, SignIn, SignedIn, SteppedUp, Terms, Tokens,
    Whose, bootstrap,
};
pub use load::Current;
pub use notary::Notary;
pub use task_logs::{LineFilter, LineId, Lines, News, TaskLogs};
pub use tasks::{BATCH_MAX, BatchError, BatchReceipt, UniqueError};
pub use workers::{Seen, Workers};
