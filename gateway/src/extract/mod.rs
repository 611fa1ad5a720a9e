//! What is believed of a request, and how it is checked before it is.
//!
//! Invariant: a handler sees nothing of a request but through these types, so what is malformed,
//! forged or unknown is refused before any handler runs.

mod address;
mod as_of;
mod body;
mod caller;
mod cursor;
mod fields;
mod ignored;
mod json;
mod parameters;
mod path;
mod reading;
mod token;
mod writing;

pub(crate) use address::{Address, Peer};
pub(crate) use as_of::{Look, Told};
pub(crate) use body::{Body, LargeBody, OptionalBody, Patch};
pub(crate) use caller::{Caller, Unknown, bearer};
pub(crate) use cursor::Cursors;
pub(crate) use fields::Fields;
pub(crate) use json::escaped;
pub(crate) use parameters::{FromParameters, History, Nothing, Paging, Parameters, Query, word};
pub(crate) use path::{Id, IdAndName, Segment};
pub(crate) use reading::Reading;
pub(crate) use token::token;
pub(crate) use writing::{Precondition, Writing};
