//! Cron patterns in words.
//!
//! Invariant: a field that is not fully understood makes the whole pattern unsaid, never half said.

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One field of a pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Field {
    /// `*`
    Any,
    /// `1,15,30`
    List(Vec<u32>),
    /// `9-17`
    Range(u32, u32),
    /// `*/5`
    Step(u32),
}

/// The pattern of five or six fields, or its `@nickname`, in words; none if it has no simple ones.
pub fn in_words(expression: &str) -> Option<String> {
    let expression = match expression.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let (second, fields) = match fields.as_slice() {
        [second, rest @ ..] if rest.len() == 5 => (*second, rest),
        rest if rest.len() == 5 => ("0", rest),
        _ => return None,
    };
    let second = even(field(second, &[])?, 60)?;
    let minute = even(field(fields[0], &[])?, 60)?;
    let hour = even(field(fields[1], &[])?, 24)?;
    let days = days(&field(fields[2], &[])?, &field(fields[4], &DAYS)?)?;
    let months = months(&even(field(fields[3], &MONTHS)?, 12)?)?;
    let clock = clock(&second, &minute, &hour)?;
    Some(sentence(&clock, &days, &months))
}

/// A step that does not divide its round begins anew with each round, so it is no steady rhythm.
fn even(field: Field, round: u32) -> Option<Field> {
    match field {
        Field::Step(step) if !round.is_multiple_of(step) => None,
        field => Some(field),
    }
}

fn field(text: &str, names: &[&str]) -> Option<Field> {
    let number = |text: &str| number(text, names);
    if text == "*" {
        return Some(Field::Any);
    }
    if let Some(step) = text.strip_prefix("*/") {
        return match step.parse().ok()? {
            0 => None,
            1 => Some(Field::Any),
            step => Some(Field::Step(step)),
        };
    }
    if let Some((from, to)) = text.split_once('-') {
        return Some(Field::Range(number(from)?, number(to)?));
    }
    text.split(',')
        .map(number)
        .collect::<Option<_>>()
        .map(Field::List)
}

/// A number, or the first three letters of one of `names`; months count from one, days from Sunday.
fn number(text: &str, names: &[&str]) -> Option<u32> {
    let first = u32::from(names.len() == MONTHS.len());
    if let Ok(number) = text.parse::<u32>() {
        return Some(number);
    }
    let at = names
        .iter()
        .position(|name| text.len() == 3 && name[..3].eq_ignore_ascii_case(text))?;
    Some(at as u32 + first)
}

fn clock(second: &Field, minute: &Field, hour: &Field) -> Option<String> {
    let quiet = *second == Field::List(vec![0]);
    match (second, minute, hour) {
        (Field::Any, Field::Any, Field::Any) => Some("every second".to_owned()),
        (Field::Step(step), Field::Any, Field::Any) => Some(format!("every {step} seconds")),
        _ if !quiet => None,
        (_, Field::Any, Field::Any) => Some("every minute".to_owned()),
        (_, Field::Step(step), Field::Any) => Some(format!("every {step} minutes")),
        (_, Field::List(minutes), Field::Any) => Some(format!(
            "every hour at {}",
            listed(minutes, |m| format!(":{m:02}"))
        )),
        (_, Field::List(minutes), Field::Step(step)) if minutes.len() == 1 => {
            Some(match minutes[0] {
                0 => format!("every {step} hours"),
                minute => format!("every {step} hours at :{minute:02}"),
            })
        }
        (_, Field::List(minutes), Field::List(hours)) if minutes.len() * hours.len() <= 6 => {
            let times: Vec<_> = hours
                .iter()
                .flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)))
                .collect();
            Some(format!(
                "at {}",
                listed(&times, |(h, m)| format!("{h:02}:{m:02}"))
            ))
        }
        (_, Field::List(minutes), Field::Range(from, to)) if minutes.len() == 1 => {
            let minute = minutes[0];
            Some(format!(
                "hourly from {from:02}:{minute:02} to {to:02}:{minute:02}"
            ))
        }
        (_, Field::Any, Field::Range(from, to)) => {
            Some(format!("every minute from {from:02}:00 to {to:02}:59"))
        }
        (_, Field::Step(step), Field::Range(from, to)) => Some(format!(
            "every {step} minutes from {from:02}:00 to {to:02}:59"
        )),
        _ => None,
    }
}

/// Where both are restricted either one suffices, as POSIX has it.
fn days(of_month: &Field, of_week: &Field) -> Option<String> {
    let of_month = match of_month {
        Field::Any => None,
        Field::List(days) if days.len() == 1 => Some(format!("on day {} of the month", days[0])),
        Field::List(days) => Some(format!(
            "on days {} of the month",
            listed(days, u32::to_string)
        )),
        Field::Range(from, to) => Some(format!("on days {from} to {to} of the month")),
        Field::Step(_) => return None,
    };
    let of_week = match of_week {
        Field::Any => None,
        Field::List(days) => {
            let names: Option<Vec<_>> = days.iter().map(|day| day_name(*day)).collect();
            Some(listed(&names?, |name| format!("{name}s")))
        }
        Field::Range(from, to) => Some(format!("{} to {}", day_name(*from)?, day_name(*to)?)),
        Field::Step(_) => return None,
    };
    Some(match (of_month, of_week) {
        (None, None) => String::new(),
        (Some(days), None) | (None, Some(days)) => days,
        (Some(month), Some(week)) => format!("{month} or {week}"),
    })
}

fn months(field: &Field) -> Option<String> {
    let name = |month: &u32| MONTHS.get((*month as usize).checked_sub(1)?).copied();
    Some(match field {
        Field::Any => String::new(),
        Field::List(months) => {
            let names: Option<Vec<_>> = months.iter().map(name).collect();
            format!("in {}", listed(&names?, ToString::to_string))
        }
        Field::Range(from, to) => format!("from {} to {}", name(from)?, name(to)?),
        Field::Step(step) => format!("every {step} months"),
    })
}

/// Days first where the clock names a time of day; where it names a rhythm, the rhythm first.
fn sentence(clock: &str, days: &str, months: &str) -> String {
    let timed = clock.starts_with("at ");
    let days = if days.is_empty() && timed {
        "every day"
    } else {
        days
    };
    let parts = if timed {
        [days, clock, months]
    } else {
        [clock, days, months]
    };
    let text = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn day_name(day: u32) -> Option<&'static str> {
    // Seven is Sunday too.
    if day > 7 {
        None
    } else {
        DAYS.get((day % 7) as usize).copied()
    }
}

fn listed<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let shown: Vec<_> = items.iter().map(show).collect();
    match shown.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_patterns_have_words() {
        let cases = [
            ("* * * * *", "Every minute"),
            ("*/5 * * * *", "Every 5 minutes"),
            ("17 * * * *", "Every hour at :17"),
            ("0,30 * * * *", "Every hour at :00 and :30"),
            ("5 */2 * * *", "Every 2 hours at :05"),
            ("0 */12 * * *", "Every 12 hours"),
            ("@daily", "Every day at 00:00"),
            ("0 2 * * *", "Every day at 02:00"),
            ("0 2,14 * * *", "Every day at 02:00 and 14:00"),
            ("25 6 * * 7", "Sundays at 06:25"),
            ("0 9 * * mon-fri", "Monday to Friday at 09:00"),
            (
                "0 9 * * 1,3,FRI",
                "Mondays, Wednesdays and Fridays at 09:00",
            ),
            ("52 6 1 * *", "On day 1 of the month at 06:52"),
            ("0 0 1 1 *", "On day 1 of the month at 00:00 in January"),
            ("0 0 13 * 5", "On day 13 of the month or Fridays at 00:00"),
            (
                "*/10 9-17 * * 1-5",
                "Every 10 minutes from 09:00 to 17:59 Monday to Friday",
            ),
            ("30 8-18 * * *", "Hourly from 08:30 to 18:30"),
            ("0 3 * JUN-AUG *", "Every day at 03:00 from June to August"),
            ("*/15 * * * * *", "Every 15 seconds"),
            ("0 0 4 * * *", "Every day at 04:00"),
        ];
        for (expression, words) in cases {
            assert_eq!(in_words(expression).as_deref(), Some(words), "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_said() {
        let odd = [
            "",
            "* * *",
            "0 0 L * *",
            "0 0 * * 5#2",
            "5-59/10 * * * *",
            "0 0 * 13 *",
            "0 0 * * 9",
            "*/0 * * * *",
            "30 0 2 * * *",
            "@reboot",
            "0 0 * * */2",
            "0 */5 * * *",
            "*/7 * * * *",
            "0 0 */2 * *",
        ];
        for expression in odd {
            assert_eq!(in_words(expression), None, "{expression}");
        }
    }
}
