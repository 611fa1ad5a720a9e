//! One job: when it is due, what it does, and what came of it.
//!
//! Invariant: a deleted job keeps its history and offers no action.

use schemas::{
    api::{JobView, PauseJob, TaskView},
    domain::{JobId, job::JobStatus, schedule::Schedule},
};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    api::Collection,
    components::{
        Anchor, Button, Copy, Dialog, Empty, Fact, Facts, Glyph, Icon, JobBadge, Json, Look,
        NextSlots, OriginFact, PageHead, Panel, Stamp, TaskTable, Timeline, view_of,
    },
    filter::TaskFilter,
    hooks::{use_action, use_address, use_live_fetch, use_page, use_session, use_toasts},
    route::Route,
    text::{duration, misfire_label, overlap_label, schedule_detail, schedule_in_words},
};

const RUNS: u32 = 15;

/// Which job.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its identity.
    pub id: JobId,
}

/// One job.
#[component]
pub fn Job(props: &Props) -> Html {
    let id = props.id;
    let job = use_live_fetch(
        id,
        |client, id| async move { client.job(id).await },
        move |event| event.id == id.uuid(),
    );
    let title = job
        .value
        .as_ref()
        .map_or_else(|| "Job".to_owned(), |job| job.name.clone());
    use_page(&title, job.value.is_some() || job.error.is_some());
    let reload = job.reload.clone();
    view_of(&job, |job| {
        html! {
            <>
                <PageHead
                    title={job.name.clone()}
                    above={above(job)}
                    beside={html! { <JobBadge status={job.status} /> }}
                >
                    <Actions job={job.clone()} changed={reload} />
                </PageHead>
                { paused(job) }
                <div class="columns columns-detail">
                    <div class="stack">
                        <Runs {id} />
                        <Timeline collection={Collection::Jobs} id={id.to_string()} />
                    </div>
                    <div class="stack">
                        { schedule(job) }
                        { template(job) }
                    </div>
                </div>
            </>
        }
    })
}

#[derive(PartialEq, Properties)]
struct ActionsProps {
    job: JobView,
    changed: Callback<()>,
}

#[component]
fn Actions(props: &ActionsProps) -> Html {
    let id = props.job.id;
    let toasts = use_toasts();
    let address = use_address();
    let asking = use_state_eq(|| false);
    let resume = {
        let (toasts, changed) = (toasts.clone(), props.changed.clone());
        use_action(
            move |client, ()| async move { client.resume_job(id).await },
            move |_: JobView| {
                toasts.done("Job resumed");
                changed.emit(());
            },
        )
    };
    let trigger = use_action(
        move |client, ()| async move { client.trigger_job(id).await },
        move |task: TaskView| {
            toasts.done("Triggered");
            address.go(Route::Task { id: task.id }, "");
        },
    );
    if !use_session().may_act() || props.job.status == JobStatus::Deleted {
        return Html::default();
    }
    let (run_resume, run_trigger) = (resume.run.clone(), trigger.run.clone());
    let (ask, close) = (asking.setter(), asking.setter());
    html! {
        <>
            <Button
                label="Trigger now"
                glyph={Glyph::Arrow}
                look={Look::Primary}
                name="trigger"
                busy={trigger.busy}
                onclick={move |_| run_trigger.emit(())}
            />
            if props.job.status == JobStatus::Active {
                <Button
                    label="Pause"
                    glyph={Glyph::Pause}
                    name="pause"
                    onclick={move |_| ask.set(true)}
                />
            } else {
                <Button
                    label="Resume"
                    glyph={Glyph::Play}
                    name="resume"
                    busy={resume.busy}
                    onclick={move |_| run_resume.emit(())}
                />
            }
            if *asking {
                <PauseForm
                    {id}
                    changed={props.changed.clone()}
                    onclose={move |()| close.set(false)}
                />
            }
        </>
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
    html! {
        <Dialog title="Pause this job" onclose={props.onclose.clone()}>
            <form class="form" {onsubmit}>
                <label class="field">
                    <span>{ "Note" }</span>
                    <input
                        ref={note}
                        name="note"
                        maxlength="1000"
                        autofocus=true
                        autocomplete="off"
                    />
                    <small class="field-hint">
                        { "Why, for whoever asks later. It may stay empty." }
                    </small>
                </label>
                <footer class="form-foot">
                    <Button label="Keep it active" onclick={move |_| onclose.emit(())} />
                    <Button label="Pause job" look={Look::Primary} submit=true busy={pause.busy} />
                </footer>
            </form>
        </Dialog>
    }
}

#[component]
fn Runs(props: &Props) -> Html {
    let id = props.id;
    let runs = use_live_fetch(
        id,
        |client, id| async move { client.job_runs(id, RUNS).await },
        |event| event.kind == "task",
    );
    let all = TaskFilter {
        job: Some(id),
        ..TaskFilter::default()
    };
    let aside = html! {
        <Anchor to={Route::Tasks} query={all.written()}>{ "Show all" }</Anchor>
    };
    html! {
        <Panel title="Latest runs" class="flush" {aside}>
            { view_of(&runs, |page| html! {
                if page.items.is_empty() {
                    <Empty
                        glyph={Glyph::Todo}
                        title="No runs yet"
                        hint="The first appears when the job is due, or when you trigger it."
                    />
                } else {
                    <TaskTable tasks={page.items.clone()} with_job=false />
                }
            }) }
        </Panel>
    }
}

fn above(job: &JobView) -> Html {
    let id = job.id.to_string();
    html! {
        <p class="above">
            <Anchor to={Route::Jobs}>{ "Jobs" }</Anchor>
            <code>{ id.clone() }</code>
            <Copy text={id} what="id" />
        </p>
    }
}

fn paused(job: &JobView) -> Html {
    if job.status != JobStatus::Paused {
        return Html::default();
    }
    html! {
        <div class="notice" data-tone="wait">
            <Icon glyph={Glyph::Pause} />
            <div>
                <strong>{ "Paused" }</strong>
                <p>
                    { job.note.clone().unwrap_or_else(|| {
                        "It does not fire until somebody resumes it.".to_owned()
                    }) }
                </p>
            </div>
        </div>
    }
}

fn schedule(job: &JobView) -> Html {
    html! {
        <Panel title="Schedule">
            <p class="words">
                { schedule_in_words(&job.schedule) }
                if let Schedule::Once { at } = &job.schedule {
                    { " at " }<Stamp at={*at} />
                }
            </p>
            <p><code>{ schedule_detail(&job.schedule) }</code></p>
            if job.status == JobStatus::Active {
                <h3>{ "Next" }</h3>
                <NextSlots schedule={job.schedule.clone()} />
            }
            <Facts>
                <Fact name="Overlap">{ overlap_label(job.overlap) }</Fact>
                <Fact name="Missed slots">{ misfire_label(job.misfire) }</Fact>
                <Fact name="Origin"><OriginFact origin={job.origin.clone()} /></Fact>
                <Fact name="Created"><Stamp at={job.created_at} /></Fact>
                <Fact name="Changed"><Stamp at={job.updated_at} /></Fact>
                <Fact name="Version"><span class="number">{ job.version }</span></Fact>
            </Facts>
        </Panel>
    }
}

fn template(job: &JobView) -> Html {
    html! {
        <Panel title="Template">
            <Facts>
                <Fact name="Kind"><code>{ &job.task.kind }</code></Fact>
                <Fact name="Priority">{ job.task.priority.name() }</Fact>
                <Fact name="Attempts"><span class="number">{ job.task.max_attempts }</span></Fact>
                <Fact name="Timeout">{ duration(job.task.timeout_ms) }</Fact>
            </Facts>
            <Json value={job.task.payload.clone()} what="payload" />
        </Panel>
    }
}
