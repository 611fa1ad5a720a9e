//! Counts and ids as people read them.
//!
//! Invariant: shortening is for display; the whole value stays reachable beside it.

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// The end of an id. Ids that are ordered by time begin alike, so the beginning tells nothing
/// apart.
pub fn short_id(id: &str) -> &str {
    let cut = id.len().saturating_sub(8);
    id.get(cut..).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(count(1, "task", "tasks"), "1 task");
        assert_eq!(count(2_000, "task", "tasks"), "2,000 tasks");
    }

    #[test]
    fn an_id_is_known_by_its_end() {
        assert_eq!(short_id("0199a7c2-0000-7000-8000-00000000beef"), "0000beef");
        assert_eq!(short_id("abc"), "abc");
    }
}
