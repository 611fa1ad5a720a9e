//! Trying a subject by the bare protocol, so that nothing stands between the words of the server
//! and the test.
//!
//! Invariant: the server answers in order, so what it refused is told before its PONG.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Somebody who is signed in.
pub struct Visitor {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// What is tried on a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Attempt {
    Publish,
    Subscribe,
}

impl Visitor {
    /// Signs in with the login of `url`.
    pub fn sign_in(url: &str) -> Self {
        let rest = url.strip_prefix("nats://").expect("a NATS address");
        let (login, address) = rest.split_once('@').expect("a login");
        let (user, password) = login.split_once(':').expect("a password");
        let writer = TcpStream::connect(address).expect("it listens");
        let wait = Some(Duration::from_secs(20));
        writer.set_read_timeout(wait).expect("a timeout");
        let reader = BufReader::new(writer.try_clone().expect("a handle"));
        let mut visitor = Self { reader, writer };
        let login = format!("CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n");
        let told = visitor.say(&login);
        assert!(told.is_empty(), "{told:?}");
        visitor
    }

    /// Whether the server lets it pass.
    pub fn may(&mut self, attempt: Attempt, subject: &str) -> bool {
        let (words, what) = match attempt {
            Attempt::Publish => (format!("PUB {subject} 0\r\n\r\n"), "Publish"),
            Attempt::Subscribe => (format!("SUB {subject} 1\r\nUNSUB 1\r\n"), "Subscription"),
        };
        let told = self.say(&words);
        let refusal = format!("-ERR 'Permissions Violation for {what} to \"{subject}\"'");
        assert!(
            told.is_empty() || told == [refusal],
            "{attempt:?} {subject}: {told:?}"
        );
        told.is_empty()
    }

    /// Says `words`; what the server finds wrong with them.
    fn say(&mut self, words: &str) -> Vec<String> {
        self.writer
            .write_all(format!("{words}PING\r\n").as_bytes())
            .expect("sent");
        let mut told = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("it answers");
            match line.trim_end() {
                "PONG" => return told,
                "PING" => self.writer.write_all(b"PONG\r\n").expect("sent"),
                "" => panic!("the server hung up: {told:?}"),
                error if error.starts_with("-ERR") => told.push(error.to_owned()),
                _ => {}
            }
        }
    }
}
