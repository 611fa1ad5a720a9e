//! Events in words: from `task.retry_scheduled.v1` to "Retry scheduled".
//!
//! Invariant: an event that this page has never heard of still gets a readable title.

use super::Tone;

/// What happened, without the kind of aggregate and the version.
pub fn event_title(name: &str) -> String {
    let words = action(name).replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

/// What it means to whoever looks.
pub fn event_tone(name: &str) -> Tone {
    match action(name) {
        "attempt_failed" | "died" | "failed" | "deleted" | "disabled" | "timed_out" => Tone::Bad,
        "cancel_requested" | "handed_back" | "paused" | "requeued" | "retry_scheduled" => {
            Tone::Wait
        }
        "created" | "defined" | "imported" | "registered" | "triggered" => Tone::Soon,
        "enabled" | "released" | "resumed" | "succeeded" => Tone::Good,
        "started" => Tone::Busy,
        _ => Tone::Calm,
    }
}

/// The part of `<kind>.<action>.v<n>` that says what happened.
fn action(name: &str) -> &str {
    let name = name.split_once('.').map_or(name, |(_, rest)| rest);
    match name.rsplit_once(".v") {
        Some((action, version)) if version.bytes().all(|digit| digit.is_ascii_digit()) => action,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_words() {
        assert_eq!(event_title("task.retry_scheduled.v1"), "Retry scheduled");
        assert_eq!(event_title("resource_type.defined.v12"), "Defined");
        assert_eq!(event_title("odd"), "Odd");
        assert_eq!(event_title(""), "");
    }

    #[test]
    fn every_event_in_the_catalogue_of_tasks_that_ends_badly_looks_bad() {
        for name in ["task.failed.v1", "task.died.v1", "task.attempt_failed.v2"] {
            assert_eq!(event_tone(name), Tone::Bad, "{name}");
        }
        assert_eq!(event_tone("task.succeeded.v1"), Tone::Good);
        assert_eq!(event_tone("unheard.of.v1"), Tone::Calm);
    }
}
