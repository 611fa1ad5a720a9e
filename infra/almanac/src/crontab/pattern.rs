//! When a line is due: five fields or a word such as `@daily`.
//!
//! Invariant: what comes out means to croner what the line means to cron. That takes one sign: cron
//! wants both day fields to match if either *begins* with `*`, croner only if either *is* `*`,
//! unless a `+` asks for both.

use super::line::word;

/// A field: its name, its bounds and the words it takes.
struct Field {
    name: &'static str,
    first: u8,
    last: u8,
    words: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field::new("minute", 0, 59, &[]),
    Field::new("hour", 0, 23, &[]),
    Field::new("day of month", 1, 31, &[]),
    Field::new("month", 1, 12, &MONTHS),
    Field::new("day of week", 0, 7, &WEEKDAYS),
];

impl Field {
    const fn new(name: &'static str, first: u8, last: u8, words: &'static [&'static str]) -> Self {
        Self {
            name,
            first,
            last,
            words,
        }
    }

    /// The field with numbers for words.
    fn read(&self, text: &str) -> Result<String, String> {
        let items: Result<Vec<_>, _> = text.split(',').map(|item| self.item(item)).collect();
        Ok(items?.join(","))
    }

    /// `*`, `n` or `n-m`, the first and last with an optional step.
    fn item(&self, text: &str) -> Result<String, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (text, None),
        };
        let range = match range.split_once('-') {
            _ if range == "*" => "*".to_owned(),
            Some((from, to)) => {
                let (from, to) = (self.number(from)?, self.number(to)?);
                if from > to {
                    return Err(format!("{}: {text:?} ends before it begins", self.name));
                }
                format!("{from}-{to}")
            }
            None if step.is_some() => {
                return Err(format!(
                    "{}: the step in {text:?} needs a range or *",
                    self.name
                ));
            }
            None => self.number(range)?.to_string(),
        };
        Ok(step.map_or_else(|| range.clone(), |step| format!("{range}/{step}")))
    }

    fn step(&self, text: &str) -> Result<u8, String> {
        let step = digits(text).filter(|step| *step > 0);
        step.ok_or_else(|| format!("{}: {text:?} is no step", self.name))
    }

    fn number(&self, text: &str) -> Result<u8, String> {
        let spelled = |word: &&str| word.eq_ignore_ascii_case(text);
        if let Some(index) = self.words.iter().position(spelled) {
            return Ok(self.first + index as u8);
        }
        let number = digits(text).filter(|number| (self.first..=self.last).contains(number));
        number.ok_or_else(|| {
            let (name, first, last) = (self.name, self.first, self.last);
            if text.contains('~') {
                format!("{name}: random times ({text:?}) are not supported")
            } else {
                format!("{name}: {text:?} is not between {first} and {last}")
            }
        })
    }
}

/// The expression at the start of `text`, and what follows it.
pub fn read(text: &str) -> Result<(String, &str), String> {
    if text.starts_with('@') {
        let (word, rest) = word(text);
        return Ok((named(word)?.to_owned(), rest));
    }
    let mut rest = text;
    let mut fields = Vec::with_capacity(FIELDS.len());
    for (index, field) in FIELDS.iter().enumerate() {
        let (text, next) = word(rest);
        if text.is_empty() {
            return Err(format!("{index} fields where a schedule has five"));
        }
        fields.push(field.read(text)?);
        rest = next;
    }
    let (day, weekday) = (&fields[2], &fields[4]);
    let starred = day.starts_with('*') || weekday.starts_with('*');
    if starred && day != "*" && weekday != "*" {
        fields[4].insert(0, '+');
    }
    Ok((fields.join(" "), rest))
}

fn named(word: &str) -> Result<&'static str, String> {
    match word.to_ascii_lowercase().as_str() {
        "@annually" | "@yearly" => Ok("0 0 1 1 *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@hourly" => Ok("0 * * * *"),
        "@monthly" => Ok("0 0 1 * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@reboot" => Err("@reboot follows no clock: a job is due at times".to_owned()),
        _ => Err(format!("{word} is no schedule that is known")),
    }
}

/// Only digits: `parse` alone would take a plus sign.
fn digits(text: &str) -> Option<u8> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        read(&format!("{text} run")).map_or_else(|reason| reason, |(expression, _)| expression)
    }

    #[test]
    fn fields_keep_their_meaning() {
        let same = [
            "* * * * *",
            "*/5 0-6 1,15 1-12/2 1-5",
            "00 2 * * 0",
            "0 0 13 * 5",
        ];
        for text in same {
            assert_eq!(expression(text), text.replace("00", "0"));
        }
        assert_eq!(expression("17\t*  * * mon-Fri"), "17 * * * 1-5");
        assert_eq!(expression("0 0 1 JAN,jul *"), "0 0 1 1,7 *");
        assert_eq!(expression("0 0 * * 5-7"), "0 0 * * 5-7");
        assert_eq!(expression("0 0 * * sun"), "0 0 * * 0");
    }

    #[test]
    fn a_day_field_that_begins_with_a_star_asks_for_both() {
        assert_eq!(expression("0 0 */2 * 1"), "0 0 */2 * +1");
        assert_eq!(expression("0 0 1-7 * */2"), "0 0 1-7 * +*/2");
        assert_eq!(expression("0 0 */2 * *"), "0 0 */2 * *");
        assert_eq!(expression("0 0 1 * 1"), "0 0 1 * 1");
    }

    #[test]
    fn words_for_schedules() {
        assert_eq!(expression("@daily"), "0 0 * * *");
        assert_eq!(expression("@Annually"), "0 0 1 1 *");
        assert!(expression("@reboot").contains("follows no clock"));
        assert!(expression("@every").contains("no schedule"));
    }

    #[test]
    fn what_cron_refuses_is_refused_with_the_field() {
        for (text, told) in [
            ("60 * * * *", "minute: \"60\" is not between 0 and 59"),
            ("* 24 * * *", "hour:"),
            ("* * 0 * *", "day of month:"),
            ("* * * 13 *", "month:"),
            ("* * * * 8", "day of week:"),
            ("22-2 * * * *", "ends before it begins"),
            ("0/5 * * * *", "needs a range"),
            ("*/0 * * * *", "no step"),
            ("+5 * * * *", "minute:"),
            ("1,,2 * * * *", "minute:"),
            ("0~30 * * * *", "random times"),
            ("* * L * *", "day of month:"),
            ("* * * * 5#2", "day of week:"),
            ("? * * * *", "minute:"),
        ] {
            assert!(
                expression(text).contains(told),
                "{text}: {}",
                expression(text)
            );
        }
        assert_eq!(
            read("5 4 *"),
            Err("3 fields where a schedule has five".to_owned())
        );
    }
}
