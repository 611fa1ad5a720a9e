//! What can be done with a job.
//!
//! Invariant: offered only to whoever may act; a deleted job offers nothing.

use schemas::{
    api::{JobView, PauseJob, TaskView},
    domain::{JobId, job::JobStatus},
};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{Button, Dialog, Field, Glyph, Look, Refusal};
use crate::{
    api::{ApiError, Client},
    hooks::{use_action, use_address, use_session, use_toasts},
    route::Route,
};

/// A job.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The job.
    pub job: JobView,
    /// Whether there is room for drawings only: then pausing asks for no note, and triggering stays
    /// where it is.
    #[prop_or_default]
    pub compact: bool,
    /// Something was done.
    #[prop_or_default]
    pub changed: Callback<()>,
}

/// Buttons that trigger, pause and resume a job.
#[component]
pub fn JobActions(props: &Props) -> Html {
    let (id, compact) = (props.job.id, props.compact);
    let active = props.job.status == JobStatus::Active;
    let toasts = use_toasts();
    let address = use_address();
    let asking = use_state_eq(|| false);
    let switch = {
        let (toasts, changed) = (toasts.clone(), props.changed.clone());
        use_action(
            move |client, pause| switched(client, id, pause),
            move |job: JobView| {
                let paused = job.status == JobStatus::Paused;
                toasts.done(if paused { "Job paused" } else { "Job resumed" });
                changed.emit(());
            },
        )
    };
    let trigger = use_action(
        move |client, ()| async move { client.trigger_job(id).await },
        move |task: TaskView| {
            toasts.done("Triggered: a task is queued");
            if !compact {
                address.go(Route::Task { id: task.id }, "");
            }
        },
    );
    if !use_session().may_act() || props.job.status == JobStatus::Deleted {
        return Html::default();
    }
    let (run_switch, run_trigger) = (switch.run.clone(), trigger.run.clone());
    let (ask, close) = (asking.setter(), asking.setter());
    let pressed = move |_| {
        if active && !compact {
            ask.set(true);
        } else {
            run_switch.emit(active);
        }
    };
    let look = |wide| if compact { Look::Ghost } else { wide };
    html! {
        <span class={if compact { "actions" } else { "page-actions" }}>
            <Button
                label="Trigger now"
                glyph={Glyph::Arrow}
                look={look(Look::Primary)}
                name="trigger"
                busy={trigger.busy}
                onclick={move |_| run_trigger.emit(())}
            />
            <Button
                label={if active { "Pause" } else { "Resume" }}
                glyph={if active { Glyph::Pause } else { Glyph::Play }}
                look={look(Look::Plain)}
                name={if active { "pause" } else { "resume" }}
                busy={switch.busy}
                onclick={pressed}
            />
            if *asking {
                <PauseForm
                    {id}
                    changed={props.changed.clone()}
                    onclose={move |()| close.set(false)}
                />
            }
        </span>
    }
}

async fn switched(client: Client, id: JobId, pause: bool) -> Result<JobView, ApiError> {
    if pause {
        client.pause_job(id, &PauseJob::default()).await
    } else {
        client.resume_job(id).await
    }
}

#[derive(PartialEq, Properties)]
struct PauseProps {
    id: JobId,
    changed: Callback<()>,
    onclose: Callback<()>,
}

#[component]
fn PauseForm(props: &PauseProps) -> Html {
    let id = props.id;
    let toasts = use_toasts();
    let note = use_node_ref();
    let pause = {
        let (changed, onclose) = (props.changed.clone(), props.onclose.clone());
        use_action(
            move |client, pause: PauseJob| async move { client.pause_job(id, &pause).await },
            move |_: JobView| {
                toasts.done("Job paused");
                changed.emit(());
                onclose.emit(());
            },
        )
    };
    let onsubmit = {
        let (note, run) = (note.clone(), pause.run.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let note = note.cast::<HtmlInputElement>().map(|field| field.value());
            let note = note
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
            run.emit(PauseJob { note });
        }
    };
    let onclose = props.onclose.clone();
    let field = Field {
        name: "note",
        label: "Note",
        hint: "Why, for whoever asks later. It may stay empty.",
        problem: pause.error.as_ref().and_then(|error| error.field("/note")),
    };
    html! {
        <Dialog title="Pause this job" onclose={props.onclose.clone()}>
            <form class="form" {onsubmit}>
                { field.around(|ties| html! {
                    <input
                        ref={note}
                        id={ties.id}
                        name="note"
                        maxlength="1000"
                        autofocus=true
                        autocomplete="off"
                        aria-describedby={ties.described_by}
                        aria-invalid={ties.invalid}
                    />
                }) }
                if let Some(error) = pause.error.filter(|error| error.field("/note").is_none()) {
                    <Refusal {error} />
                }
                <footer class="form-foot">
                    <Button label="Keep it active" onclick={move |_| onclose.emit(())} />
                    <Button label="Pause job" look={Look::Primary} submit=true busy={pause.busy} />
                </footer>
            </form>
        </Dialog>
    }
}
