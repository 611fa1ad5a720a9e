//! Checks of fields that a type alone cannot express.
//!
//! Invariant: all faults of a body are found at once, so a client need not ask field by field.

use domain::{Labels, Name, Origin};
use schemas::api::FieldError;

use crate::problem::{Error, Result};

/// How many labels an object may have.
const LABELS_MAX: usize = 64;
/// The longest key of a label, in characters.
const LABEL_KEY_MAX: usize = 100;
/// The longest value of a label, in characters.
const LABEL_VALUE_MAX: usize = 1_000;

/// Collects what is wrong with a body.
#[derive(Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, if it is one.
    pub fn take<T>(
        &mut self,
        pointer: impl Into<String>,
        checked: Result<T, impl std::fmt::Display>,
    ) -> Option<T> {
        checked
            .map_err(|reason| self.wrong(pointer, reason.to_string()))
            .ok()
    }

    /// A name.
    pub fn name(&mut self, pointer: &str, text: &str) -> Option<Name> {
        self.take(pointer, Name::try_new(text))
    }

    /// A text of at most `max` characters.
    pub fn text(&mut self, pointer: &str, text: Option<&str>, max: usize) {
        if text.is_some_and(|text| text.chars().count() > max) {
            self.wrong(pointer, format!("has at most {max} characters"));
        }
    }

    /// Labels: few and short.
    pub fn labels(&mut self, labels: &Labels) {
        if labels.len() > LABELS_MAX {
            self.wrong("/labels", format!("has at most {LABELS_MAX} entries"));
        }
        for (key, value) in labels {
            let pointer = format!("/labels/{}", super::json::escaped(key));
            if key.is_empty() || key.chars().count() > LABEL_KEY_MAX {
                self.wrong(
                    &pointer,
                    format!("a key has 1 to {LABEL_KEY_MAX} characters"),
                );
            }
            self.text(&pointer, Some(value), LABEL_VALUE_MAX);
        }
    }

    /// Where something was imported from.
    pub fn origin(&mut self, origin: Option<&Origin>) {
        let source = origin.map(|origin| origin.source.as_str());
        self.text("/origin/source", source, 100);
        let reference = origin.map(|origin| origin.reference.as_str());
        self.text("/origin/reference", reference, 1_000);
    }

    /// `value`, if nothing was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T> {
        match value.filter(|_| self.0.is_empty()) {
            Some(value) => Ok(value),
            None => Err(Error::invalid_body(self.0)),
        }
    }

    fn wrong(&mut self, pointer: impl Into<String>, detail: String) {
        self.0.push(FieldError {
            pointer: pointer.into(),
            detail,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_found_at_once() {
        let mut fields = Fields::default();
        let name = fields.name("/name", "  ");
        fields.labels(&Labels::from([
            (String::new(), "x".to_owned()),
            ("long".to_owned(), "x".repeat(2_000)),
        ]));
        let error = fields.finish(name).expect_err("refused");
        let pointers: Vec<_> = error.refusal().errors.iter().map(|e| &e.pointer).collect();
        assert_eq!(pointers, ["/name", "/labels/", "/labels/long"]);
    }

    #[test]
    fn without_faults_the_value_comes_out() {
        let mut fields = Fields::default();
        fields.text("/note", Some("short"), 10);
        assert_eq!(fields.finish(Some(1)).ok(), Some(1));
    }
}
