//! What is refused, and how.
//!
//! Invariant: every case differs from an accepted request in one thing.

mod bodies;
mod callers;
mod paths;
mod terms;

use super::Ground;

const BODY: &str = "INVALID_BODY";
const PARAMETER: &str = "INVALID_PARAMETER";

/// A request, and the refusal it must meet.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub name: &'static str,
    pub method: &'static str,
    pub path: String,
    /// Who asks, if not the administrator.
    pub bearer: Option<String>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
    pub status: u16,
    pub code: &'static str,
    /// A field that must be named.
    pub pointer: Option<&'static str>,
    /// A word that must be in the detail.
    pub says: Option<&'static str>,
    /// A header that must be there.
    pub answers: Option<&'static str>,
}

/// All of them.
pub fn cases(ground: &Ground) -> Vec<Case> {
    let mut cases = bodies::cases();
    cases.extend(callers::tokens(ground));
    cases.extend(callers::accounts(ground));
    cases.extend(paths::nowhere(ground));
    cases.extend(paths::parameters(ground));
    cases.extend(terms::media());
    cases.extend(terms::terms(ground));
    cases
}

impl Case {
    fn new(name: &'static str, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            name,
            method,
            path: path.into(),
            ..Self::default()
        }
    }

    /// A JSON body that is refused as one.
    fn post(name: &'static str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut case = Self::new(name, "POST", path).header("content-type", "application/json");
        case.body = Some(body.into());
        case.refused(400, BODY)
    }

    fn refused(mut self, status: u16, code: &'static str) -> Self {
        (self.status, self.code) = (status, code);
        self
    }

    fn by(mut self, bearer: impl Into<String>) -> Self {
        self.bearer = Some(bearer.into());
        self
    }

    fn field(mut self, pointer: &'static str) -> Self {
        self.pointer = Some(pointer);
        self
    }

    fn says(mut self, word: &'static str) -> Self {
        self.says = Some(word);
        self
    }

    fn answers(mut self, header: &'static str) -> Self {
        self.answers = Some(header);
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}
