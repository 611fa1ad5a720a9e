//! The stranger follows what happens, on every stream and over a socket.
//!
//! Invariant: the victim follows the same at the same time and hears what it makes, before the
//! stranger makes something of its own; by the time that the stranger hears of that, whatever was
//! to leak has.

use anyhow::{Context as _, Result, ensure};

use super::{
    lists::{COLLECTIONS, Socket, TOLD_WITHIN, make},
    tenant::Tenant,
    walker::Walker,
};

impl Walker<'_> {
    /// What every stream tells, from before the victim had anything and while it writes.
    pub async fn follow(&mut self) -> Result<()> {
        let victim = self.victim.again().await?;
        let resumes = self.follow_by_socket(&victim).await?;
        let streams = self.document.operations.iter().filter(|one| one.streams);
        for operation in streams.cloned().collect::<Vec<_>>() {
            let (at, since) = (operation.at(""), self.has.since.to_string());
            for (path, last) in [
                (format!("{at}?after={since}"), ""),
                (at.clone(), since.as_str()),
                (at.clone(), ""),
            ] {
                self.listen(&victim, &path, last, "resources").await?;
            }
            // Lists as well: those of the stranger show nothing of the victim's, whoever's id and
            // filter are sent.
            let mark = victim.mark.clone();
            for ((collection, filter), [whole, narrow]) in COLLECTIONS.iter().zip(&resumes) {
                let list = format!("{at}?collection={collection}");
                let mut cases = vec![
                    (list.clone(), since.as_str()),
                    (format!("{list}&after={mark}"), ""),
                    (list.clone(), whole.as_str()),
                ];
                if let Some((parameter, value)) = filter {
                    cases.push((format!("{list}&{parameter}={value}"), narrow.as_str()));
                }
                for (path, last) in cases {
                    self.listen(&victim, &path, last, collection).await?;
                }
            }
        }
        Ok(())
    }

    async fn listen(
        &mut self,
        victim: &Tenant,
        path: &str,
        last: &str,
        collection: &str,
    ) -> Result<()> {
        self.me.sign_in().await?;
        let (mut theirs, mut mine) = (String::new(), String::new());
        // The victim listens as well, so that its events are read and told at all.
        let mut first = victim.api.ask("GET", path)?.open().await?;
        let ask = self.me.api.ask("GET", path)?.header("last-event-id", last);
        let mut second = ask.open().await?;
        ensure!(second.status() == 200, "{path}: {}", second.status());
        let canary = make(victim, collection, self.cases).await?;
        hear(&mut first, &mut theirs, &canary)
            .await
            .with_context(|| format!("the victim, {path}"))?;
        let own = make(&self.me, collection, self.cases).await?;
        hear(&mut second, &mut mine, &own)
            .await
            .with_context(|| format!("the stranger, {path}"))?;
        ensure!(
            !mine.contains(&canary),
            "{path} tells what others do: {mine}"
        );
        self.hold(path, "", &mine)
    }

    /// Over one socket each: all lists, also with the victim's filters and places to go on. Those
    /// places, for each list whole and narrowed.
    async fn follow_by_socket(&mut self, victim: &Tenant) -> Result<Vec<[String; 2]>> {
        self.me.sign_in().await?;
        let mut theirs = Socket::open(victim).await?;
        let mut mine = Socket::open(&self.me).await?;
        let (mut resumes, mut names) = (Vec::new(), Vec::new());
        for (collection, filter) in COLLECTIONS {
            let narrow = format!("{collection}, narrowed");
            theirs.follow(collection, collection, None, None).await?;
            theirs.follow(&narrow, collection, filter, None).await?;
            let both = [theirs.resume(collection)?, theirs.resume(&narrow)?];
            for (name, filter, resume) in [
                (collection.to_owned(), None, None),
                (format!("{collection} of others"), None, Some(&both[0])),
                (narrow, filter, Some(&both[1])),
            ] {
                let resume = resume.map(String::as_str);
                mine.follow(&name, collection, filter, resume).await?;
                names.push((collection, name));
            }
            resumes.push(both);
        }
        let unknown = mine
            .heard
            .iter()
            .filter(|message| message["type"] == "reset" && message["data"]["reason"] == "unknown");
        ensure!(
            unknown.count() == 2 * COLLECTIONS.len(),
            "a stranger goes on where another was: {:?}",
            mine.heard
        );
        let canaries = self.made_and_told(victim, &mut theirs, &names).await?;
        let me = self.me.clone();
        self.made_and_told(&me, &mut mine, &names).await?;
        let heard = serde_json::to_string(&mine.heard)?;
        for canary in canaries {
            ensure!(
                !heard.contains(&canary),
                "the socket tells {canary}: {heard}"
            );
        }
        self.hold("GET /api/v1/ws", "", &heard)?;
        Ok(resumes)
    }

    /// Has `who` make something in each list and hear of it in each of `names` that they follow.
    async fn made_and_told(
        &self,
        who: &Tenant,
        socket: &mut Socket,
        names: &[(&str, String)],
    ) -> Result<Vec<String>> {
        let mut made = Vec::new();
        for (collection, _) in COLLECTIONS {
            let word = make(who, collection, self.cases).await?;
            for (_, name) in names.iter().filter(|(of, _)| *of == collection) {
                if socket.follows(name) {
                    socket.told(name, &word).await?;
                }
            }
            made.push(word);
        }
        Ok(made)
    }
}

/// Reads a stream until it has told `word`.
async fn hear(response: &mut reqwest::Response, heard: &mut String, word: &str) -> Result<()> {
    let hearing = async {
        while !heard.contains(word) {
            let chunk = response.chunk().await?.context("the stream ended")?;
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
        anyhow::Ok(())
    };
    let hearing = tokio::time::timeout(TOLD_WITHIN, hearing);
    hearing.await.context("the stream stays silent")?
}
