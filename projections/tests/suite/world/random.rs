//! Chance that can be repeated.
//!
//! Invariant: the same seed gives the same numbers.

use serde_json::{Value, json};

/// `SplitMix64` (Steele 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// Values that lose something on the way through careless hands.
    pub fn odd(&mut self) -> Value {
        match self.below(9) {
            0 => json!(1e16),
            1 => json!(-0.0),
            2 => json!(0.1 + 0.2),
            3 => json!(1e300),
            4 => json!(5e-324),
            5 => json!({ "b": [u64::MAX, i64::MIN, null, true], "aa": "\"\\\u{1F600}\u{7f}" }),
            6 => json!([[], {}, "", " ", "\u{2028}"]),
            7 => json!(f64::from_bits(0x3FF0_0000_0000_0000 | self.next() >> 12)),
            _ => json!({ "n": self.below(3) }),
        }
    }
}
