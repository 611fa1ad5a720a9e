//! Which of two consistency tokens stands for more.
//!
//! Invariant: answers to requests that are under way together come in any order; what is kept never
//! goes back. A token begins with its position, so the bytes of a later one compare as greater.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The later of what is kept and what was heard.
pub fn later(kept: Option<String>, heard: String) -> String {
    let bytes = |token: &str| URL_SAFE_NO_PAD.decode(token).ok();
    match kept {
        Some(kept) if bytes(&kept) > bytes(&heard) => kept,
        _ => heard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_position_stays() {
        let token = |position: u64, seal: u8| {
            let bytes = [position.to_be_bytes(), [seal; 8]].concat();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        // Positions whose letters sort in another order than they do.
        for (low, high) in [(1, 2), (255, 256), (0x68_00, 0xF8_00), (25 << 50, 26 << 50)] {
            let (early, late) = (token(low, 255), token(high, 0));
            assert_eq!(later(Some(early.clone()), late.clone()), late);
            assert_eq!(later(Some(late.clone()), early.clone()), late);
            assert_eq!(later(None, early.clone()), early);
        }
    }
}
