//! Figures beside their limits, for people and for programs.
//!
//! Invariant: a row compares like with like: a rate with a rate, or a latency with a latency.

use std::fmt;

use serde::Serialize;

use crate::{latency::Latencies, load::Measured};

/// What one bench found.
#[derive(Debug, Serialize)]
pub struct Report {
    name: &'static str,
    rows: Vec<Row>,
    goals: Vec<Goal>,
    remarks: Vec<String>,
}

/// What a figure must be below for the bench to succeed.
#[derive(Clone, Debug, Serialize)]
struct Goal {
    figure: &'static str,
    value: f64,
    below: f64,
    unit: &'static str,
    met: bool,
}

/// One figure.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    figure: String,
    /// Per second.
    rate: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    max_ms: Option<f64>,
    limit: Option<Limit>,
    /// Figure divided by limit.
    ratio: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Limit {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Report {
    /// Nothing found yet.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            rows: Vec::new(),
            goals: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Holds that `figure`, which is `value`, is `below` that; what is no number is not.
    pub fn goal(&mut self, figure: &'static str, value: f64, below: f64, unit: &'static str) {
        self.goals.push(Goal {
            figure,
            value,
            below,
            unit,
            met: value < below,
        });
    }

    /// The goals that were missed, in words.
    pub fn missed(&self) -> Vec<String> {
        let missed = self.goals.iter().filter(|goal| !goal.met);
        missed.map(ToString::to_string).collect()
    }

    /// Adds a figure.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds a sentence.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }
}

impl Row {
    /// A rate with latencies.
    pub fn of(figure: impl Into<String>, measured: &Measured) -> Self {
        Self {
            rate: Some(measured.rate),
            ..Self::latency(figure, &measured.latencies)
        }
    }

    /// Latencies alone.
    pub fn latency(figure: impl Into<String>, latencies: &Latencies) -> Self {
        Self {
            figure: figure.into(),
            p50_ms: Some(latencies.quantile_ms(0.5)),
            p99_ms: Some(latencies.quantile_ms(0.99)),
            max_ms: Some(latencies.max_ms()),
            ..Self::default()
        }
    }

    /// A rate alone.
    pub fn rate(figure: impl Into<String>, rate: f64) -> Self {
        Self {
            figure: figure.into(),
            rate: Some(rate),
            ..Self::default()
        }
    }

    /// Compares its rate with that of `name`.
    pub fn against_rate(mut self, name: impl Into<String>, limit: f64) -> Self {
        self.ratio = self.rate.map(|rate| rate / limit);
        self.limit = Some(Limit {
            name: name.into(),
            value: limit,
            unit: "/s",
        });
        self
    }

    /// Compares its median latency with that of `name`.
    pub fn against_p50(mut self, name: impl Into<String>, limit: &Latencies) -> Self {
        let value = limit.quantile_ms(0.5);
        self.ratio = self.p50_ms.map(|p50| p50 / value);
        self.limit = Some(Limit {
            name: name.into(),
            value,
            unit: " ms",
        });
        self
    }

    fn cells(&self) -> [String; 7] {
        let ms = |value: Option<f64>| value.map_or_else(String::new, |ms| format!("{ms:.2}"));
        let limit = self.limit.as_ref().map_or_else(String::new, |limit| {
            let value = match limit.unit {
                "/s" => grouped(limit.value),
                _ => format!("{:.2}", limit.value),
            };
            format!("{} {value}{}", limit.name, limit.unit)
        });
        [
            self.figure.clone(),
            self.rate.map_or_else(String::new, grouped),
            ms(self.p50_ms),
            ms(self.p99_ms),
            ms(self.max_ms),
            limit,
            self.ratio
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        ]
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            figure,
            value,
            below,
            unit,
            met,
        } = self;
        let verdict = if *met { "met" } else { "MISSED" };
        write!(
            f,
            "{figure}: {value:.1} {unit}; goal: below {below:.1} {unit}: {verdict}"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "per s", "p50 ms", "p99 ms", "max ms", "beside", "ratio"];
        let mut table = vec![head.map(str::to_owned)];
        table.extend(self.rows.iter().map(Row::cells));
        let width = |at: usize| {
            table
                .iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 7] = std::array::from_fn(width);
        writeln!(f, "\n{}", self.name)?;
        for row in &table {
            let cells = row
                .iter()
                .zip(widths)
                .enumerate()
                .map(|(at, (cell, width))| match at {
                    // Words to the left, numbers to the right.
                    0 | 5 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
            writeln!(f, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for goal in &self.goals {
            writeln!(f, "  · {goal}")?;
        }
        self.remarks
            .iter()
            .try_for_each(|remark| writeln!(f, "  · {remark}"))
    }
}

/// A whole number with its thousands set apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_row_says_its_limit_and_the_ratio() {
        let latencies: Latencies = [Duration::from_millis(2)].into_iter().collect();
        let row = Row::of(
            "append",
            &Measured {
                latencies: latencies.clone(),
                rate: 1_234_567.0,
            },
        )
        .against_rate("disk", 2_469_134.0);
        let cells = row.cells();
        assert_eq!(cells[1], "1,234,567");
        assert_eq!(
            (cells[5].as_str(), cells[6].as_str()),
            ("disk 2,469,134/s", "0.50")
        );
        let row = Row::latency("visible", &latencies).against_p50("bare", &latencies);
        assert_eq!(row.cells()[6], "1.00");
        let mut report = Report::new("x");
        report.row(row);
        report.remark("so it is");
        assert!(report.to_string().ends_with("  · so it is\n"));
    }

    #[test]
    fn a_goal_is_missed_by_whatever_is_not_below_it() {
        let mut report = Report::new("x");
        report.goal("p99", 149.9, 150.0, "ms");
        assert!(report.missed().is_empty());
        report.goal("p99", 150.0, 150.0, "ms");
        report.goal("added", f64::NAN, 100.0, "µs");
        let missed = report.missed();
        assert_eq!(missed.len(), 2, "{missed:?}");
        assert_eq!(missed[0], "p99: 150.0 ms; goal: below 150.0 ms: MISSED");
        assert!(
            report
                .to_string()
                .contains("149.9 ms; goal: below 150.0 ms: met")
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [1.0, 999.0, 1_000.0, 12_345.6].map(grouped),
            ["1", "999", "1,000", "12,346"]
        );
    }
}
