//! A dialog that creates a task.
//!
//! Invariant: what is not valid is not sent; what was typed is there again when the dialog is,
//! until it became a task.

use schemas::{
    api::{CreateTask, TaskView},
    domain::task::Priority,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use super::{
    Button, Dialog, Field, Look, Refusal,
    draft::{Draft, FIELDS},
};
use crate::{
    api::ApiError,
    hooks::{use_action, use_address, use_session, use_toasts},
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
    let user = use_session().user().map(|user| user.id);
    let begun = use_memo((), |()| Draft::kept(user));
    let problem = use_state_eq(|| None::<(&'static str, String)>);
    let create = use_action(
        |client, task: CreateTask| async move { client.create_task(&task).await },
        move |task: TaskView| {
            Draft::forget();
            toasts.done("Task created");
            address.go(Route::Task { id: task.id }, "");
        },
    );
    let oninput = move |event: InputEvent| {
        if let Some(form) = form_of(&event) {
            Draft::typed(&form).keep(user);
        }
    };
    let onsubmit = {
        let (problem, run) = (problem.clone(), create.run.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let Some(form) = event.target_dyn_into::<HtmlFormElement>() else {
                return;
            };
            match Draft::typed(&form).parse() {
                Err(error) => problem.set(Some(error)),
                Ok(task) => {
                    problem.set(None);
                    run.emit(task);
                }
            }
        }
    };
    let at = |name: &str| wrong((*problem).as_ref(), create.error.as_ref(), name);
    let untaken = create
        .error
        .clone()
        .filter(|_| FIELDS.iter().all(|name| at(name).is_none()));
    let onclose = props.onclose.clone();
    html! {
        <Dialog title="New task" onclose={props.onclose.clone()}>
            <form class="form" {oninput} {onsubmit}>
                { kind_field(&begun, at("kind")) }
                { payload_field(&begun, at("payload")) }
                <div class="form-row">
                    { priority_field(&begun, at("priority")) }
                    { attempts_field(&begun, at("max_attempts")) }
                </div>
                if let Some(error) = untaken {
                    <Refusal {error} />
                }
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

/// The form that somebody types into.
fn form_of(event: &InputEvent) -> Option<HtmlFormElement> {
    let field = event.target_dyn_into::<Element>()?;
    field.closest("form").ok()??.dyn_into().ok()
}

/// What is wrong with the field `name`, by the form or by the server.
fn wrong(
    problem: Option<&(&'static str, String)>,
    error: Option<&ApiError>,
    name: &str,
) -> Option<String> {
    let here = problem.filter(|(field, _)| *field == name);
    here.map(|(_, problem)| problem.clone())
        .or_else(|| error?.field(&format!("/{name}")))
}

/// An input that begins with a text.
#[derive(PartialEq, Properties)]
struct PresetProps {
    id: AttrValue,
    described_by: Option<AttrValue>,
    invalid: Option<&'static str>,
    #[prop_or_default]
    list: Option<&'static str>,
    name: &'static str,
    #[prop_or_default]
    number: bool,
    text: AttrValue,
}

/// Sets its text once; after that it belongs to whoever types, whatever is rendered anew.
#[component]
fn Preset(props: &PresetProps) -> Html {
    let node = use_node_ref();
    use_effect_with((node.clone(), props.text.clone()), |(node, text)| {
        if let Some(input) = node.cast::<HtmlInputElement>() {
            input.set_value(text);
        }
    });
    html! {
        <input
            ref={node}
            id={&props.id}
            name={props.name}
            list={props.list}
            type={if props.number { "number" } else { "text" }}
            min={props.number.then_some("1")}
            max={props.number.then_some("100")}
            maxlength={(!props.number).then_some("100")}
            required=true
            autofocus={!props.number}
            autocomplete="off"
            aria-describedby={props.described_by.clone()}
            aria-invalid={props.invalid}
        />
    }
}

fn kind_field(begun: &Draft, problem: Option<String>) -> Html {
    let field = Field {
        name: "kind",
        label: "Kind",
        hint: "The handler that does it.",
        problem,
    };
    field.around(|ties| {
        html! {
            <>
                <Preset
                    id={ties.id}
                    described_by={ties.described_by.map(AttrValue::from)}
                    invalid={ties.invalid}
                    name="kind"
                    text={begun.kind.clone()}
                    list="kinds"
                />
                <datalist id="kinds">
                    for kind in KINDS {
                        <option key={kind} value={kind} />
                    }
                </datalist>
            </>
        }
    })
}

fn payload_field(begun: &Draft, problem: Option<String>) -> Html {
    let field = Field {
        name: "payload",
        label: "Payload",
        hint: "JSON that the handler is given.",
        problem,
    };
    field.around(|ties| {
        html! {
            <textarea
                id={ties.id}
                name="payload"
                rows="7"
                spellcheck="false"
                class="mono"
                defaultvalue={begun.payload.clone()}
                aria-describedby={ties.described_by}
                aria-invalid={ties.invalid}
            />
        }
    })
}

fn priority_field(begun: &Draft, problem: Option<String>) -> Html {
    let field = Field {
        name: "priority",
        label: "Priority",
        hint: "Which tasks go first.",
        problem,
    };
    field.around(|ties| {
        html! {
            <select
                id={ties.id}
                name="priority"
                aria-describedby={ties.described_by}
                aria-invalid={ties.invalid}
            >
                for priority in Priority::ALL {
                    <option
                        key={priority.name()}
                        value={priority.name()}
                        selected={priority.name() == begun.priority}
                    >
                        { priority.name() }
                    </option>
                }
            </select>
        }
    })
}

fn attempts_field(begun: &Draft, problem: Option<String>) -> Html {
    let field = Field {
        name: "max_attempts",
        label: "Attempts",
        hint: "How often to try, 1 to 100.",
        problem,
    };
    field.around(|ties| {
        html! {
            <Preset
                id={ties.id}
                described_by={ties.described_by.map(AttrValue::from)}
                invalid={ties.invalid}
                name="max_attempts"
                text={begun.max_attempts.clone()}
                number=true
            />
        }
    })
}
