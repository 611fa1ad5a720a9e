//! A field of a form: its name, what it is for, and what is wrong with it.
//!
//! Invariant: the label alone is the field's name; the hint, or the problem in its place, describes
//! it.

use yew::prelude::*;

/// What stands around a control.
pub struct Field {
    /// The control's name in its form; no two fields in sight share one.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it is for; may be empty.
    pub hint: &'static str,
    /// What is wrong with what it holds.
    pub problem: Option<String>,
}

/// What ties a control to what stands around it.
pub struct Ties {
    /// The control's `id`.
    pub id: String,
    /// Its `aria-describedby`.
    pub described_by: Option<String>,
    /// Its `aria-invalid`.
    pub invalid: Option<&'static str>,
}

impl Field {
    /// The field, with the control that `control` makes of its ties.
    pub fn around(self, control: impl FnOnce(Ties) -> Html) -> Html {
        let id = format!("field-{}", self.name);
        let words = format!("{id}-note");
        let noted = self.problem.is_some() || !self.hint.is_empty();
        let ties = Ties {
            id: id.clone(),
            described_by: noted.then(|| words.clone()),
            invalid: self.problem.is_some().then_some("true"),
        };
        html! {
            <div class="field" key={self.name}>
                <label for={id}>{ self.label }</label>
                { control(ties) }
                if let Some(problem) = self.problem {
                    <small id={words} class="field-problem" role="alert">{ problem }</small>
                } else if noted {
                    <small id={words} class="field-hint">{ self.hint }</small>
                }
            </div>
        }
    }
}
