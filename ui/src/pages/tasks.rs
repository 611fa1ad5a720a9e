//! The list of tasks.
//!
//! Invariant: the address is the filter. The first page follows the live stream; so do later ones,
//! for the tasks that are on them.

use schemas::{
    api::{Page, Stats, TaskView},
    domain::task::{Priority, TaskStatus},
};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::{
    components::{
        Anchor, Chip, Chips, Empty, Glyph, NewTask, PageHead, Pager, Panel, Search, TaskTable,
        view_of,
    },
    filter::TaskFilter,
    hooks::{use_address, use_live_fetch, use_page},
    route::Route,
    text::{count, task_label, task_tone},
};

/// The list of tasks.
#[component]
pub fn Tasks() -> Html {
    let address = use_address();
    let filter = TaskFilter::read(&address.query);
    let tasks = use_live_fetch(
        filter.clone(),
        |client, filter| async move { client.tasks(&filter).await },
        |event| event.kind == "task",
    );
    let stats = use_live_fetch(
        (),
        |client, ()| async move { client.stats().await },
        |event| event.kind == "task",
    );
    use_page("Tasks", tasks.is_settled());
    let onsearch = {
        let (address, filter) = (address.clone(), filter.clone());
        move |kind| {
            let wanted = TaskFilter {
                kind,
                ..filter.from_cursor("")
            };
            address.replace(Route::Tasks, &wanted.written());
        }
    };
    html! {
        <>
            <PageHead title="Tasks"><NewTask /></PageHead>
            <div class="filters">
                <Chips
                    label="Status"
                    to={Route::Tasks}
                    chips={chips(&filter, stats.value.as_deref())}
                />
                <div class="filters-fields">
                    <Search
                        label="Search by kind"
                        placeholder="Kind, such as http"
                        value={filter.kind.clone()}
                        {onsearch}
                    />
                    { priorities(&filter, move |query| address.go(Route::Tasks, &query)) }
                </div>
            </div>
            { of_job(&filter) }
            <Panel title="Tasks" class="flush headless">
                { view_of(&tasks, |page| list(page, &filter)) }
            </Panel>
        </>
    }
}

fn list(page: &Page<TaskView>, filter: &TaskFilter) -> Html {
    if page.items.is_empty() {
        return nothing(filter);
    }
    let next = page.page.next.clone().unwrap_or_default();
    html! {
        <>
            <TaskTable tasks={page.items.clone()} />
            <Pager
                to={Route::Tasks}
                page={page.page.clone()}
                first={filter.from_cursor("").written()}
                next={filter.from_cursor(&next).written()}
                is_first={filter.cursor.is_empty()}
                shown={count(page.items.len() as u64, "task", "tasks")}
            />
        </>
    }
}

fn nothing(filter: &TaskFilter) -> Html {
    if filter.narrows() {
        html! {
            <Empty
                glyph={Glyph::Search}
                title="No task fits"
                hint="Kinds are matched whole. Choose another status, or drop the filter."
            >
                <Anchor class="button" to={Route::Tasks}>{ "Show all tasks" }</Anchor>
            </Empty>
        }
    } else {
        html! {
            <Empty
                glyph={Glyph::Todo}
                title="No tasks yet"
                hint="Create one with “New task”, or let a job create them by its schedule."
            />
        }
    }
}

/// The counts are those without other filters, so they are left out where others apply.
fn chips(filter: &TaskFilter, stats: Option<&Stats>) -> Vec<Chip> {
    let with = |statuses: &[TaskStatus]| {
        let narrowed = TaskFilter {
            statuses: statuses.to_vec(),
            ..filter.from_cursor("")
        };
        AttrValue::from(narrowed.written())
    };
    let alone = filter.kind.is_empty() && filter.priority.is_none() && filter.job.is_none();
    let counted = |status: TaskStatus| {
        let stats = stats.filter(|_| alone)?;
        Some(stats.tasks.get(status.name()).copied().unwrap_or(0))
    };
    let all = Chip {
        label: "All".into(),
        count: None,
        query: with(&[]),
        tone: None,
        chosen: filter.statuses.is_empty(),
    };
    let each = TaskStatus::ALL
        .into_iter()
        .filter(|status| *status != TaskStatus::Skipped)
        .map(|status| Chip {
            label: task_label(status).into(),
            count: counted(status),
            query: with(&[status]),
            tone: Some(task_tone(status)),
            chosen: filter.statuses.contains(&status),
        });
    std::iter::once(all).chain(each).collect()
}

fn priorities(filter: &TaskFilter, go: impl Fn(String) + 'static) -> Html {
    let base = filter.from_cursor("");
    let onchange = move |event: Event| {
        let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else {
            return;
        };
        let value = select.value();
        let priority = Priority::ALL
            .into_iter()
            .find(|priority| priority.name() == value);
        go(TaskFilter {
            priority,
            ..base.clone()
        }
        .written());
    };
    html! {
        <select class="select" name="priority" aria-label="Priority" {onchange}>
            <option value="" selected={filter.priority.is_none()}>{ "Any priority" }</option>
            for priority in Priority::ALL {
                <option
                    key={priority.name()}
                    value={priority.name()}
                    selected={filter.priority == Some(priority)}
                >
                    { priority.name() }
                </option>
            }
        </select>
    }
}

fn of_job(filter: &TaskFilter) -> Html {
    let Some(id) = filter.job else {
        return Html::default();
    };
    let without = TaskFilter {
        job: None,
        ..filter.from_cursor("")
    };
    html! {
        <p class="narrowed">
            { "Only tasks of " }
            <Anchor to={Route::Job { id }}>{ "this job" }</Anchor>
            { ". " }
            <Anchor to={Route::Tasks} query={without.written()}>{ "Show all" }</Anchor>
        </p>
    }
}
