//! When to ask again.
//!
//! Invariant: an answer is asked for again only if the gateway said that it did nothing, or nothing
//! was heard at all; and never without end.

use std::time::Duration;

use reqwest::{Response, StatusCode, header};

/// How long to go on while the gateway asks to wait.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long to go on while nothing answers.
const SILENCE: Duration = Duration::from_secs(3);
/// The pause where the other side names none.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, whatever the other side names.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What to do with an answer.
#[derive(Debug, Eq, PartialEq)]
pub enum Next {
    /// It is the answer.
    Take,
    /// Ask again after this pause.
    Wait(Duration),
}

/// What to do with `answer`, `after` the first try.
pub fn next(answer: &reqwest::Result<Response>, after: Duration) -> Next {
    match answer {
        Ok(response) => {
            let named = response.headers().get(header::RETRY_AFTER);
            by_status(
                response.status(),
                named.and_then(|value| value.to_str().ok()),
                after,
            )
        }
        Err(error) if error.is_connect() && after < SILENCE => Next::Wait(PAUSE),
        Err(_) => Next::Take,
    }
}

fn by_status(status: StatusCode, retry_after: Option<&str>, after: Duration) -> Next {
    let passing = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !passing.contains(&status) || after >= PATIENCE {
        return Next::Take;
    }
    let seconds = retry_after.and_then(|text| text.trim().parse().ok());
    Next::Wait(
        seconds
            .map_or(PAUSE, Duration::from_secs)
            .clamp(PAUSE, PAUSE_MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let soon = Duration::ZERO;
        let status = |code| StatusCode::from_u16(code).expect("a status");
        for code in [200, 201, 204, 400, 401, 404, 409, 412, 422, 500] {
            assert_eq!(by_status(status(code), Some("1"), soon), Next::Take);
        }
        let second = Next::Wait(Duration::from_secs(1));
        assert_eq!(by_status(status(429), Some("1"), soon), second);
        assert_eq!(by_status(status(503), Some("1"), soon), second);
        assert_eq!(by_status(status(503), None, soon), Next::Wait(PAUSE));
        assert_eq!(
            by_status(status(503), Some("9999"), soon),
            Next::Wait(PAUSE_MAX)
        );
        assert_eq!(by_status(status(503), Some("1"), PATIENCE), Next::Take);
    }
}
