//! One component per address.
//!
//! Invariant: a page reads what it shows from its address and the API alone, so reloading it, or
//! sending its address to somebody, shows the same.

mod attention;
mod figures;
mod job;
mod jobs;
mod list;
mod not_found;
mod object;
mod overview;
mod resource;
mod resources;
mod second_factor;
mod sign_in;
mod task;
mod tasks;
mod workers;

pub use job::Job;
pub use jobs::Jobs;
pub use not_found::NotFound;
pub use overview::Overview;
pub use resource::Resource;
pub use resources::Resources;
pub use sign_in::SignIn;
pub use task::Task;
pub use tasks::Tasks;
pub use workers::Workers;
