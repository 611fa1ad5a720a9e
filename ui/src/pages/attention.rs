//! What a person should look at: tasks that ended badly.
//!
//! Invariant: nothing leaves the list by being looked at, only by being retried or by ending well.

use schemas::{
    api::{Page, TaskView},
    domain::{TaskId, task::TaskStatus},
};
use yew::prelude::*;

use crate::{
    components::{Anchor, Button, Empty, Glyph, Moment, Panel, TaskBadge, view_of},
    filter::TaskFilter,
    hooks::{Fetched, use_action, use_session, use_toasts},
    route::Route,
    text::grouped,
};

/// The states that need attention.
pub const STATUSES: [TaskStatus; 2] = [TaskStatus::Failed, TaskStatus::Dead];

/// The latest tasks that need attention.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The latest of them.
    pub tasks: Fetched<Page<TaskView>>,
    /// How many there are in all.
    pub total: u64,
}

/// The tasks that need attention.
#[component]
pub fn Attention(props: &Props) -> Html {
    let toasts = use_toasts();
    let may_act = use_session().may_act();
    let retry = use_action(
        |client, id: TaskId| async move { client.retry_task(id).await },
        move |_: TaskView| toasts.done("Queued for another try"),
    );
    let aside = html! {
        if props.total > 0 {
            <Anchor to={Route::Tasks} query={TaskFilter::of(&STATUSES).written()}>
                { format!("Show all {}", grouped(props.total)) }
            </Anchor>
        }
    };
    html! {
        <Panel title="Needs attention" class="attention" {aside}>
            { view_of(&props.tasks, |page| html! {
                <>
                    if page.items.is_empty() {
                        <Empty
                            glyph={Glyph::Check}
                            title="Nothing needs attention"
                            hint="Tasks that fail, or use up their attempts, are listed here."
                        />
                    }
                    <ul class="rows">
                        for task in &page.items {
                            { row(task, may_act, retry.busy, &retry.run) }
                        }
                    </ul>
                </>
            }) }
        </Panel>
    }
}

fn row(task: &TaskView, may_act: bool, busy: bool, retry: &Callback<TaskId>) -> Html {
    let (id, retry) = (task.id, retry.clone());
    let message = task
        .error
        .as_ref()
        .map(|error| error.message.clone())
        .unwrap_or_default();
    html! {
        <li key={id.to_string()} class="row">
            <TaskBadge status={task.status} />
            <div class="row-main">
                <Anchor class="row-link" to={Route::Task { id }}>{ &task.kind }</Anchor>
                <span class="row-more">{ message }</span>
            </div>
            <Moment at={task.updated_at} />
            if may_act {
                <Button
                    label="Retry"
                    glyph={Glyph::Retry}
                    {busy}
                    onclick={move |_| retry.emit(id)}
                />
            }
        </li>
    }
}
