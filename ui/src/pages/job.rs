//! One job: when it is due, what it does, and what came of it.
//!
//! Invariant: a deleted job keeps its history and offers no action.

use schemas::{
    api::JobView,
    domain::{JobId, job::JobStatus, schedule::Schedule},
};
use yew::prelude::*;

use super::object::{object_of, use_object};
use crate::{
    api::{Client, Collection},
    components::{
        Anchor, Empty, Fact, Facts, Glyph, JobActions, JobBadge, JobHealth, Json, Ledger,
        NextSlots, Notice, OriginFact, PageHead, Panel, Stamp, TaskTable, Timeline, view_of,
    },
    filter::TaskFilter,
    hooks::use_live_fetch,
    route::{Route, Section},
    text::{Tone, duration, misfire_label, overlap_label, schedule_detail, schedule_in_words},
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
    let load = |client: Client, id| async move { client.job(id).await };
    let job = use_object(id, load, Section::Jobs, |job: &JobView| &job.name);
    let reload = job.reload.clone();
    object_of(Section::Jobs, &id.to_string(), &job, |job, above| {
        html! {
            <>
                <PageHead
                    title={job.name.clone()}
                    {above}
                    beside={html! { <JobBadge status={job.status} /> }}
                >
                    <JobActions job={job.clone()} changed={reload} />
                </PageHead>
                { paused(job) }
                <div class="columns columns-detail">
                    <div class="stack">
                        <Runs {id} />
                        <Ledger {id} />
                        <Timeline collection={Collection::Jobs} id={id.to_string()} />
                    </div>
                    <div class="stack">
                        { schedule(job) }
                        <JobHealth {id} />
                        { template(job) }
                    </div>
                </div>
            </>
        }
    })
}

#[component]
fn Runs(props: &Props) -> Html {
    let id = props.id;
    let runs = use_live_fetch(
        id,
        |client, id| async move { client.job_runs(id, RUNS).await },
        |event| event.kind == "task",
    );
    let all = TaskFilter::default().with(|by| by.job = Some(id));
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

fn paused(job: &JobView) -> Html {
    if job.status != JobStatus::Paused {
        return Html::default();
    }
    let why = job.note.clone();
    html! {
        <Notice tone={Tone::Wait} glyph={Glyph::Pause} title="Paused">
            <p>
                { why.unwrap_or_else(|| "It does not fire until somebody resumes it.".to_owned()) }
            </p>
        </Notice>
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
            <Json value={(*job.task.payload).clone()} what="payload" />
        </Panel>
    }
}
