//! Tasks in rows.
//!
//! Invariant: each row leads to its task and says its state in words; on a narrow screen each row
//! becomes a card whose values keep their names.

use schemas::{api::TaskView, domain::task::Priority};
use yew::prelude::*;

use super::{Anchor, Elapsed, Moment, TaskBadge};
use crate::{
    route::Route,
    text::{inline, short_id},
};

const PAYLOAD_CHARS: usize = 90;

/// The tasks.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// In order.
    pub tasks: Vec<TaskView>,
    /// Whether to say which job made each.
    #[prop_or(true)]
    pub with_job: bool,
}

/// Tasks in rows.
#[component]
pub fn TaskTable(props: &Props) -> Html {
    html! {
        <div class="table-frame">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">{ "Status" }</th>
                        <th scope="col">{ "Task" }</th>
                        if props.with_job {
                            <th scope="col">{ "Job" }</th>
                        }
                        <th scope="col" class="optional">{ "Priority" }</th>
                        <th scope="col" class="end optional">{ "Attempt" }</th>
                        <th scope="col" class="end">{ "Took" }</th>
                        <th scope="col" class="end">{ "Created" }</th>
                    </tr>
                </thead>
                <tbody>
                    for task in &props.tasks {
                        <TaskRow
                            key={task.id.to_string()}
                            task={task.clone()}
                            with_job={props.with_job}
                        />
                    }
                </tbody>
            </table>
        </div>
    }
}

#[derive(PartialEq, Properties)]
struct RowProps {
    task: TaskView,
    with_job: bool,
}

#[component]
fn TaskRow(props: &RowProps) -> Html {
    let task = &props.task;
    html! {
        <tr data-task={task.id.to_string()}>
            <td class="cell-badge"><TaskBadge status={task.status} /></td>
            <td class="cell-main">
                <Anchor class="row-link" to={Route::Task { id: task.id }}>{ &task.kind }</Anchor>
                <span class="cell-more">{ more(task) }</span>
            </td>
            if props.with_job {
                <td data-label="Job">{ job(task) }</td>
            }
            <td data-label="Priority" class="optional">
                <span class="priority" data-priority={task.priority.name()}>
                    { priority(task.priority) }
                </span>
            </td>
            <td data-label="Attempt" class="end number optional">{ attempts(task) }</td>
            <td data-label="Took" class="end">{ took(task) }</td>
            <td data-label="Created" class="end"><Moment at={task.created_at} /></td>
        </tr>
    }
}

/// What went wrong, else what it was given.
fn more(task: &TaskView) -> String {
    match &task.error {
        Some(error) => format!("{}: {}", error.code, error.message),
        None if task.payload.is_null() => String::new(),
        None => inline(&task.payload, PAYLOAD_CHARS),
    }
}

fn job(task: &TaskView) -> Html {
    match task.job_id {
        None => html! { <span class="faint">{ "–" }</span> },
        Some(id) => html! {
            <Anchor class="above" to={Route::Job { id }}>
                <code>{ short_id(&id.to_string()) }</code>
            </Anchor>
        },
    }
}

fn attempts(task: &TaskView) -> String {
    let number = task.attempt.as_ref().map_or(0, |attempt| attempt.number);
    format!("{number} of {}", task.max_attempts)
}

fn took(task: &TaskView) -> Html {
    match &task.attempt {
        None => html! { <span class="faint">{ "–" }</span> },
        Some(attempt) => {
            html! { <Elapsed from={attempt.started_at} to={attempt.ended_at} /> }
        }
    }
}

const fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "Critical",
        Priority::High => "High",
        Priority::Low => "Low",
        Priority::Normal => "Normal",
    }
}
