//! Names, references and compression of the page's files.
//!
//! Invariant: a file's name follows from its content after its own references are resolved, so a
//! change anywhere changes the names on the way up to `index.html`, and nothing else.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};

const OPEN: &str = "{{asset:";
const CLOSE: &str = "}}";
/// Types that may name other files and are worth compressing.
const TEXT: [&str; 8] = [
    "css",
    "html",
    "js",
    "json",
    "svg",
    "txt",
    "webmanifest",
    "xml",
];

/// Fills `dist` from `ui/index.html`, `ui/assets`, `ui/public` and the glue.
pub fn assemble(ui: &Path, glue: &Path, dist: &Path) -> Result<()> {
    let mut sources = files(glue)?;
    sources.extend(files(&ui.join("assets"))?);
    let mut fixed = files(&ui.join("public"))?;
    let index = ui.join("index.html");
    fixed.insert("index.html".to_owned(), index);

    let urls = place_hashed(&sources, dist)?;
    for (name, path) in fixed {
        let content = resolved(
            &name,
            fs::read(&path).with_context(|| format!("reading {}", path.display()))?,
            &urls,
        )?
        .map_err(|missing| anyhow::anyhow!("{name} names {missing}, which is not an asset"))?;
        write_compressed(&dist.join(&name), &content)?;
    }
    Ok(())
}

/// Places every asset whose references are known, until all are; their URLs by name.
fn place_hashed(
    sources: &BTreeMap<String, PathBuf>,
    dist: &Path,
) -> Result<BTreeMap<String, String>> {
    let mut urls = BTreeMap::new();
    let mut waiting: Vec<&String> = sources.keys().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut reason = String::new();
        for name in std::mem::take(&mut waiting) {
            let path = &sources[name];
            let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            match resolved(name, content, &urls)? {
                Ok(content) => {
                    let url = hashed_url(name, &content);
                    write_compressed(&dist.join(&url[1..]), &content)?;
                    urls.insert(name.clone(), url);
                }
                Err(missing) => {
                    reason = format!("{name} names {missing}");
                    waiting.push(name);
                }
            }
        }
        if waiting.len() == before {
            bail!("{reason}, which is not an asset or names it in turn");
        }
    }
    Ok(urls)
}

/// The content with its references replaced, or the first name that is not known yet.
fn resolved(
    name: &str,
    content: Vec<u8>,
    urls: &BTreeMap<String, String>,
) -> Result<std::result::Result<Vec<u8>, String>> {
    if !TEXT.contains(&extension(name)) {
        return Ok(Ok(content));
    }
    let text = String::from_utf8(content).with_context(|| format!("{name} is not UTF-8"))?;
    let mut parts = text.split(OPEN);
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((asset, rest)) = part.split_once(CLOSE) else {
            bail!("{name}: {OPEN} without {CLOSE}");
        };
        let Some(url) = urls.get(asset) else {
            return Ok(Err(asset.to_owned()));
        };
        done += url;
        done += rest;
    }
    Ok(Ok(done.into_bytes()))
}

/// `style.css` → `/assets/style-<hash>.css`.
fn hashed_url(name: &str, content: &[u8]) -> String {
    let hash = blake3::hash(content).to_hex();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    format!("/assets/{stem}-{}.{extension}", &hash[..16])
}

/// Writes a file and, where it pays, its `.br` and `.gz`.
fn write_compressed(path: &Path, content: &[u8]) -> Result<()> {
    let place = |suffix: &str, bytes: &[u8]| -> Result<()> {
        let mut full = path.as_os_str().to_owned();
        full.push(suffix);
        fs::write(&full, bytes).with_context(|| format!("writing {}", path.display()))
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    place("", content)?;
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    if extension == "wasm" || TEXT.contains(&extension) {
        place(".br", &brotli(content)?)?;
        place(".gz", &gzip(content)?)?;
    }
    Ok(())
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// Files of a folder by their relative names; none if there is no such folder.
fn files(dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(dir)?.to_string_lossy().into_owned();
            found.insert(name, path);
        }
    }
    Ok(found)
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn page(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("has one"))?;
            fs::write(path, content)?;
        }
        assemble(
            &dir.path().join("ui"),
            &dir.path().join("glue"),
            &dir.path().join("dist"),
        )?;
        Ok(dir)
    }

    fn index(dir: &tempfile::TempDir) -> String {
        fs::read_to_string(dir.path().join("dist/index.html")).expect("placed")
    }

    #[test]
    fn references_are_resolved_through_each_other() {
        let files = |program: &'static str| {
            [
                (
                    "ui/index.html",
                    "<script src=\"{{asset:boot.js}}\"></script>",
                ),
                ("ui/assets/boot.js", "fetch('{{asset:ui.wasm}}')"),
                ("ui/public/robots.txt", "Disallow: /"),
                ("glue/ui.wasm", program),
            ]
        };
        let dir = page(&files("one")).expect("assembled");
        let html = index(&dir);
        let boot = html.split('"').nth(1).expect("a URL");
        assert!(boot.starts_with("/assets/boot-"), "{html}");
        let script = fs::read_to_string(dir.path().join("dist").join(&boot[1..])).expect("placed");
        let wasm = script.split('\'').nth(1).expect("a URL");
        assert!(
            dir.path().join("dist").join(&wasm[1..]).is_file(),
            "{script}"
        );
        assert!(dir.path().join("dist/robots.txt").is_file());
        let other = page(&files("two")).expect("assembled");
        assert_ne!(
            index(&other),
            html,
            "a changed program changes every name above it"
        );
    }

    #[test]
    fn unknown_and_circular_references_are_refused() {
        let unknown = page(&[("ui/index.html", "{{asset:none.css}}")]).expect_err("unknown");
        assert!(unknown.to_string().contains("none.css"), "{unknown}");
        let circular = page(&[
            ("ui/index.html", ""),
            ("ui/assets/a.js", "{{asset:b.js}}"),
            ("ui/assets/b.js", "{{asset:a.js}}"),
        ]);
        assert!(
            circular
                .expect_err("circular")
                .to_string()
                .contains("in turn")
        );
    }

    #[test]
    fn side_files_hold_the_same_content() {
        let text = "almanac ".repeat(1_000);
        let dir = page(&[("ui/index.html", &text)]).expect("assembled");
        let read = |suffix: &str| {
            fs::read(dir.path().join(format!("dist/index.html{suffix}"))).expect("placed")
        };
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(read(".gz").as_slice())
            .read_to_string(&mut unpacked)
            .expect("gzip");
        assert_eq!(unpacked, text);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut read(".br").as_slice(), &mut plain).expect("brotli");
        assert_eq!(plain, text.as_bytes());
        assert!(read(".br").len() < 100);
    }
}
