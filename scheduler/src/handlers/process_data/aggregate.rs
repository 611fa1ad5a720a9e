//! What rows come to, group by group.
//!
//! Invariant: groups are told in the order of what they are grouped by, so the same rows in any
//! order give the same groups; sums of whole numbers are exact, or said not to fit.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::{
    condition::order,
    row::{Fields, Row, Wrong},
};
use crate::handlers::Outcome;

/// How many groups there may be.
const GROUPS_MAX: usize = 100_000;

/// What is asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Aggregate {
    /// The fields whose values make a group; one group of all rows if there are none.
    #[serde(default)]
    by: Vec<String>,
    measures: Vec<Measure>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measure {
    /// What it is called in what comes out; `sum_amount` for the sum of `amount` if absent.
    #[serde(default, rename = "as")]
    name: Option<String>,
    /// The field; of `count`, the one that must hold something, or any row if absent.
    #[serde(default)]
    field: Option<String>,
    op: Op,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Op {
    Avg,
    Count,
    Max,
    Min,
    Sum,
}

/// Groups that grow.
pub(super) struct Groups {
    asked: Aggregate,
    found: BTreeMap<String, (Vec<Value>, Vec<State>)>,
}

/// What a measure has come to.
#[derive(Clone, Debug)]
struct State {
    count: u64,
    extreme: Option<Number>,
    /// Whole numbers, exactly.
    whole: i128,
    /// The others; none if all were whole.
    rest: Option<f64>,
}

impl Aggregate {
    /// What the fields of a group are called.
    pub(super) fn columns(&self) -> Vec<String> {
        let measures = self.measures.iter().map(Measure::name);
        self.by.iter().cloned().chain(measures).collect()
    }
}

impl Measure {
    fn name(&self) -> String {
        let made = || match (&self.field, self.op.word()) {
            (Some(field), word) => format!("{word}_{field}"),
            (None, word) => word.to_owned(),
        };
        self.name.clone().unwrap_or_else(made)
    }
}

impl Op {
    const fn word(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Max => "max",
            Self::Min => "min",
            Self::Sum => "sum",
        }
    }
}

impl Groups {
    pub(super) fn try_new(asked: Aggregate) -> Result<Self, Outcome> {
        let invalid = |why: String| Outcome::fail("invalid_payload", why);
        for measure in &asked.measures {
            if measure.op != Op::Count && measure.field.is_none() {
                let word = measure.op.word();
                return Err(invalid(format!("the measure {word} wants a field")));
            }
        }
        let mut names = asked.columns();
        names.sort();
        if asked.measures.is_empty() {
            return Err(invalid(
                "an aggregate without measures says nothing".to_owned(),
            ));
        }
        match names.windows(2).find(|two| two[0] == two[1]) {
            Some(two) => Err(invalid(format!("two fields would be called {:?}", two[0]))),
            None => Ok(Self {
                asked,
                found: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn take(&mut self, row: &Row) -> Result<(), Wrong> {
        let by: Vec<_> = self.asked.by.iter().map(|field| row.value(field)).collect();
        let key = Value::from(by.clone()).to_string();
        if self.found.len() == GROUPS_MAX && !self.found.contains_key(&key) {
            return Err(row.wrong(format!("there are more than {GROUPS_MAX} groups")));
        }
        let measures = &self.asked.measures;
        let empty = || (by, vec![State::EMPTY; measures.len()]);
        let (_, states) = self.found.entry(key).or_insert_with(empty);
        for (measure, state) in measures.iter().zip(states) {
            state.take(measure, row)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> impl Iterator<Item = Row> {
        // All rows are a group also if there are none.
        if self.asked.by.is_empty() && self.found.is_empty() {
            let none = vec![State::EMPTY; self.asked.measures.len()];
            self.found.insert(String::new(), (Vec::new(), none));
        }
        let names = self.asked.columns();
        let ops: Vec<_> = self.asked.measures.iter().map(|it| it.op).collect();
        self.found.into_values().map(move |(by, states)| {
            let measured = ops.iter().zip(states).map(|(op, state)| state.finish(*op));
            let values = by.into_iter().chain(measured);
            let fields: Map<_, _> = names.iter().cloned().zip(values).collect();
            Row {
                fields: Fields::Object(fields),
                line: 0,
            }
        })
    }
}

impl State {
    const EMPTY: Self = Self {
        count: 0,
        extreme: None,
        whole: 0,
        rest: None,
    };

    fn take(&mut self, measure: &Measure, row: &Row) -> Result<(), Wrong> {
        let Some(field) = &measure.field else {
            self.count += 1;
            return Ok(());
        };
        if measure.op == Op::Count {
            self.count += u64::from(!row.value(field).is_null());
            return Ok(());
        }
        let Some(found) = row.number(field)? else {
            return Ok(());
        };
        self.count += 1;
        match measure.op {
            Op::Max | Op::Min => {
                let wins = |known: &Number| {
                    let order = order(&found, known);
                    if measure.op == Op::Max {
                        order.is_gt()
                    } else {
                        order.is_lt()
                    }
                };
                if self.extreme.as_ref().is_none_or(wins) {
                    self.extreme = Some(found);
                }
            }
            _ => match found.as_i64() {
                Some(whole) => self.whole += i128::from(whole),
                None => *self.rest.get_or_insert(0.0) += found.as_f64().unwrap_or_default(),
            },
        }
        Ok(())
    }

    fn finish(self, op: Op) -> Value {
        let sum = self.whole as f64 + self.rest.unwrap_or_default();
        match op {
            Op::Count => self.count.into(),
            Op::Max | Op::Min => self.extreme.map_or(Value::Null, Value::Number),
            Op::Avg if self.count == 0 => Value::Null,
            Op::Avg => (sum / self.count as f64).into(),
            Op::Sum => match i64::try_from(self.whole) {
                Ok(whole) if self.rest.is_none() => whole.into(),
                _ => sum.into(),
            },
        }
    }
}
