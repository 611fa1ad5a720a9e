//! States, to be seen at a glance: a drawing, a word and a tone.
//!
//! Invariant: the word alone suffices; colour and drawing only help.

use schemas::domain::{job::JobStatus, task::TaskStatus};
use yew::prelude::*;

use super::{Glyph, Icon};
use crate::{
    filter::job_status_name,
    text::{Tone, job_label, job_tone, task_label, task_tone},
};

/// A state.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its word.
    pub label: AttrValue,
    /// Its name on the wire, for tests and tools.
    pub status: AttrValue,
    /// What it means.
    pub tone: Tone,
    /// Its drawing.
    pub glyph: Glyph,
}

/// A task's state.
#[derive(PartialEq, Properties)]
pub struct TaskProps {
    /// The state.
    pub status: TaskStatus,
}

/// A job's state.
#[derive(PartialEq, Properties)]
pub struct JobProps {
    /// The state.
    pub status: JobStatus,
}

/// A state of anything.
#[component]
pub fn Badge(props: &Props) -> Html {
    html! {
        <span class="badge" data-tone={props.tone.name()} data-status={props.status.clone()}>
            <Icon glyph={props.glyph} />
            { &props.label }
        </span>
    }
}

/// A task's state.
#[component]
pub fn TaskBadge(props: &TaskProps) -> Html {
    html! {
        <Badge
            label={task_label(props.status)}
            status={props.status.name()}
            tone={task_tone(props.status)}
            glyph={Glyph::of_task(props.status)}
        />
    }
}

/// A job's state.
#[component]
pub fn JobBadge(props: &JobProps) -> Html {
    html! {
        <Badge
            label={job_label(props.status)}
            status={job_status_name(props.status)}
            tone={job_tone(props.status)}
            glyph={Glyph::of_job(props.status)}
        />
    }
}
