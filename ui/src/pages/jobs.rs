//! The list of jobs.
//!
//! Invariant: when a job is due next is computed by the server, never here.

use schemas::{
    api::{JobView, Page, Stats},
    domain::job::JobStatus,
};
use yew::prelude::*;

use super::list::{ListPage, Listed};
use crate::{
    api::{ApiError, Client},
    components::{Anchor, Chip, Glyph, JobActions, JobBadge, NextSlot, OriginFact},
    filter::{JobFilter, JobsBy, job_status_name},
    route::{Route, Section},
    text::{job_label, job_tone, schedule_detail, schedule_in_words},
};

/// The list of jobs.
pub type Jobs = ListPage<JobsBy>;

impl Listed for JobsBy {
    type Item = JobView;
    const SECTION: Section = Section::Jobs;
    const NOUNS: (&'static str, &'static str) = ("job", "jobs");
    const CHOICES: &'static str = "Status";
    const SEARCH: (&'static str, &'static str) = ("Search jobs by name", "Name");
    const NOTHING_YET: (Glyph, &'static str) = (
        Glyph::Clock,
        "Import one with “almanac import crontab”, or create jobs through the API.",
    );
    const NOTHING_FITS: &'static str = "Try fewer letters or another status, or drop the filter.";

    async fn load(client: &Client, filter: &JobFilter) -> Result<Page<JobView>, ApiError> {
        client.jobs(filter).await
    }

    fn chips(filter: &JobFilter, stats: Option<&Stats>) -> Vec<Chip> {
        chips(filter, stats)
    }

    fn table(items: &[JobView]) -> Html {
        html! {
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
                        for job in items {
                            <JobRow key={job.id.to_string()} job={job.clone()} />
                        }
                    </tbody>
                </table>
            </div>
        }
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
            <td class="cell-actions end"><JobActions job={job.clone()} compact=true /></td>
        </tr>
    }
}

fn chips(filter: &JobFilter, stats: Option<&Stats>) -> Vec<Chip> {
    [None, Some(JobStatus::Active), Some(JobStatus::Paused)]
        .into_iter()
        .map(|status| {
            let counted = stats.filter(|_| filter.by.q.is_empty()).zip(status);
            Chip {
                label: status.map_or("All", job_label).into(),
                count: counted.map(|(stats, status)| {
                    let name = job_status_name(status);
                    stats.jobs.get(name).copied().unwrap_or(0)
                }),
                query: filter.with(|by| by.status = status).written().into(),
                tone: status.map(job_tone),
                chosen: filter.by.status == status,
            }
        })
        .collect()
}
