//! A dialog that creates a task.
//!
//! Invariant: what is not JSON is not sent.

use schemas::{
    api::{CreateTask, TaskView},
    domain::task::Priority,
};
use serde_json::Value;
use web_sys::{FormData, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use super::{Button, Dialog, Look};
use crate::{
    hooks::{use_action, use_address, use_toasts},
    route::Route,
};

/// Handlers that every worker has; others can be typed.
const KINDS: [&str; 4] = ["command", "echo", "http", "sleep"];

/// The dialog.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Somebody wants it closed.
    pub onclose: Callback<()>,
}

/// A dialog that creates a task and goes there.
#[component]
pub fn TaskForm(props: &Props) -> Html {
    let address = use_address();
    let toasts = use_toasts();
    let problem = use_state_eq(|| None::<String>);
    let create = use_action(
        |client, task: CreateTask| async move { client.create_task(&task).await },
        move |task: TaskView| {
            toasts.done("Task created");
            address.go(Route::Task { id: task.id }, "");
        },
    );
    let onsubmit = {
        let (problem, run) = (problem.clone(), create.run.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target_dyn_into::<HtmlFormElement>();
            match form.ok_or_else(String::new).and_then(|form| read(&form)) {
                Err(error) => problem.set(Some(error)),
                Ok(task) => {
                    problem.set(None);
                    run.emit(task);
                }
            }
        }
    };
    let at = |pointer: &str| create.error.as_ref().and_then(|error| error.field(pointer));
    let payload_problem = (*problem).clone().or_else(|| at("/payload"));
    let onclose = props.onclose.clone();
    html! {
        <Dialog title="New task" onclose={props.onclose.clone()}>
            <form class="form" {onsubmit}>
                { kind_field(at("/kind")) }
                { payload_field(payload_problem) }
                <div class="form-row">
                    { priority_field() }
                    { attempts_field(at("/max_attempts")) }
                </div>
                <footer class="form-foot">
                    <Button label="Cancel" onclick={move |_| onclose.emit(())} />
                    <Button
                        label="Create task"
                        look={Look::Primary}
                        submit=true
                        busy={create.busy}
                    />
                </footer>
            </form>
        </Dialog>
    }
}

/// An input that begins with a text.
#[derive(PartialEq, Properties)]
struct PresetProps {
    invalid: bool,
    #[prop_or_default]
    list: Option<&'static str>,
    name: &'static str,
    #[prop_or_default]
    number: bool,
    text: &'static str,
}

/// Sets its text once; after that it belongs to whoever types, whatever is rendered anew.
#[component]
fn Preset(props: &PresetProps) -> Html {
    let node = use_node_ref();
    use_effect_with((node.clone(), props.text), |(node, text)| {
        if let Some(input) = node.cast::<HtmlInputElement>() {
            input.set_value(text);
        }
    });
    html! {
        <input
            ref={node}
            name={props.name}
            list={props.list}
            type={if props.number { "number" } else { "text" }}
            min={props.number.then_some("1")}
            max={props.number.then_some("100")}
            maxlength={(!props.number).then_some("100")}
            required=true
            autofocus={!props.number}
            autocomplete="off"
            aria-invalid={props.invalid.then_some("true")}
        />
    }
}

fn kind_field(problem: Option<String>) -> Html {
    html! {
        <label class="field">
            <span>{ "Kind" }</span>
            <Preset name="kind" text="echo" list="kinds" invalid={problem.is_some()} />
            <datalist id="kinds">
                for kind in KINDS {
                    <option key={kind} value={kind} />
                }
            </datalist>
            { hint(problem, "The handler that does it.") }
        </label>
    }
}

fn payload_field(problem: Option<String>) -> Html {
    html! {
        <label class="field">
            <span>{ "Payload" }</span>
            <textarea
                name="payload"
                rows="7"
                spellcheck="false"
                class="mono"
                defaultvalue="{}"
                aria-invalid={problem.is_some().then_some("true")}
            />
            { hint(problem, "JSON that the handler is given.") }
        </label>
    }
}

fn priority_field() -> Html {
    html! {
        <label class="field">
            <span>{ "Priority" }</span>
            <select name="priority">
                for priority in Priority::ALL {
                    <option
                        key={priority.name()}
                        value={priority.name()}
                        selected={priority == Priority::default()}
                    >
                        { priority.name() }
                    </option>
                }
            </select>
            { hint(None, "Which tasks go first.") }
        </label>
    }
}

fn attempts_field(problem: Option<String>) -> Html {
    html! {
        <label class="field">
            <span>{ "Attempts" }</span>
            <Preset name="max_attempts" text="3" number=true invalid={problem.is_some()} />
            { hint(problem, "How often to try, 1 to 100.") }
        </label>
    }
}

fn hint(problem: Option<String>, hint: &'static str) -> Html {
    match problem {
        Some(problem) => html! { <small class="field-problem" role="alert">{ problem }</small> },
        None => html! { <small class="field-hint">{ hint }</small> },
    }
}

fn read(form: &HtmlFormElement) -> Result<CreateTask, String> {
    let data = FormData::new_with_form(form).map_err(|_| String::new())?;
    let text = |name: &str| {
        data.get(name)
            .as_string()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let payload = match text("payload").as_str() {
        "" => Value::Object(serde_json::Map::new()),
        json => serde_json::from_str(json).map_err(|error| format!("Not JSON: {error}"))?,
    };
    let priority = text("priority");
    Ok(CreateTask {
        kind: text("kind"),
        payload,
        priority: Priority::ALL
            .into_iter()
            .find(|known| known.name() == priority)
            .unwrap_or_default(),
        max_attempts: text("max_attempts").parse().ok(),
        timeout_ms: None,
        not_before: None,
    })
}
