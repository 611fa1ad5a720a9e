//! The first page: the figures, what needs attention, what just happened.
//!
//! Invariant: everything on it follows the live stream, and every number leads to what it counts.

use yew::prelude::*;

use super::{
    attention::{Attention, STATUSES},
    figures::{JobFigures, ResourceFigures, TaskFigures, of_task},
};
use crate::{
    components::{
        Activity, Anchor, Button, Empty, Glyph, Look, PageHead, Panel, TaskForm, TaskTable, view_of,
    },
    filter::TaskFilter,
    hooks::{use_live_fetch, use_page, use_session},
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
    let recent = use_live_fetch(
        RECENT,
        |client, limit| async move { client.tasks_at_most(&TaskFilter::default(), limit).await },
        |event| event.kind == "task",
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
    let creating = use_state_eq(|| false);
    let may_act = use_session().may_act();
    let settled = |value: bool, error: bool| value || error;
    use_page(
        "Overview",
        settled(stats.value.is_some(), stats.error.is_some())
            && settled(recent.value.is_some(), recent.error.is_some()),
    );
    let total = stats.value.as_ref().map_or(0, |stats| {
        STATUSES
            .into_iter()
            .map(|status| of_task(stats, status))
            .sum()
    });
    let set = |open: bool| {
        let creating = creating.setter();
        move || creating.set(open)
    };
    let (open, close) = (set(true), set(false));
    let all = html! { <Anchor to={Route::Tasks}>{ "Show all" }</Anchor> };
    html! {
        <>
            <PageHead title="Overview">
                if may_act {
                    <Button
                        label="New task"
                        glyph={Glyph::Plus}
                        look={Look::Primary}
                        name="new-task"
                        onclick={move |_| open()}
                    />
                }
            </PageHead>
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
            if *creating {
                <TaskForm onclose={move |()| close()} />
            }
        </>
    }
}
