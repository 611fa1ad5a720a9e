//! What analysts see, tried as analysts.
//!
//! Invariant: views are asked with the role's own rights and limits, over a log that is known.

mod contract;
mod dbt;
mod figures;
mod queries;
mod walls;
