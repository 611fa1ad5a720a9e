//! What a server sends, cut out of a stream of bytes (client protocol of NATS, ADR-4 for headers).
//!
//! Invariant: whatever the bytes, this ends with a frame, a reason, or the wish for more; a message
//! is kept as it came, and taken apart by whoever decodes it.

use std::{borrow::Cow, ops::Range};

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

/// No line of the protocol is longer; the longest is what the server says of itself.
const LINE_MAX: usize = 1 << 20;
/// No message is larger: far above what a commit may be.
const MESSAGE_MAX: usize = 64 << 20;
/// What ends a line.
const END: &[u8] = b"\r\n";
/// How headers begin; a status may follow.
const VERSION: &str = "NATS/1.0";

/// Something that was sent.
#[derive(Debug)]
pub(super) enum Frame {
    /// A refusal, in the server's words.
    Error(String),
    /// What the server says of itself.
    Info(Bytes),
    Message(Message),
    /// To be answered.
    Ping,
    /// An answer.
    Pong,
    /// Nothing that matters.
    Other,
}

/// A message as it came.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Bytes,
    headers: Range<usize>,
    payload: Range<usize>,
    reply: Range<usize>,
    subject: Range<usize>,
}

/// Names and values of headers, in their order.
pub(super) struct Headers<'a>(Vec<(&'a str, Cow<'a, str>)>);

/// Takes the next frame, if all of it is there.
pub(super) fn cut(buffer: &mut BytesMut) -> Result<Option<Frame>, String> {
    let Some(end) = memmem::find(buffer, END) else {
        return match buffer.len() {
            ..=LINE_MAX => Ok(None),
            _ => Err("a line without an end".to_owned()),
        };
    };
    let line = std::str::from_utf8(&buffer[..end]).map_err(|_| "a line is not text".to_owned())?;
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let frame = match verb {
        "HMSG" | "MSG" => return message(buffer, end),
        "PING" => Frame::Ping,
        "PONG" => Frame::Pong,
        "-ERR" => Frame::Error(rest.trim_matches(['\'', ' ']).to_owned()),
        "INFO" => Frame::Info(Bytes::copy_from_slice(rest.as_bytes())),
        _ => Frame::Other,
    };
    buffer.advance(end + END.len());
    Ok(Some(frame))
}

/// `MSG <subject> <sid> [reply] <bytes>` or `HMSG <subject> <sid> [reply] <bytes of headers>
/// <bytes in all>`, and what they announce.
fn message(buffer: &mut BytesMut, end: usize) -> Result<Option<Frame>, String> {
    let line = std::str::from_utf8(&buffer[..end]).map_err(|_| "a line is not text".to_owned())?;
    let odd = || format!("a message is announced as {line:?}");
    let place = |part: &str| {
        let from = part.as_ptr() as usize - line.as_ptr() as usize;
        from..from + part.len()
    };
    let mut parts = line.split_ascii_whitespace();
    let has_headers = parts.next() == Some("HMSG");
    let subject = parts.next().map(place).ok_or_else(odd)?;
    let rest: Vec<&str> = parts.skip(1).collect();
    let (reply, sizes) = match (rest.as_slice(), has_headers) {
        ([reply, sizes @ ..], true) if sizes.len() == 2 => (place(reply), sizes),
        ([reply, sizes @ ..], false) if sizes.len() == 1 => (place(reply), sizes),
        (sizes, true) if sizes.len() == 2 => (0..0, sizes),
        (sizes, false) if sizes.len() == 1 => (0..0, sizes),
        _ => return Err(odd()),
    };
    let size = |text: &&str| text.parse().ok().filter(|size| *size <= MESSAGE_MAX);
    let all: usize = sizes.last().and_then(size).ok_or_else(odd)?;
    let headers = if has_headers {
        sizes.first().and_then(size).filter(|size| *size <= all)
    } else {
        Some(0)
    };
    let headers = headers.ok_or_else(odd)?;
    let from = end + END.len();
    let whole = from + all + END.len();
    if buffer.len() < whole {
        buffer.reserve(whole - buffer.len());
        return Ok(None);
    }
    let bytes = buffer.split_to(whole).freeze();
    Ok(Some(Frame::Message(Message {
        bytes,
        headers: from..from + headers,
        payload: from + headers..from + all,
        reply,
        subject,
    })))
}

impl Message {
    /// Where it was published.
    pub(super) fn subject(&self) -> &str {
        self.text(&self.subject).unwrap_or_default()
    }

    /// Where it would be acknowledged.
    pub(super) fn reply(&self) -> &str {
        self.text(&self.reply).unwrap_or_default()
    }

    /// What the server says instead of a message.
    pub(super) fn status(&self) -> Option<u16> {
        let line = self.bytes.get(self.headers.clone())?;
        let status = line.strip_prefix(VERSION.as_bytes())?.get(1..4)?;
        std::str::from_utf8(status).ok()?.parse().ok()
    }

    /// Its headers; an error says what is wrong with them.
    pub(super) fn headers(&self) -> Result<Headers<'_>, String> {
        let text = self.text(&self.headers).ok_or("its headers are not text")?;
        let mut lines: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(16);
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            // A value may go on in the next line.
            if line.starts_with(char::is_whitespace)
                && let Some((_, value)) = lines.last_mut()
            {
                value.to_mut().push_str(line);
                continue;
            }
            let (name, value) = line.split_once(':').ok_or("a header without a name")?;
            lines.push((name, Cow::Borrowed(value.trim())));
        }
        Ok(Headers(lines))
    }

    /// What it holds.
    pub(super) fn payload(&self) -> Vec<u8> {
        let payload = self.bytes.get(self.payload.clone());
        payload.unwrap_or_default().to_vec()
    }

    fn text(&self, range: &Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(range.clone())?).ok()
    }
}

impl Headers<'_> {
    /// The first value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[u8] = b"INFO {\"port\":1}\r\nPING\r\nHMSG e.a 1 $JS.ACK.x 31 36\r\n\
        NATS/1.0\r\nA: b\r\nA: c\r\nLong: d\r\n\
        hello\r\nMSG e.b 1 2\r\nhi\r\n-ERR 'No'\r\n+OK\r\nPONG\r\n";

    fn all(mut buffer: BytesMut) -> Vec<Frame> {
        std::iter::from_fn(|| cut(&mut buffer).expect("well formed")).collect()
    }

    #[test]
    fn what_is_sent_is_cut_into_frames() {
        let frames = all(BytesMut::from(SENT));
        let [info, ping, first, second, error, fine, answer] = frames.as_slice() else {
            panic!("{frames:?}");
        };
        assert!(matches!(info, Frame::Info(said) if said == "{\"port\":1}"));
        assert!(matches!(error, Frame::Error(words) if words == "No"));
        assert!(matches!(
            (ping, fine, answer),
            (Frame::Ping, Frame::Other, Frame::Pong)
        ));
        let (Frame::Message(first), Frame::Message(second)) = (first, second) else {
            panic!("{frames:?}");
        };
        assert_eq!((first.subject(), first.reply()), ("e.a", "$JS.ACK.x"));
        let headers = first.headers().expect("headers");
        assert_eq!(
            (headers.get("A"), headers.get("Long")),
            (Some("b"), Some("d"))
        );
        assert_eq!((headers.get("a"), first.status()), (None, None));
        assert_eq!(first.payload(), b"hello");
        assert_eq!((second.subject(), second.reply()), ("e.b", ""));
        assert_eq!(second.payload(), b"hi");
        assert_eq!(second.headers().expect("none").get("A"), None);
    }

    #[test]
    fn a_frame_is_taken_when_all_of_it_is_there_and_not_before() {
        let mut buffer = BytesMut::new();
        let mut frames = 0;
        for byte in SENT {
            buffer.extend_from_slice(&[*byte]);
            frames += usize::from(cut(&mut buffer).expect("well formed").is_some());
        }
        assert_eq!((frames, buffer.len()), (7, 0));
    }

    #[test]
    fn a_status_is_no_message_and_a_long_value_goes_on() {
        let sent = b"HMSG i 1 46 46\r\nNATS/1.0 404 No Messages\r\nName: one\r\n two \r\n\r\n\r\n";
        let frames = all(BytesMut::from(&sent[..]));
        let [Frame::Message(message)] = frames.as_slice() else {
            panic!("{frames:?}");
        };
        assert_eq!(message.status(), Some(404));
        let headers = message.headers().expect("headers");
        assert_eq!(headers.get("Name"), Some("one two"));
    }

    #[test]
    fn what_is_odd_is_told() {
        for sent in [
            "MSG a\r\n",
            "MSG a 1 x\r\n",
            "MSG a 1 r 1 2\r\n",
            "HMSG a 1 9 4\r\nabcd\r\n",
            "HMSG a 1 4\r\nabcd\r\n",
            "MSG a 1 99999999999\r\n",
        ] {
            let told = cut(&mut BytesMut::from(sent));
            assert!(told.is_err(), "{sent:?}: {told:?}");
        }
        assert!(cut(&mut BytesMut::from(&b"\xff\r\n"[..])).is_err());
    }
}
