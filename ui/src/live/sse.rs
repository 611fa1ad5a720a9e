//! Server-sent events, read from bytes as they arrive (WHATWG HTML §9.2.6).
//!
//! Invariant: how the bytes are cut into chunks makes no difference to the messages.

/// One message of the stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Message {
    /// Its name; `message` if the stream gave none.
    pub event: String,
    /// Its data, lines joined.
    pub data: String,
    /// The id to resume after, if this message has one.
    pub id: Option<String>,
}

/// Collects bytes into messages.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_return: bool,
    begun: bool,
    event: String,
    data: Option<String>,
    id: Option<String>,
}

impl Parser {
    /// Takes the next bytes; gives the messages that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for byte in bytes {
            // A line ends with LF, CR, or both as one.
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    messages.extend(self.end_line(&line));
                }
                other => {
                    self.after_return = false;
                    self.line.push(*other);
                }
            }
        }
        messages
    }

    fn end_line(&mut self, line: &[u8]) -> Option<Message> {
        let line = match line.strip_prefix("\u{FEFF}".as_bytes()) {
            Some(rest) if !self.begun => rest,
            _ => line,
        };
        self.begun = true;
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments (heartbeats) have an empty field name; `retry` is decided here, not there.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Message> {
        let event = std::mem::take(&mut self.event);
        let id = self.id.take();
        let data = self.data.take()?;
        Some(Message {
            event: if event.is_empty() {
                "message".to_owned()
            } else {
                event
            },
            data,
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{FEFF}: heartbeat\n\nevent: hello\ndata: {\"position\":4}\n\n\
        id: 5\r\nevent: commit\r\ndata: {\"a\":\r\ndata: \"ü\"}\r\n\r\n\
        id:6\rdata:x\r\revent: lost\n\ndata\n\n";

    fn expected() -> Vec<Message> {
        let message = |event: &str, data: &str, id: Option<&str>| Message {
            event: event.to_owned(),
            data: data.to_owned(),
            id: id.map(str::to_owned),
        };
        vec![
            message("hello", "{\"position\":4}", None),
            message("commit", "{\"a\":\n\"ü\"}", Some("5")),
            message("message", "x", Some("6")),
            message("message", "", None),
        ]
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        for size in 1..=STREAM.len() {
            let mut parser = Parser::default();
            let messages: Vec<_> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| parser.push(chunk))
                .collect();
            assert_eq!(messages, expected(), "chunks of {size}");
        }
    }

    #[test]
    fn an_unfinished_message_is_not_given() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: half\n"), []);
    }
}
