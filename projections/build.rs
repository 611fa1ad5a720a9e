//! Rebuilds the crate when a migration is added.
//!
//! Invariant: the migrations inside the binary are those of the folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
