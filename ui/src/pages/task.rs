//! One task: what it is, how it went, and what can be done about it.
//!
//! Invariant: an action is offered exactly in the states in which the server accepts it.

use schemas::{
    api::{CancelTask, TaskView},
    domain::{TaskId, task::TaskStatus},
};
use yew::prelude::*;

use super::object::{object_of, use_object};
use crate::{
    api::{Client, Collection},
    components::{
        Anchor, Button, Elapsed, Fact, Facts, Glyph, Json, Look, Notice, PageHead, Panel, Stamp,
        TaskBadge, TaskLog, Timeline,
    },
    hooks::{use_action, use_fetch, use_polling, use_session, use_toasts},
    route::{Route, Section},
    text::{Tone, duration},
};

/// How often it is asked why a task waits, in milliseconds.
const ASK_AGAIN_MS: i64 = 5_000;

/// Which task.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its identity.
    pub id: TaskId,
}

/// One task.
#[component]
pub fn Task(props: &Props) -> Html {
    let id = props.id;
    let load = |client: Client, id| async move { client.task(id).await };
    let task = use_object(id, load, Section::Tasks, |task: &TaskView| &task.kind);
    let reload = task.reload.clone();
    object_of(Section::Tasks, &id.to_string(), &task, |task, above| {
        html! {
            <>
                <PageHead
                    title={task.kind.clone()}
                    {above}
                    beside={html! { <TaskBadge status={task.status} /> }}
                >
                    <Actions task={task.clone()} changed={reload} />
                </PageHead>
                { outcome(task) }
                if !task.status.is_final() && task.status != TaskStatus::Running {
                    <Why {id} version={task.version} />
                }
                <div class="columns columns-detail">
                    <div class="stack">
                        <TaskLog {id} goes_on={task.status == TaskStatus::Running} />
                        <Timeline collection={Collection::Tasks} id={id.to_string()} />
                    </div>
                    <div class="stack">
                        { facts(task) }
                        <Panel title="Payload">
                            <Json value={(*task.payload).clone()} what="payload" />
                        </Panel>
                    </div>
                </div>
            </>
        }
    })
}

#[derive(PartialEq, Properties)]
struct WhyProps {
    id: TaskId,
    version: u64,
}

/// Why it has not begun.
#[component]
fn Why(props: &WhyProps) -> Html {
    let question = (props.id, props.version);
    let why = use_fetch(question, |client: Client, (id, _)| async move {
        client.explain_task(id).await
    });
    use_polling(why.reload.clone(), Some(ASK_AGAIN_MS));
    let Some(why) = why.value.as_deref() else {
        return Html::default();
    };
    html! {
        <Notice tone={Tone::Soon} glyph={Glyph::Wait} title="Why it waits" role="status">
            <p>{ &why.summary }</p>
        </Notice>
    }
}

#[derive(PartialEq, Properties)]
struct ActionsProps {
    task: TaskView,
    changed: Callback<()>,
}

#[component]
fn Actions(props: &ActionsProps) -> Html {
    let id = props.task.id;
    let toasts = use_toasts();
    let cancel = {
        let (toasts, changed) = (toasts.clone(), props.changed.clone());
        use_action(
            move |client, ()| async move { client.cancel_task(id, &CancelTask::default()).await },
            move |task: TaskView| {
                let over = task.status == TaskStatus::Cancelled;
                toasts.done(if over {
                    "Cancelled"
                } else {
                    "Asked the worker to stop"
                });
                changed.emit(());
            },
        )
    };
    let retry = {
        let changed = props.changed.clone();
        use_action(
            move |client, ()| async move { client.retry_task(id).await },
            move |_: TaskView| {
                toasts.done("Queued for another try");
                changed.emit(());
            },
        )
    };
    if !use_session().may_act() {
        return Html::default();
    }
    let (run_retry, run_cancel) = (retry.run.clone(), cancel.run.clone());
    html! {
        <>
            if may_retry(props.task.status) {
                <Button
                    label="Retry"
                    glyph={Glyph::Retry}
                    look={Look::Primary}
                    name="retry"
                    busy={retry.busy}
                    onclick={move |_| run_retry.emit(())}
                />
            }
            if !props.task.status.is_final() {
                <Button
                    label="Cancel task"
                    glyph={Glyph::Stop}
                    look={Look::Danger}
                    name="cancel"
                    busy={cancel.busy || props.task.cancel_requested}
                    onclick={move |_| run_cancel.emit(())}
                />
            }
        </>
    }
}

fn outcome(task: &TaskView) -> Html {
    html! {
        <>
            if task.cancel_requested && !task.status.is_final() {
                <Notice
                    tone={Tone::Wait}
                    glyph={Glyph::Stop}
                    title="Asked to stop"
                    role="status"
                >
                    <p>{ "The worker has been told; it ends at the next safe point." }</p>
                </Notice>
            }
            if let Some(error) = &task.error {
                <Notice
                    tone={if task.status.is_final() { Tone::Bad } else { Tone::Wait }}
                    glyph={Glyph::Warning}
                    title={error.code.clone()}
                >
                    <p class="notice-text">{ &error.message }</p>
                    if error.retryable && !task.status.is_final() {
                        <p class="faint">{ "Another attempt may help, and is scheduled." }</p>
                    }
                </Notice>
            }
            if let Some(output) = &task.output {
                <Panel title="Output">
                    <Json value={output.clone()} what="output" />
                </Panel>
            }
        </>
    }
}

fn facts(task: &TaskView) -> Html {
    html! {
        <Panel title="Details">
            <Facts>
                if let Some(attempt) = &task.attempt {
                    <Fact name="Attempt">
                        { format!("{} of {}", attempt.number, task.max_attempts) }
                    </Fact>
                    <Fact name="Took">
                        <Elapsed from={attempt.started_at} to={attempt.ended_at} />
                    </Fact>
                    <Fact name="Worker"><code>{ &attempt.worker }</code></Fact>
                    <Fact name="Started"><Stamp at={attempt.started_at} /></Fact>
                } else {
                    <Fact name="Attempts">{ format!("none of {} yet", task.max_attempts) }</Fact>
                }
                if let Some(due) = task.due_at.filter(|_| !task.status.is_final()) {
                    <Fact name="Due"><Stamp at={due} /></Fact>
                }
                if let Some(end) = task.finished_at {
                    <Fact name="Ended"><Stamp at={end} /></Fact>
                }
                <Fact name="Created"><Stamp at={task.created_at} /></Fact>
                <Fact name="Priority">{ task.priority.name() }</Fact>
                <Fact name="Timeout">{ duration(task.timeout_ms) }</Fact>
                if let Some(id) = task.job_id {
                    <Fact name="Job">
                        <Anchor to={Route::Job { id }}><code>{ id.to_string() }</code></Anchor>
                    </Fact>
                    <Fact name="Slot">
                        if let Some(slot) = task.slot {
                            <Stamp at={slot} />
                        } else {
                            { "Triggered by hand" }
                        }
                    </Fact>
                }
                <Fact name="Version"><span class="number">{ task.version }</span></Fact>
            </Facts>
        </Panel>
    }
}

/// What ended badly, or was stopped, may be tried again.
const fn may_retry(status: TaskStatus) -> bool {
    matches!(
        status,
        TaskStatus::Cancelled | TaskStatus::Dead | TaskStatus::Failed
    )
}
