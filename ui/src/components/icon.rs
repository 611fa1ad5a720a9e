//! Small drawings, one stroke wide, on a grid of sixteen.
//!
//! Invariant: a drawing never carries meaning alone: beside it stands a word, or its button has a
//! name.

use schemas::domain::{job::JobStatus, task::TaskStatus};
use yew::prelude::*;

/// Which drawing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Glyph {
    /// A heartbeat.
    Activity,
    /// An arrow to the right.
    Arrow,
    /// A box.
    Box,
    /// A tick in a circle.
    Check,
    /// A clock.
    Clock,
    /// Two sheets.
    Copy,
    /// A cross.
    Cross,
    /// A circle with a cross in it.
    CrossCircle,
    /// A sheet with lines.
    Document,
    /// A moon.
    Moon,
    /// Two bars.
    Pause,
    /// A triangle.
    Play,
    /// A plus.
    Plus,
    /// A question mark.
    Question,
    /// An open circle with an arrow.
    Retry,
    /// A magnifying glass.
    Search,
    /// A door with an arrow.
    SignOut,
    /// An octagon with a bar.
    Stop,
    /// A sun.
    Sun,
    /// Four squares.
    Tiles,
    /// A list with ticks.
    Todo,
    /// A triangle with an exclamation mark.
    Warning,
    /// An hourglass.
    Wait,
}

/// A drawing.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Which one.
    pub glyph: Glyph,
    /// Its classes, beside its own.
    #[prop_or_default]
    pub class: Classes,
}

/// A drawing, hidden from screen readers.
#[component]
pub fn Icon(props: &Props) -> Html {
    html! {
        <svg
            class={classes!("icon", props.class.clone())}
            viewBox="0 0 16 16"
            width="16"
            height="16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d={props.glyph.path()} />
        </svg>
    }
}

impl Glyph {
    /// The drawing of a task's state.
    pub const fn of_task(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Cancelled | TaskStatus::Skipped => Self::Stop,
            TaskStatus::Dead => Self::CrossCircle,
            TaskStatus::Failed => Self::Warning,
            TaskStatus::Queued => Self::Wait,
            TaskStatus::Retrying => Self::Retry,
            TaskStatus::Running => Self::Activity,
            TaskStatus::Scheduled => Self::Clock,
            TaskStatus::Succeeded => Self::Check,
        }
    }

    /// The drawing of a job's state.
    pub const fn of_job(status: JobStatus) -> Self {
        match status {
            JobStatus::Active => Self::Play,
            JobStatus::Deleted => Self::Cross,
            JobStatus::Paused => Self::Pause,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Activity => "M1.5 8.5H4l2-5.5 3.5 10 2-4.5h3",
            Self::Arrow => "M3 8h10M9 4l4 4-4 4",
            Self::Box => "M8 1.8 14 5v6l-6 3.2L2 11V5zM2.2 5.1 8 8.2l5.8-3.1M8 8.2v5.8",
            Self::Check => {
                "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 1 0 0-12.5M5.2 8.2l2 2 3.7-4.2"
            }
            Self::Clock => "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 1 0 0-12.5M8 4.5V8l2.3 1.6",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Cross => "m4 4 8 8m0-8-8 8",
            Self::CrossCircle => {
                "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 1 0 0-12.5\
                 M5.8 5.8l4.4 4.4m0-4.4-4.4 4.4"
            }
            Self::Document => "M3.5 1.75h6l3 3v9.5h-9zM6 7h4M6 9.5h4M6 12h2.5",
            Self::Moon => "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z",
            Self::Pause => "M5.5 3v10M10.5 3v10",
            Self::Play => "M5 2.8v10.4l8-5.2z",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Question => "M5.6 5.8a2.4 2.4 0 1 1 3.5 2.1c-.7.4-1.1.9-1.1 1.7v.3M8 12.4v.1",
            Self::Retry => "M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.5 1.8v3h-3",
            Self::Search => "M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 1 0 0-9.6m3.5 8.3 3.5 3.5",
            Self::SignOut => "M6 2.2H2.8v11.6H6M6.5 8h7M10.7 5.2 13.5 8l-2.8 2.8",
            Self::Stop => "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 1 0 0-12.5M5 8h6",
            Self::Sun => {
                "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 1 0 0-5.6M8 1v1M8 14v1M1 8h1M14 8h1\
                 M3 3l.8.8M12.2 12.2l.8.8M13 3l-.8.8M3.8 12.2 3 13"
            }
            Self::Tiles => {
                "M2.2 2.2h4.6v4.6H2.2zM9.2 2.2h4.6v4.6H9.2zM2.2 9.2h4.6v4.6H2.2z\
                            M9.2 9.2h4.6v4.6H9.2z"
            }
            Self::Todo => "m1.8 4 1.3 1.3 2.2-2.6M1.8 10.5l1.3 1.3 2.2-2.6M8 4h6.2M8 10.5h6.2",
            Self::Wait => {
                "M4 1.8h8M4 14.2h8M5 1.8c0 4 6 4.4 6 6.2s-6 2.2-6 6.2\
                           M11 1.8c0 4-6 4.4-6 6.2s6 2.2 6 6.2"
            }
            Self::Warning => "M8 2 14.5 13.5h-13zM8 6.3v3.4M8 11.6v.1",
        }
    }
}
