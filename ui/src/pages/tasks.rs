//! The list of tasks.
//!
//! Invariant: what was skipped is listed only for whoever asks for it.

use schemas::{
    api::{Page, Stats, TaskView},
    domain::task::{Priority, TaskStatus},
};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::list::{ListPage, Listed};
use crate::{
    api::{ApiError, Client},
    components::{Anchor, Chip, Glyph, NewTask, TaskTable},
    filter::{TaskFilter, TasksBy},
    hooks::use_address,
    route::{Route, Section},
    text::{task_label, task_tone},
};

/// The list of tasks.
pub type Tasks = ListPage<TasksBy>;

impl Listed for TasksBy {
    type Item = TaskView;
    const SECTION: Section = Section::Tasks;
    const NOUNS: (&'static str, &'static str) = ("task", "tasks");
    const CHOICES: &'static str = "Status";
    const SEARCH: (&'static str, &'static str) = ("Search by kind", "Kind, such as http");
    const NOTHING_YET: (Glyph, &'static str) = (
        Glyph::Todo,
        "Create one with “New task”, or let a job create them by its schedule.",
    );
    const NOTHING_FITS: &'static str =
        "Kinds are matched whole. Choose another status, or drop the filter.";

    async fn load(client: &Client, filter: &TaskFilter) -> Result<Page<TaskView>, ApiError> {
        client.tasks(filter).await
    }

    fn chips(filter: &TaskFilter, stats: Option<&Stats>) -> Vec<Chip> {
        chips(filter, stats)
    }

    fn table(items: &[TaskView]) -> Html {
        html! { <TaskTable tasks={items.to_vec()} /> }
    }

    fn actions() -> Html {
        html! { <NewTask /> }
    }

    fn fields(filter: &TaskFilter) -> Html {
        html! { <Priorities filter={filter.clone()} /> }
    }

    fn above(filter: &TaskFilter) -> Html {
        of_job(filter)
    }
}

/// Counts stand where no other filter applies.
fn chips(filter: &TaskFilter, stats: Option<&Stats>) -> Vec<Chip> {
    let by = &filter.by;
    let with = |statuses: &[TaskStatus]| {
        let narrowed = filter.with(|by| by.statuses = statuses.to_vec());
        AttrValue::from(narrowed.written())
    };
    let alone = by.kind.is_empty() && by.priority.is_none() && by.job.is_none();
    let counted = |status: TaskStatus| {
        let stats = stats.filter(|_| alone)?;
        Some(stats.tasks.get(status.name()).copied().unwrap_or(0))
    };
    let all = Chip {
        label: "All".into(),
        count: None,
        query: with(&[]),
        tone: None,
        chosen: by.statuses.is_empty(),
    };
    let each = TaskStatus::ALL
        .into_iter()
        .filter(|status| *status != TaskStatus::Skipped)
        .map(|status| Chip {
            label: task_label(status).into(),
            count: counted(status),
            query: with(&[status]),
            tone: Some(task_tone(status)),
            chosen: by.statuses.contains(&status),
        });
    std::iter::once(all).chain(each).collect()
}

#[derive(PartialEq, Properties)]
struct PrioritiesProps {
    filter: TaskFilter,
}

/// The choice of a priority. Once a person chose, a browser listens to the control's value only,
/// not to what its options are marked with.
#[component]
fn Priorities(props: &PrioritiesProps) -> Html {
    let address = use_address();
    let node = use_node_ref();
    let chosen = props.filter.by.priority.map_or("", Priority::name);
    use_effect_with((node.clone(), chosen), |(node, chosen)| {
        if let Some(select) = node.cast::<HtmlSelectElement>() {
            select.set_value(chosen);
        }
    });
    let onchange = {
        let (node, filter) = (node.clone(), props.filter.clone());
        move |_: Event| {
            let value = node
                .cast::<HtmlSelectElement>()
                .map(|select| select.value());
            let priority = Priority::ALL
                .into_iter()
                .find(|priority| Some(priority.name()) == value.as_deref());
            let wanted = filter.with(|by| by.priority = priority);
            address.go(Route::Tasks, &wanted.written());
        }
    };
    html! {
        <select ref={node} class="select" name="priority" aria-label="Priority" {onchange}>
            <option value="">{ "Any priority" }</option>
            for priority in Priority::ALL {
                <option key={priority.name()} value={priority.name()}>{ priority.name() }</option>
            }
        </select>
    }
}

fn of_job(filter: &TaskFilter) -> Html {
    let Some(id) = filter.by.job else {
        return Html::default();
    };
    let without = filter.with(|by| by.job = None);
    html! {
        <p class="narrowed">
            { "Only tasks of " }
            <Anchor to={Route::Job { id }}>{ "this job" }</Anchor>
            { ". " }
            <Anchor to={Route::Tasks} query={without.written()}>{ "Show all" }</Anchor>
        </p>
    }
}
