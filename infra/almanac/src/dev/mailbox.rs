//! A mail server that delivers to nobody: what tasks send is a file in the data folder.
//!
//! Invariant: only this machine reaches it, nothing leaves it, and it keeps no more than the last
//! [`KEPT`] mails.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    fs,
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How many mails are kept.
const KEPT: usize = 20;
/// How many bytes one conversation may have.
const TALK_MAX: u64 = 1 << 20;
/// How long one may last.
const LIMIT: Duration = Duration::from_secs(30);

/// Listens on a free port.
pub(super) async fn open() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    listener.context("no port is free for the mailbox")
}

/// Takes mails in until `token` is cancelled, each a file in `folder`.
pub(super) async fn run(
    listener: TcpListener,
    folder: PathBuf,
    token: CancellationToken,
) -> Result<()> {
    fs::create_dir_all(&folder).await?;
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        // One after another: there is one sender.
        match timeout(LIMIT, talk(stream)).await {
            Ok(Ok(mails)) => {
                for mail in mails {
                    keep(&folder, &mail).await?;
                }
            }
            Ok(Err(reason)) => tracing::debug!(%reason, "a sender of mail went away"),
            Err(_) => tracing::debug!("a sender of mail took too long"),
        }
    }
}

/// The mails of one conversation (RFC 5321).
async fn talk(stream: TcpStream) -> std::io::Result<Vec<String>> {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from.take(TALK_MAX));
    let mut mails = Vec::new();
    to.write_all(b"220 almanac dev\r\n").await?;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).await? == 0 {
            return Ok(mails);
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-almanac dev\r\n250 8BITMIME",
            "DATA" => {
                to.write_all(b"354 end with a dot\r\n").await?;
                mails.push(mail(&mut from).await?);
                "250 kept"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        to.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if verb == "QUIT" {
            return Ok(mails);
        }
    }
}

async fn mail(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(mail);
        }
        // A dot at the beginning was doubled, so that no line ends the mail before its end.
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// Keeps `mail` after those that are there.
async fn keep(folder: &Path, mail: &str) -> Result<()> {
    let mut names = Vec::new();
    let mut found = fs::read_dir(folder).await?;
    while let Some(entry) = found.next_entry().await? {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| {
        Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "eml")
    });
    names.sort();
    let last = names
        .last()
        .and_then(|name| name.strip_suffix(".eml")?.parse::<u64>().ok());
    let next = last.unwrap_or_default() + 1;
    fs::write(folder.join(format!("{next:06}.eml")), mail).await?;
    let old = (names.len() + 1).saturating_sub(KEPT);
    for name in &names[..old.min(names.len())] {
        fs::remove_file(folder.join(name)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send(port: u16, text: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("listens");
        let said = format!("EHLO x\r\nMAIL FROM:<a@b>\r\nDATA\r\n{text}\r\n.\r\nQUIT\r\n");
        stream.write_all(said.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    #[tokio::test]
    async fn the_last_mails_are_kept_as_they_were_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = open().await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let token = CancellationToken::new();
        let serving = run(listener, folder.path().to_owned(), token.clone());
        let serving = tokio::spawn(serving);
        for n in 0..KEPT + 2 {
            let answer = send(port, &format!("mail {n}\r\n..dot")).await;
            assert!(answer.ends_with("250 kept\r\n221 bye\r\n"), "{answer}");
        }
        token.cancel();
        serving.await.expect("no panic").expect("ends in order");
        let names = std::fs::read_dir(folder.path()).expect("a folder");
        let mut names: Vec<_> = names.map(|it| it.expect("an entry").path()).collect();
        names.sort();
        assert_eq!(names.len(), KEPT);
        let read = |path: &PathBuf| std::fs::read_to_string(path).expect("there");
        assert_eq!(read(&names[0]), "mail 2\r\n.dot\r\n");
        assert_eq!(
            read(&names[KEPT - 1]),
            format!("mail {}\r\n.dot\r\n", KEPT + 1)
        );
    }
}
