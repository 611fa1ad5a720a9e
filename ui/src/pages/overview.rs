//! The first page: the figures, what needs attention, what just happened.
//!
//! Invariant: everything on it follows the live stream, and every number leads to what it counts.

use yew::prelude::*;

use super::{
    attention::{Attention, STATUSES},
    figures::{JobFigures, ResourceFigures, TaskFigures, of_task},
};
use crate::{
    components::{Activity, Anchor, Empty, Glyph, NewTask, PageHead, Panel, TaskTable, view_of},
    filter::TaskFilter,
    hooks::{use_live_fetch, use_page},
    route::Route,
};

const RECENT: u32 = 10;
const ATTENTION: u32 = 6;

/// The first page.
#[component]
pub fn Overview() -> Html {
    let stats = use_live_fetch(
        (),
        |client, ()| async move { client.stats().await },
        |_| true,
    );
    let attention = use_live_fetch(
        ATTENTION,
        |client, limit| async move {
            client
                .tasks_at_most(&TaskFilter::of(&STATUSES), limit)
                .await
        },
        |event| event.kind == "task",
    );
    use_page("Overview", stats.value.is_some() || stats.error.is_some());
    let total = stats.value.as_ref().map_or(0, |stats| {
        STATUSES
            .into_iter()
            .map(|status| of_task(stats, status))
            .sum()
    });
    html! {
        <>
            <PageHead title="Overview"><NewTask /></PageHead>
            { view_of(&stats, |stats| html! {
                <div class="figures">
                    <TaskFigures stats={stats.clone()} />
                    <JobFigures stats={stats.clone()} />
                    <ResourceFigures stats={stats.clone()} />
                </div>
            }) }
            <div class="columns">
                <Attention tasks={attention} {total} />
                <Activity />
            </div>
            <Latest />
        </>
    }
}

/// The latest tasks, whatever their state.
#[component]
fn Latest() -> Html {
    let recent = use_live_fetch(
        RECENT,
        |client, limit| async move { client.tasks_at_most(&TaskFilter::default(), limit).await },
        |event| event.kind == "task",
    );
    let all = html! { <Anchor to={Route::Tasks}>{ "Show all" }</Anchor> };
    html! {
        <Panel title="Latest tasks" class="flush" aside={all}>
            { view_of(&recent, |page| html! {
                if page.items.is_empty() {
                    <Empty
                        glyph={Glyph::Todo}
                        title="No tasks yet"
                        hint="Create one here, or let a job create them by its schedule."
                    />
                } else {
                    <TaskTable tasks={page.items.clone()} />
                }
            }) }
        </Panel>
    }
}
