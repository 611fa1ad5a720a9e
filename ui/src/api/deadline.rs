//! How long a request may take.
//!
//! Invariant: a request ends with its deadline: it is aborted when that passes, and when nobody
//! waits for the answer any more.

use std::{cell::Cell, rc::Rc};

use gloo_timers::callback::Timeout;
use web_sys::{AbortController, AbortSignal};

use super::ApiError;

/// Longer than the server ever takes; whoever waits longer waits for nothing.
const LIMIT_MS: u32 = 20_000;

/// Aborts its request when the time is over, and when dropped.
pub(super) struct Deadline {
    abort: AbortController,
    passed: Rc<Cell<bool>>,
    _timer: Timeout,
}

impl Deadline {
    /// From now on.
    pub(super) fn start() -> Result<Self, ApiError> {
        let abort = AbortController::new()
            .map_err(|_| ApiError::Unreadable("the browser cannot end a request".to_owned()))?;
        let passed = Rc::new(Cell::new(false));
        let timer = {
            let (abort, passed) = (abort.clone(), passed.clone());
            Timeout::new(LIMIT_MS, move || {
                passed.set(true);
                abort.abort();
            })
        };
        Ok(Self {
            abort,
            passed,
            _timer: timer,
        })
    }

    /// What the request listens to.
    pub(super) fn signal(&self) -> AbortSignal {
        self.abort.signal()
    }

    /// Why the request broke.
    pub(super) fn failure(&self) -> ApiError {
        if self.passed.get() {
            ApiError::Slow
        } else {
            ApiError::Offline
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
