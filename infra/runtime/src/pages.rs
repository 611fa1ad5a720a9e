//! How the system hands this process its memory.
//!
//! Invariant: nothing that is computed depends on it, only when the time for it is spent.

/// Asks for memory in pages of 4 KiB, and for all programs that this process starts.
///
/// The kernel clears a page when it is first touched: a huge one of 2 MiB may take 10 ms in a
/// virtual machine, inside whichever command happens to need it. With 10,000 slots due at once a
/// fifth of the scheduler's time went there. A system that refuses costs nothing but that time.
pub fn prefer_small_pages() {
    #[cfg(target_os = "linux")]
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn huge_pages_are_off_from_then_on() {
        super::prefer_small_pages();
        let off = rustix::thread::transparent_huge_pages_are_disabled();
        assert!(off.expect("an answer"));
    }
}
