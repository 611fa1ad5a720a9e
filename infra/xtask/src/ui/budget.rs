//! How large the page may be.
//!
//! Invariant: sizes are those that travel, compressed with brotli; a page over budget by more than
//! a twentieth is not built.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result, bail};

const KIB: u64 = 1024;
const WASM_MAX: u64 = 350 * KIB;
const REST_MAX: u64 = 40 * KIB;

/// Bytes after brotli.
pub struct Sizes {
    wasm: u64,
    /// JavaScript and stylesheets.
    rest: u64,
}

impl Sizes {
    /// Measures a finished folder.
    pub fn of(dist: &Path) -> Result<Self> {
        let mut sizes = Self { wasm: 0, rest: 0 };
        for entry in fs::read_dir(dist.join("assets")).context("reading the page's assets")? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = entry.metadata()?.len();
            match name
                .strip_suffix(".br")
                .and_then(|name| name.rsplit_once('.'))
            {
                Some((_, "wasm")) => sizes.wasm += bytes,
                Some((_, "js" | "css")) => sizes.rest += bytes,
                _ => {}
            }
        }
        Ok(sizes)
    }

    pub fn check(&self) -> Result<()> {
        let over = |size: u64, max: u64| size > max + max / 20;
        if over(self.wasm, WASM_MAX) || over(self.rest, REST_MAX) {
            bail!(
                "the page is too large: {self}; the budget is wasm {} KiB, js + css {} KiB",
                WASM_MAX / KIB,
                REST_MAX / KIB,
            );
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |bytes: u64| bytes.div_ceil(KIB);
        write!(
            f,
            "wasm {} KiB br · js + css {} KiB br",
            kib(self.wasm),
            kib(self.rest)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_over_budget_is_refused() {
        assert!(
            Sizes {
                wasm: WASM_MAX,
                rest: REST_MAX
            }
            .check()
            .is_ok()
        );
        assert!(
            Sizes {
                wasm: WASM_MAX * 11 / 10,
                rest: 0
            }
            .check()
            .is_err()
        );
        assert!(
            Sizes {
                wasm: 0,
                rest: REST_MAX * 11 / 10
            }
            .check()
            .is_err()
        );
    }
}
