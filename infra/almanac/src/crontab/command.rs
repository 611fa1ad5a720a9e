//! The percent signs of a command.
//!
//! Invariant: the first unescaped `%` ends the command; what follows is its standard input, where
//! each further one is a line break. `\%` is a percent sign in either; in the command a backslash
//! may itself be escaped, and stays doubled for the shell.

/// The command for the shell, and its standard input if it has one.
pub fn split_input(text: &str) -> (String, Option<String>) {
    let mut command = String::with_capacity(text.len());
    let mut input: Option<String> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = letter == '\\' && letters.next_if_eq(&'%').is_some();
        let told = if escaped { '%' } else { letter };
        match &mut input {
            Some(input) if letter == '%' => input.push('\n'),
            Some(input) => input.push(told),
            None if letter == '%' => input = Some(String::new()),
            None => {
                command.push(told);
                if told == '\\' {
                    command.extend(letters.next_if_eq(&'\\'));
                }
            }
        }
    }
    let is_cut = |input: &&mut String| !input.is_empty() && !input.ends_with('\n');
    if let Some(input) = input.as_mut().filter(is_cut) {
        input.push('\n');
    }
    (command, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (String, String) {
        let (command, input) = split_input(text);
        (command, input.unwrap_or_else(|| "none".to_owned()))
    }

    fn pair(command: &str, input: &str) -> (String, String) {
        (command.to_owned(), input.to_owned())
    }

    #[test]
    fn percent_signs() {
        assert_eq!(
            split("mail -s hi joe%Joe,%%where?"),
            pair("mail -s hi joe", "Joe,\n\nwhere?\n")
        );
        assert_eq!(split(r"date +\%Y-\%m"), pair("date +%Y-%m", "none"));
        assert_eq!(split(r"cat%100\% sure"), pair("cat", "100% sure\n"));
        assert_eq!(split("cat%"), pair("cat", ""));
        assert_eq!(split("cat%%"), pair("cat", "\n"));
        assert_eq!(split(r"echo a\\%b\\%c"), pair(r"echo a\\", "b\\%c\n"));
        assert_eq!(split(r"printf 'a\nb'"), pair(r"printf 'a\nb'", "none"));
    }
}
