//! `echo`: gives back what it is given.
//!
//! Invariant: output equals payload.

use async_trait::async_trait;
use domain::LogLevel;
use serde_json::Value;

use super::{AttemptContext, Handler, Outcome};

/// The handler; any payload will do.
pub struct Echo;

#[async_trait]
impl Handler for Echo {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let what = "gives back what it was given";
        context.report.log(LogLevel::Debug, what);
        Outcome::Done(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::attempt;

    #[tokio::test]
    async fn gives_back_what_it_is_given() {
        for payload in [Value::Null, serde_json::json!({"a": [1, "b"]})] {
            let outcome = Echo.run(payload.clone(), &attempt()).await;
            assert_eq!(outcome, Outcome::Done(payload));
        }
    }
}
