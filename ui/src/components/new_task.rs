//! The button that opens the dialog for a new task.
//!
//! Invariant: offered only to whoever may create one.

use yew::prelude::*;

use super::{Button, Glyph, Look, TaskForm};
use crate::hooks::use_session;

/// A button, and the dialog behind it.
#[component]
pub fn NewTask() -> Html {
    let open = use_state_eq(|| false);
    if !use_session().may_act() {
        return Html::default();
    }
    let (opened, closed) = (open.setter(), open.setter());
    html! {
        <>
            <Button
                label="New task"
                glyph={Glyph::Plus}
                look={Look::Primary}
                name="new-task"
                onclick={move |_| opened.set(true)}
            />
            if *open {
                <TaskForm onclose={move |()| closed.set(false)} />
            }
        </>
    }
}
