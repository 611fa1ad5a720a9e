//! Watches the page, so that a newly built one is embedded by the next build.
//!
//! Invariant: without a built page nothing is watched that changes, so nothing is built twice.

use std::path::Path;

fn main() {
    let built = Path::new("../ui/dist");
    // A missing path would be "changed" at every build; its parent changes when it appears.
    let watched = if built.exists() {
        "../ui/dist"
    } else {
        "../ui"
    };
    println!("cargo::rerun-if-changed={watched}");
}
