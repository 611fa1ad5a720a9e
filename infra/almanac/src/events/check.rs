//! Holds an export against its manifest, and what is in it against itself.
//!
//! Invariant: no server is asked. What was changed, taken out or put in is named by file, and by
//! line where a line shows it; what says nothing wrong was read to its last byte.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufReader, Read},
    path::Path,
};

use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};
use event_log::{
    Checkpoint, Entry, Frontier, Hash, Position, SignedNote, StreamId, VerifierKey, Version, leaf,
};

use super::{
    bounds::Span,
    encode::{Counts, Format},
    line::{entry, lines, stream},
    manifest::{File, MANIFEST, Manifest},
    part::{Group, Groups},
    plan::cuts,
    table,
};

/// How many findings are kept; all are counted.
const KEPT: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The first hundred things that are wrong.
    pub findings: Vec<String>,
    /// How many there are.
    pub findings_total: u64,
    /// The root of the tree over all entries, if the export is of a whole log.
    pub root: Option<Hash>,
}

/// A walk over the files.
struct Walk<'a> {
    /// The root over as many entries as the checkpoint covers, once it is reached.
    at_checkpoint: Option<Hash>,
    checkpoint: Option<Checkpoint>,
    last: HashMap<StreamId, (Version, Hash)>,
    manifest: &'a Manifest,
    report: Report,
    /// The position before the next.
    reached: Position,
    tree: Frontier,
}

/// Checks the export in `folder`; `watch` is told how many bytes were read of how many.
pub fn check(
    folder: &Path,
    manifest: &Manifest,
    keys: &[VerifierKey],
    mut watch: impl FnMut(u64, u64),
) -> Report {
    let mut walk = Walk::new(manifest, keys);
    walk.names(folder);
    let bytes = |files: &[File]| files.iter().map(|file| file.bytes).sum();
    let all = bytes(&manifest.files);
    for (at, file) in manifest.files.iter().enumerate() {
        walk.file(folder, file);
        watch(bytes(&manifest.files[..=at]), all);
    }
    walk.end()
}

/// How many bytes a file has, and their SHA-256.
pub fn digest_of(path: &Path) -> io::Result<(u64, Hash)> {
    let mut reader = Digesting::of(fs::File::open(path)?);
    let bytes = io::copy(&mut reader, &mut io::sink())?;
    Ok((bytes, reader.end()))
}

impl<'a> Walk<'a> {
    fn new(manifest: &'a Manifest, keys: &[VerifierKey]) -> Self {
        let mut walk = Self {
            at_checkpoint: None,
            checkpoint: None,
            last: HashMap::new(),
            manifest,
            reached: Position(0),
            report: Report::default(),
            tree: Frontier::default(),
        };
        if let Some(note) = &manifest.checkpoint {
            match opened(note, keys) {
                Ok(checkpoint) => walk.checkpoint = Some(checkpoint),
                Err(reason) => walk.find(format!("{MANIFEST}: the checkpoint {reason}")),
            }
        } else if !keys.is_empty() {
            walk.find(format!(
                "{MANIFEST} has no checkpoint that the keys could open"
            ));
        }
        walk
    }

    fn find(&mut self, what: String) {
        self.report.findings_total += 1;
        if self.report.findings.len() < KEPT {
            self.report.findings.push(what);
        }
    }

    /// Whether the files are those that must be there.
    fn names(&mut self, folder: &Path) {
        let manifest = self.manifest;
        if !manifest.is_complete {
            self.find("it is not complete: the same export goes on where it ended".to_owned());
        }
        let span = Span {
            after: Position(manifest.first.0.saturating_sub(1)),
            until: manifest.last,
        };
        let extension = manifest.format.extension();
        let wanted = cuts(span, manifest.per_file.max(1));
        let wanted = wanted.map(|cut| (cut.name(extension), cut.first, cut.last));
        let named = manifest.files.iter();
        let named = named.map(|file| (file.name.clone(), file.first, file.last));
        if !wanted.eq(named) {
            self.find(format!(
                "{MANIFEST} does not name the files of its positions"
            ));
        }
        let counted = manifest
            .files
            .iter()
            .fold((0, 0), |(commits, events), file| {
                (commits + file.commits, events + file.events)
            });
        if counted != (manifest.commits, manifest.events) {
            self.find(format!("{MANIFEST} does not count what its files hold"));
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_named = manifest.files.iter().any(|file| file.name == name);
            if !is_named && name != MANIFEST {
                self.find(format!("{name} is none of its files"));
            }
        }
    }

    fn file(&mut self, folder: &Path, file: &File) {
        let name = &file.name;
        let opened = fs::File::open(folder.join(name));
        let mut reader = match opened {
            Ok(opened) => BufReader::with_capacity(1 << 20, Digesting::of(opened)),
            Err(reason) => {
                self.find(format!("{name} cannot be read: {reason}"));
                return;
            }
        };
        let mut counts = Counts::default();
        if self.manifest.format == Format::Ndjson {
            for group in Groups::of(&mut reader) {
                let wrong = match group {
                    Ok(group) => {
                        counts.add(&group.lines[0], group.lines.len());
                        let at =
                            format!("{name}, line {}, position {}", group.line, group.position);
                        self.group(&group, file).map_err(|reason| (at, reason))
                    }
                    Err(broken) => Err((format!("{name}, line {}", broken.line), broken.reason)),
                };
                if let Err((at, reason)) = wrong {
                    self.find(format!("{at} {reason}"));
                }
            }
        }
        // What the lines did not need is digested all the same.
        if let Err(reason) = io::copy(&mut reader, &mut io::sink()) {
            self.find(format!("{name} cannot be read: {reason}"));
            return;
        }
        let reader = reader.into_inner();
        let bytes = reader.bytes;
        if (bytes, reader.end().to_string()) != (file.bytes, file.sha256.clone()) {
            self.find(format!("{name} was altered: it has another SHA-256"));
            return;
        }
        if self.manifest.format == Format::Parquet {
            counts = self.rows(&folder.join(name), file);
        }
        if counts != file.counts() {
            self.find(format!("{name} does not hold as much as {MANIFEST} says"));
        }
        if self.manifest.is_whole && self.manifest.format == Format::Ndjson {
            let tree = file.tree();
            if tree.is_none_or(|tree| tree != self.tree) {
                self.find(format!(
                    "{name} does not end with the tree that {MANIFEST} says"
                ));
            }
        }
    }

    /// How much is in a file of rows. Only events are counted there.
    fn rows(&mut self, path: &Path, file: &File) -> Counts {
        match table::rows(path) {
            Ok(events) => Counts {
                events,
                ..file.counts()
            },
            Err(reason) => {
                self.find(format!("{} cannot be read: {reason:#}", file.name));
                file.counts()
            }
        }
    }

    /// Takes in the lines of a position.
    fn group(&mut self, group: &Group, file: &File) -> Result<(), String> {
        let position = group.position;
        if position <= self.reached || position < file.first || position > file.last {
            return Err("is not where it belongs".to_owned());
        }
        let before = std::mem::replace(&mut self.reached, position);
        let filter = &self.manifest.filter;
        if !filter.types.is_empty() {
            return self.cut(group);
        }
        let entry = entry(&group.lines)?;
        if self.manifest.is_whole {
            self.tree.push(&leaf(&entry).0);
            if self
                .checkpoint
                .as_ref()
                .is_some_and(|it| it.size == self.tree.size())
            {
                self.at_checkpoint = Some(self.tree.root());
            }
            if position != before.next() {
                return Err(format!("comes after {before}: what is between is missing"));
            }
        }
        if let Entry::Commit(commit) = &entry {
            let (meta, stream) = (&commit.meta, commit.stream);
            let known = self.last.insert(stream, (meta.version, meta.hash));
            if leaf(&entry) != meta.hash {
                return Err("was altered: its contents give another digest".to_owned());
            }
            let (version, hash) = known.unwrap_or((Version(0), Hash::ZERO));
            let goes_on = (meta.version, meta.previous) == (version.next(), hash);
            if self.manifest.is_whole && !goes_on {
                return Err("does not continue the commit before it".to_owned());
            }
        }
        if lines(&entry, filter) != group.lines {
            return Err("shows something else than was hashed, or is not wanted".to_owned());
        }
        Ok(())
    }

    /// Takes in the lines of a commit of which some events were left out.
    fn cut(&self, group: &Group) -> Result<(), String> {
        let filter = &self.manifest.filter;
        for line in &group.lines {
            let super::line::Read::Event(line) = line else {
                return Err("is no event".to_owned());
            };
            let stream = stream(&line.event)?;
            let fits = filter.tenant.is_none_or(|tenant| tenant == stream.tenant)
                && filter.kind.is_none_or(|kind| kind == stream.kind)
                && filter.id.is_none_or(|id| id == stream.id)
                && filter.admits_type(&line.event.name);
            if !fits {
                return Err("is not wanted".to_owned());
            }
        }
        Ok(())
    }

    fn end(mut self) -> Report {
        let manifest = self.manifest;
        if !manifest.is_whole || manifest.format != Format::Ndjson {
            return self.report;
        }
        let root = self.tree.root();
        self.report.root = Some(root);
        if self.reached != manifest.last {
            let (reached, last) = (self.reached, manifest.last);
            self.find(format!("it ends at position {reached}, not at {last}"));
        }
        if manifest.root.as_deref() != Some(root.to_string().as_str()) {
            self.find(format!("its root is {root}, and not what {MANIFEST} says"));
        }
        if let Some(checkpoint) = self.checkpoint.take()
            && self.at_checkpoint != Some(checkpoint.root)
        {
            let size = checkpoint.size;
            self.find(format!(
                "the checkpoint over {size} commits has another root"
            ));
        }
        self.report
    }
}

/// What a checkpoint says, if one of `keys` has signed it or none is given.
fn opened(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, String> {
    let note: SignedNote = note.parse().map_err(|reason| format!("{reason}"))?;
    if !keys.is_empty() {
        note.open(keys).map_err(|reason| reason.to_string())?;
    }
    note.unverified()
        .parse()
        .map_err(|reason| format!("{reason}"))
}

/// Digests what is read through it.
struct Digesting<R> {
    bytes: u64,
    digest: Context,
    from: R,
}

impl<R> Digesting<R> {
    fn of(from: R) -> Self {
        Self {
            bytes: 0,
            digest: Context::new(&SHA256),
            from,
        }
    }

    fn end(self) -> Hash {
        let mut hash = Hash::ZERO;
        hash.0.copy_from_slice(self.digest.finish().as_ref());
        hash
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        self.digest.update(&bytes[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
