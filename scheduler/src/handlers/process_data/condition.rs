//! Which rows are wanted.
//!
//! Invariant: an order is asked of numbers with numbers and of texts with texts; anything else is
//! an error with its line, never a row that silently is not there. What holds nothing fulfils
//! nothing but `ne` and `absent`.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Number, Value};

use super::row::{Row, Wrong};

/// What must hold of a field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    field: String,
    op: Op,
    #[serde(default)]
    value: Value,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Op {
    /// There is nothing.
    Absent,
    /// It has this text in it.
    Contains,
    Eq,
    Ge,
    Gt,
    /// It is one of these.
    In,
    Le,
    Lt,
    Ne,
    /// There is something.
    Present,
}

impl Condition {
    pub(super) fn holds(&self, row: &Row) -> Result<bool, Wrong> {
        let found = row.value(&self.field);
        Ok(match self.op {
            Op::Absent => found.is_null(),
            Op::Present => !found.is_null(),
            Op::Eq => is(&found, &self.value),
            Op::Ne => !is(&found, &self.value),
            Op::In => match &self.value {
                Value::Array(values) => values.iter().any(|value| is(&found, value)),
                _ => return Err(row.wrong("the filter \"in\" wants a list as its value")),
            },
            Op::Contains => match (&found, &self.value) {
                (Value::Null, _) => false,
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (Value::Array(values), part) => values.iter().any(|value| is(value, part)),
                _ => return Err(row.wrong(format!("{:?} holds no text", self.field))),
            },
            Op::Ge => self.ordered(row, &found, Ordering::is_ge)?,
            Op::Gt => self.ordered(row, &found, Ordering::is_gt)?,
            Op::Le => self.ordered(row, &found, Ordering::is_le)?,
            Op::Lt => self.ordered(row, &found, Ordering::is_lt)?,
        })
    }

    fn ordered(
        &self,
        row: &Row,
        found: &Value,
        wanted: fn(Ordering) -> bool,
    ) -> Result<bool, Wrong> {
        if let Value::Number(limit) = &self.value {
            let found = row.number(&self.field)?;
            return Ok(found.is_some_and(|found| wanted(order(&found, limit))));
        }
        match (found, &self.value) {
            (Value::Null, _) => Ok(false),
            (Value::String(text), Value::String(limit)) => Ok(wanted(text.cmp(limit))),
            (found, limit) => {
                let field = &self.field;
                Err(row.wrong(format!(
                    "{field:?} is {found}, which has no order with {limit}"
                )))
            }
        }
    }
}

/// Whether they are the same; a text that is written as a number is that number.
fn is(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(one), Value::Number(other)) => order(one, other).is_eq(),
        (Value::String(text), Value::Number(other)) => {
            super::row::number(text).is_some_and(|one| order(&one, other).is_eq())
        }
        (Value::String(text), Value::Bool(wanted)) => *text == wanted.to_string(),
        (found, wanted) => found == wanted,
    }
}

/// The order of numbers: whole ones exactly, others as the floating-point numbers that they are.
pub(super) fn order(one: &Number, other: &Number) -> Ordering {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return one.cmp(&other);
    }
    let of = |number: &Number| number.as_f64().unwrap_or_default();
    of(one).total_cmp(&of(other))
}
