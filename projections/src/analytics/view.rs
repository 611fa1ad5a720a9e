//! A view and its columns, and the statements that make it.
//!
//! Invariant: a column is described in one place, from which come its expression, its type, its
//! comment and its line of the catalogue.

use std::fmt::Write as _;

/// A view.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What one row of it is.
    pub description: String,
    /// Its columns, in the order in which they are made.
    pub columns: Vec<Column>,
    /// What stands after `from`: tables without their schema.
    pub(super) from: String,
}

/// A column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as Postgres calls it.
    pub kind: &'static str,
    /// What it means, and its unit.
    pub description: String,
    /// Whether it tells of people.
    pub personal: Personal,
    pub(super) expression: String,
}

/// Whether a column tells of people. What is sealed is in no column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Personal {
    /// Text or data that somebody wrote, which may tell of anybody.
    FreeText,
    /// Nothing of people.
    None,
    /// The id of a person, which tells who it is to those only who can look it up.
    Pseudonym,
}

impl Personal {
    /// The name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FreeText => "free_text",
            Self::None => "none",
            Self::Pseudonym => "pseudonym",
        }
    }
}

/// A column that tells nothing of people: name, type, expression, meaning.
pub(super) fn column(
    name: &str,
    kind: &'static str,
    expression: &str,
    description: &str,
) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        description: description.to_owned(),
        personal: Personal::None,
        expression: expression.to_owned(),
    }
}

/// The milliseconds from one instant to another.
pub(super) fn elapsed_ms(from: &str, to: &str) -> String {
    format!("round(extract(epoch from ({to}) - ({from})) * 1000)")
}

impl Column {
    /// It may tell of anybody.
    pub(super) fn free_text(self) -> Self {
        Self {
            personal: Personal::FreeText,
            ..self
        }
    }

    /// It is the id of a person.
    pub(super) fn pseudonym(self) -> Self {
        Self {
            personal: Personal::Pseudonym,
            ..self
        }
    }
}

impl View {
    pub(super) fn new(name: &str, description: &str, from: &str, columns: Vec<Column>) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            columns,
            from: from.to_owned(),
        }
    }

    /// Adds the statements that make it, with the columns that are `there` already in their order:
    /// only so can a view be replaced that others stand upon.
    pub(super) fn write(&self, there: &[String], statements: &mut String) {
        let place = |column: &Column| {
            let found = there.iter().position(|name| *name == column.name);
            found.unwrap_or(there.len())
        };
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|column| place(column));
        let selected: Vec<_> = columns
            .iter()
            .map(|column| {
                let (expression, kind) = (&column.expression, column.kind);
                format!("({expression})::{kind} as {}", quoted(&column.name))
            })
            .collect();
        let name = format!("analytics.{}", quoted(&self.name));
        let selected = selected.join(",\n    ");
        let _ = write!(
            statements,
            "create or replace view {name} as select\n    {selected}\nfrom {};\n\
             comment on view {name} is {};\n",
            self.from,
            literal(&self.description),
        );
        for column in columns {
            let _ = writeln!(
                statements,
                "comment on column {name}.{} is {};",
                quoted(&column.name),
                literal(&column.description)
            );
        }
    }
}

/// `name` as an identifier, whatever it is.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a literal, whatever it is.
pub(super) fn literal(text: &str) -> String {
    format!("e'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
