//! The figures of the overview.
//!
//! Invariant: each figure leads to the list of exactly what it counts.

use schemas::{
    api::Stats,
    domain::{job::JobStatus, task::TaskStatus},
};
use yew::prelude::*;

use crate::{
    components::{Anchor, Panel, Segment, StackedBar},
    filter::{JobFilter, ResourceFilter, TaskFilter, job_status_name},
    route::Route,
    text::{grouped, job_label, job_tone, task_label, task_tone},
};

/// How many resource types are listed.
const TYPES: usize = 5;

/// The figures.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The figures.
    pub stats: Stats,
}

/// Tasks by status.
#[component]
pub fn TaskFigures(props: &Props) -> Html {
    let counts = listed(&props.stats);
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let segments: Vec<_> = counts
        .iter()
        .map(|(status, count)| Segment {
            count: *count,
            tone: task_tone(*status),
            name: status.name(),
        })
        .collect();
    let aside = html! {
        <Anchor class="figure-total number" to={Route::Tasks}>{ grouped(total) }</Anchor>
    };
    html! {
        <Panel title="Tasks" class="figures-tasks" {aside}>
            <StackedBar {segments} />
            <ul class="legend">
                for (status, count) in counts {
                    <li key={status.name()} data-empty={(count == 0).to_string()}>
                        <Anchor to={Route::Tasks} query={TaskFilter::of(&[status]).written()}>
                            <span
                                class="dot"
                                data-tone={task_tone(status).name()}
                                data-part={status.name()}
                                aria-hidden="true"
                            />
                            <span class="legend-label">{ task_label(status) }</span>
                            <span class="legend-count number" data-count={status.name()}>
                                { grouped(count) }
                            </span>
                        </Anchor>
                    </li>
                }
            </ul>
        </Panel>
    }
}

/// Jobs by status, and users.
#[component]
pub fn JobFigures(props: &Props) -> Html {
    let of = |status| {
        props
            .stats
            .jobs
            .get(job_status_name(status))
            .copied()
            .unwrap_or(0)
    };
    let statuses = [JobStatus::Active, JobStatus::Paused];
    let total: u64 = statuses.into_iter().map(of).sum();
    let segments = statuses.map(|status| Segment {
        count: of(status),
        tone: job_tone(status),
        name: job_status_name(status),
    });
    let aside = html! {
        <Anchor class="figure-total number" to={Route::Jobs}>{ grouped(total) }</Anchor>
    };
    let query = |status| {
        let of_status = JobFilter::default().with(|by| by.status = Some(status));
        of_status.written()
    };
    html! {
        <Panel title="Jobs" {aside}>
            <StackedBar segments={segments.to_vec()} />
            <ul class="legend legend-rows">
                for status in statuses {
                    <li key={job_status_name(status)} data-empty={(of(status) == 0).to_string()}>
                        <Anchor to={Route::Jobs} query={query(status)}>
                            <span
                                class="dot"
                                data-tone={job_tone(status).name()}
                                aria-hidden="true"
                            />
                            <span class="legend-label">{ job_label(status) }</span>
                            <span class="legend-count number">{ grouped(of(status)) }</span>
                        </Anchor>
                    </li>
                }
                <li class="legend-extra">
                    <span class="legend-label">{ "Users" }</span>
                    <span class="legend-count number">{ grouped(props.stats.users) }</span>
                </li>
            </ul>
        </Panel>
    }
}

/// Resources by type, the most frequent first.
#[component]
pub fn ResourceFigures(props: &Props) -> Html {
    let types = &props.stats.resources;
    let total: u64 = types.iter().map(|of| of.count).sum();
    let most = types.iter().map(|of| of.count).max().unwrap_or(1).max(1);
    let rest: u64 = types.iter().skip(TYPES).map(|of| of.count).sum();
    let aside = html! {
        <Anchor class="figure-total number" to={Route::Resources}>{ grouped(total) }</Anchor>
    };
    let query = |type_name: &str| {
        let of_type = ResourceFilter::default().with(|by| type_name.clone_into(&mut by.type_name));
        of_type.written()
    };
    html! {
        <Panel title="Resources" {aside}>
            if types.is_empty() {
                <p class="faint">
                    { "None yet. Import an inventory, or create them through the API." }
                </p>
            }
            <ul class="legend legend-meters">
                for of in types.iter().take(TYPES) {
                    <li key={of.type_name.clone()}>
                        <Anchor to={Route::Resources} query={query(&of.type_name)}>
                            <span class="legend-label">{ &of.type_name }</span>
                            <span class="legend-count number">{ grouped(of.count) }</span>
                            <svg viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
                                <rect width={format!("{:.1}", width(of.count, most))} height="3" />
                            </svg>
                        </Anchor>
                    </li>
                }
                if rest > 0 {
                    <li class="legend-extra">
                        <span class="legend-label">{ "Other types" }</span>
                        <span class="legend-count number">{ grouped(rest) }</span>
                    </li>
                }
            </ul>
        </Panel>
    }
}

/// How many tasks are in `status`.
pub fn of_task(figures: &Stats, status: TaskStatus) -> u64 {
    figures.tasks.get(status.name()).copied().unwrap_or(0)
}

/// The states of the tasks that the list shows to whoever asks for no state: a slot that was
/// skipped is not among them.
fn listed(figures: &Stats) -> Vec<(TaskStatus, u64)> {
    TaskStatus::ALL
        .into_iter()
        .filter(|status| *status != TaskStatus::Skipped)
        .map(|status| (status, of_task(figures, status)))
        .collect()
}

fn width(count: u64, most: u64) -> f64 {
    (100.0 * count as f64 / most as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_list_shows_is_not_counted() {
        let stats = json!({
            "position": 9, "jobs": {}, "resources": [], "users": 1,
            "tasks": { "queued": 2, "skipped": 40 },
        });
        let stats: Stats = serde_json::from_value(stats).expect("figures");
        let total: u64 = listed(&stats).iter().map(|(_, count)| count).sum();
        assert_eq!(total, 2);
    }
}
