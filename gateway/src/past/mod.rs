//! What made an object what it is: the comparison of two moments, and what set each field.
//!
//! Invariant: both come of folding the object's own events by the domain's own `evolve` and of
//! comparing what the API shows before and after each, so they cannot disagree with what is shown.

mod leaves;
mod shown;
mod steps;

use std::collections::BTreeMap;

use axum::response::Response;
use projections::At;
use schemas::{
    Position,
    api::{Cause, Diff, DiffEnd, ExplainedField, Explanation, FieldChange},
};

use crate::{
    answer,
    app::App,
    extract::{Reading, Told},
    problem::{Error, Result},
};
use leaves::{Leaves, changed, is_filled};
use steps::{Steps, fold};

pub(crate) use shown::{Shown, Whose};

/// The answer to a read of `whose` that asks how it came to be. `reading` is as of the moment up to
/// which that is told.
pub(crate) async fn tell<A: Shown>(
    app: &App,
    reading: &Reading,
    told: &Told,
    whose: Whose,
) -> Result<Response> {
    match told {
        Told::Diff => diff::<A>(app, reading, whose).await,
        Told::Explanation => explanation::<A>(app, reading, whose).await,
    }
}

/// The first version of `whose` that is compared, the last, and what differs.
async fn diff<A: Shown>(app: &App, reading: &Reading, whose: Whose) -> Result<Response> {
    let mut by = BTreeMap::new();
    let told = fold::<A>(app, reading, whose, "diff", reading.since, &mut by).await?;
    reading.holds(&told.at(()), told.was_there)?;
    if !told.was_there {
        return Err(Error::not_found(A::WHAT));
    }
    let Steps {
        first, last, to, ..
    } = &told;
    let pointers = changed(&first.leaves, &last.leaves)
        .into_iter()
        .filter(|at| {
            !is_filled(at, &first.leaves, &last.leaves)
                && !is_filled(at, &last.leaves, &first.leaves)
        });
    let changes = pointers.map(|pointer| {
        let by: Option<Cause> = by.remove(&pointer);
        Ok(FieldChange {
            before: first.leaves.get(&pointer).cloned(),
            after: last.leaves.get(&pointer).cloned(),
            by: by.ok_or_else(|| Error::internal(format!("no event changed {pointer}")))?,
            pointer,
        })
    });
    let end = |position: Position, version: Option<u64>| DiffEnd {
        position: position.0,
        version,
    };
    let diff = Diff {
        from: end(reading.since, first.version),
        to: end(*to, last.version),
        changes: changes.collect::<Result<_>>()?,
    };
    Ok(answer::shown(app, &told.at(diff)))
}

/// Every field of `whose`, and the event that last set it.
async fn explanation<A: Shown>(app: &App, reading: &Reading, whose: Whose) -> Result<Response> {
    let mut by = BTreeMap::new();
    let told = fold::<A>(app, reading, whose, "explain", Position(0), &mut by).await?;
    reading.holds(&told.at(()), told.last.version.is_some())?;
    let version = told.last.version;
    let version = version.ok_or_else(|| Error::not_found(A::WHAT))?;
    let field = |(pointer, value): (&String, &serde_json::Value)| ExplainedField {
        by: by.get(pointer).cloned(),
        pointer: pointer.clone(),
        value: value.clone(),
    };
    let explanation = Explanation {
        position: told.to.0,
        version,
        fields: told.last.leaves.iter().map(field).collect(),
    };
    Ok(answer::shown(app, &told.at(explanation)))
}

impl Steps {
    /// `value` with what is known of the events that it was made of.
    fn at<T>(&self, value: T) -> At<T> {
        At {
            position: self.to,
            stale_since: self.stale_since,
            value,
        }
    }
}

/// What is shown of an object at some moment: nothing if it is not there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sight {
    leaves: Leaves,
    version: Option<u64>,
}
