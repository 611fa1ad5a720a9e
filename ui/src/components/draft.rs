//! A task that is being thought of: what its form holds, as it was typed.
//!
//! Invariant: kept in memory only, and given back only to whoever typed it.

use std::cell::RefCell;

use schemas::{
    api::CreateTask,
    domain::{UserId, task::Priority},
};
use serde_json::Value;
use web_sys::{FormData, HtmlFormElement};

/// The fields of the form, as form and API both name them.
pub const FIELDS: [&str; 4] = ["kind", "payload", "priority", "max_attempts"];

thread_local! {
    static KEPT: RefCell<Option<(Option<UserId>, Draft)>> = const { RefCell::new(None) };
}

/// What the form holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The handler.
    pub kind: String,
    /// JSON, or what is to become JSON.
    pub payload: String,
    /// The name of a priority.
    pub priority: String,
    /// A number, or what is to become one.
    pub max_attempts: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            kind: "echo".to_owned(),
            payload: "{}".to_owned(),
            priority: Priority::default().name().to_owned(),
            max_attempts: "3".to_owned(),
        }
    }
}

impl Draft {
    /// What `user` typed last, or a form that nobody typed into.
    pub fn kept(user: Option<UserId>) -> Self {
        KEPT.with_borrow(|kept| match kept {
            Some((of, draft)) if *of == user => draft.clone(),
            _ => Self::default(),
        })
    }

    /// Keeps what `user` typed.
    pub fn keep(self, user: Option<UserId>) {
        KEPT.set(Some((user, self)));
    }

    /// Forgets what was kept.
    pub fn forget() {
        KEPT.set(None);
    }

    /// What `form` holds.
    pub fn typed(form: &HtmlFormElement) -> Self {
        let data = FormData::new_with_form(form).ok();
        let [kind, payload, priority, max_attempts] = FIELDS.map(|name| {
            let data = data.as_ref().and_then(|data| data.get(name).as_string());
            data.unwrap_or_default()
        });
        Self {
            kind,
            payload,
            priority,
            max_attempts,
        }
    }

    /// The task it describes; else the field that does not, and why.
    pub fn parse(&self) -> Result<CreateTask, (&'static str, String)> {
        let payload = match self.payload.trim() {
            "" => Value::Object(serde_json::Map::new()),
            json => serde_json::from_str(json)
                .map_err(|error| ("payload", format!("Not JSON: {error}")))?,
        };
        let max_attempts = self.max_attempts.trim().parse().map_err(|_| {
            let problem = "Write a whole number from 1 to 100.";
            ("max_attempts", problem.to_owned())
        })?;
        Ok(CreateTask {
            kind: self.kind.trim().to_owned(),
            payload,
            priority: Priority::ALL
                .into_iter()
                .find(|known| known.name() == self.priority)
                .unwrap_or_default(),
            max_attempts: Some(max_attempts),
            ..CreateTask::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_or_no_number_is_said_at_its_field() {
        let wrong = |change: fn(&mut Draft)| {
            let mut draft = Draft::default();
            change(&mut draft);
            draft.parse().expect_err("a field is wrong").0
        };
        assert_eq!(wrong(|draft| draft.payload = "{ not".to_owned()), "payload");
        // Browsers take it for a number.
        assert_eq!(
            wrong(|draft| draft.max_attempts = "1e1".to_owned()),
            "max_attempts"
        );
        let task = Draft::default()
            .parse()
            .expect("the form as it begins is valid");
        assert_eq!((task.kind.as_str(), task.max_attempts), ("echo", Some(3)));
    }

    #[test]
    fn a_draft_is_given_back_to_whoever_typed_it() {
        let me = "0199a7c2-0000-7000-8000-00000000beef".parse().ok();
        let draft = Draft {
            payload: "[1, 2".to_owned(),
            ..Draft::default()
        };
        draft.clone().keep(me);
        assert_eq!(Draft::kept(me), draft);
        assert_eq!(Draft::kept(None), Draft::default());
        Draft::forget();
        assert_eq!(Draft::kept(me), Draft::default());
    }
}
