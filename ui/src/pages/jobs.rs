//! The list of jobs.
//!
//! Invariant: the address is the filter; when a job is due next is computed by the server, never
//! here.

use schemas::{
    api::{JobView, Page, PauseJob, Stats, TaskView},
    domain::{JobId, job::JobStatus},
};
use yew::prelude::*;

use crate::{
    components::{
        Anchor, Button, Chip, Chips, Empty, Glyph, JobBadge, Look, NextSlot, OriginFact, PageHead,
        Pager, Panel, Search, view_of,
    },
    filter::{JobFilter, job_status_name},
    hooks::{use_action, use_address, use_live_fetch, use_page, use_session, use_toasts},
    route::Route,
    text::{count, job_label, job_tone, schedule_detail, schedule_in_words},
};

/// The list of jobs.
#[component]
pub fn Jobs() -> Html {
    let address = use_address();
    let filter = JobFilter::read(&address.query);
    let jobs = use_live_fetch(
        filter.clone(),
        |client, filter| async move { client.jobs(&filter).await },
        |event| event.kind == "job",
    );
    let stats = use_live_fetch(
        (),
        |client, ()| async move { client.stats().await },
        |event| event.kind == "job",
    );
    use_page("Jobs", jobs.is_settled());
    let onsearch = {
        let (address, filter) = (address.clone(), filter.clone());
        move |q| {
            let wanted = JobFilter {
                q,
                ..filter.from_cursor("")
            };
            address.replace(Route::Jobs, &wanted.written());
        }
    };
    html! {
        <>
            <PageHead title="Jobs" />
            <div class="filters">
                <Chips
                    label="Status"
                    to={Route::Jobs}
                    chips={chips(&filter, stats.value.as_deref())}
                />
                <div class="filters-fields">
                    <Search
                        label="Search jobs by name"
                        placeholder="Name"
                        value={filter.q.clone()}
                        {onsearch}
                    />
                </div>
            </div>
            <Panel title="Jobs" class="flush headless">
                { view_of(&jobs, |page| list(page, &filter)) }
            </Panel>
        </>
    }
}

fn list(page: &Page<JobView>, filter: &JobFilter) -> Html {
    if page.items.is_empty() {
        return nothing(filter);
    }
    let next = page.page.next.clone().unwrap_or_default();
    html! {
        <>
            <div class="table-frame">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">{ "Status" }</th>
                            <th scope="col">{ "Job" }</th>
                            <th scope="col">{ "Schedule" }</th>
                            <th scope="col">{ "Next" }</th>
                            <th scope="col" class="optional">{ "Origin" }</th>
                            <th scope="col" class="end">{ "Actions" }</th>
                        </tr>
                    </thead>
                    <tbody>
                        for job in &page.items {
                            <JobRow key={job.id.to_string()} job={job.clone()} />
                        }
                    </tbody>
                </table>
            </div>
            <Pager
                to={Route::Jobs}
                page={page.page.clone()}
                first={filter.from_cursor("").written()}
                next={filter.from_cursor(&next).written()}
                is_first={filter.cursor.is_empty()}
                shown={count(page.items.len() as u64, "job", "jobs")}
            />
        </>
    }
}

#[derive(PartialEq, Properties)]
struct RowProps {
    job: JobView,
}

#[component]
fn JobRow(props: &RowProps) -> Html {
    let job = &props.job;
    html! {
        <tr data-job={job.id.to_string()}>
            <td class="cell-badge"><JobBadge status={job.status} /></td>
            <td class="cell-main">
                <Anchor class="row-link" to={Route::Job { id: job.id }}>{ &job.name }</Anchor>
                <span class="cell-more">{ &job.task.kind }</span>
            </td>
            <td data-label="Schedule">
                <span class="cell-words">{ schedule_in_words(&job.schedule) }</span>
                <code class="cell-detail">{ schedule_detail(&job.schedule) }</code>
            </td>
            <td data-label="Next">
                if job.status == JobStatus::Active {
                    <NextSlot schedule={job.schedule.clone()} />
                } else {
                    <span class="faint">{ "–" }</span>
                }
            </td>
            <td data-label="Origin" class="optional"><OriginFact origin={job.origin.clone()} /></td>
            <td class="cell-actions end"><RowActions id={job.id} status={job.status} /></td>
        </tr>
    }
}

#[derive(PartialEq, Properties)]
struct ActionsProps {
    id: JobId,
    status: JobStatus,
}

#[component]
fn RowActions(props: &ActionsProps) -> Html {
    let id = props.id;
    let toasts = use_toasts();
    let active = props.status == JobStatus::Active;
    let switch = {
        let toasts = toasts.clone();
        use_action(
            move |client, pause: bool| async move {
                if pause {
                    client.pause_job(id, &PauseJob::default()).await
                } else {
                    client.resume_job(id).await
                }
            },
            move |job: JobView| {
                let paused = job.status == JobStatus::Paused;
                toasts.done(if paused { "Job paused" } else { "Job resumed" });
            },
        )
    };
    let trigger = use_action(
        move |client, ()| async move { client.trigger_job(id).await },
        move |_: TaskView| toasts.done("Triggered: a task is queued"),
    );
    if !use_session().may_act() {
        return Html::default();
    }
    let (run_switch, run_trigger) = (switch.run.clone(), trigger.run.clone());
    html! {
        <span class="actions">
            <Button
                label="Trigger now"
                glyph={Glyph::Arrow}
                look={Look::Ghost}
                name="trigger"
                busy={trigger.busy}
                onclick={move |_| run_trigger.emit(())}
            />
            <Button
                label={if active { "Pause" } else { "Resume" }}
                glyph={if active { Glyph::Pause } else { Glyph::Play }}
                look={Look::Ghost}
                name={if active { "pause" } else { "resume" }}
                busy={switch.busy}
                onclick={move |_| run_switch.emit(active)}
            />
        </span>
    }
}

fn nothing(filter: &JobFilter) -> Html {
    if filter.narrows() {
        html! {
            <Empty
                glyph={Glyph::Search}
                title="No job fits"
                hint="Try fewer letters or another status, or drop the filter."
            >
                <Anchor class="button" to={Route::Jobs}>{ "Show all jobs" }</Anchor>
            </Empty>
        }
    } else {
        html! {
            <Empty
                glyph={Glyph::Clock}
                title="No jobs yet"
                hint="Import one with “almanac import crontab”, or create jobs through the API."
            />
        }
    }
}

fn chips(filter: &JobFilter, stats: Option<&Stats>) -> Vec<Chip> {
    [None, Some(JobStatus::Active), Some(JobStatus::Paused)]
        .into_iter()
        .map(|status| {
            let wanted = JobFilter {
                status,
                ..filter.from_cursor("")
            };
            let counted = stats.filter(|_| filter.q.is_empty()).zip(status);
            Chip {
                label: status.map_or("All", job_label).into(),
                count: counted.map(|(stats, status)| {
                    stats
                        .jobs
                        .get(job_status_name(status))
                        .copied()
                        .unwrap_or(0)
                }),
                query: wanted.written().into(),
                tone: status.map(job_tone),
                chosen: filter.status == status,
            }
        })
        .collect()
}
