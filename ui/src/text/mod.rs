//! How values read to people: times, durations, schedules, states, JSON.
//!
//! Invariant: nothing here touches the browser, so all of it is tested on the host.

mod cron;
mod duration;
mod event;
mod instant;
mod json;
mod number;
mod schedule;
mod status;

pub use duration::duration;
pub use event::{event_title, event_tone};
pub use instant::{CivilTime, relative};
pub use json::{Shape, inline, tokens};
pub use number::{count, grouped, short_id};
pub use schedule::{schedule_detail, schedule_in_words};
pub use status::{
    Tone, alert_title, job_label, job_tone, misfire_label, oddity_label, overlap_label,
    reason_label, slot_label, task_label, task_tone,
};
