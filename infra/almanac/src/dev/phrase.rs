//! Passwords that can be read aloud and typed.
//!
//! Invariant: 32 random bits each; enough against guessing at a gateway on loopback, and for
//! nothing else.

const COLOURS: [&str; 16] = [
    "amber", "azure", "coral", "cyan", "ebony", "ivory", "jade", "lilac", "maroon", "ochre",
    "olive", "pearl", "ruby", "sepia", "teal", "umber",
];
const TREES: [&str; 16] = [
    "alder", "aspen", "beech", "birch", "cedar", "elm", "fir", "hazel", "larch", "linden", "maple",
    "oak", "pine", "rowan", "spruce", "willow",
];
const ANIMALS: [&str; 16] = [
    "badger", "crane", "dormouse", "finch", "heron", "ibex", "kestrel", "lynx", "marten", "newt",
    "otter", "plover", "raven", "stoat", "tern", "wren",
];
const VERBS: [&str; 16] = [
    "bakes", "climbs", "dances", "digs", "draws", "floats", "hums", "jumps", "knits", "naps",
    "paints", "reads", "rows", "sails", "sings", "waves",
];

/// Such as `ruby-maple-otter-sings-23412`.
pub fn random() -> String {
    let [words, more, low, high] = runtime::random::bytes::<4>();
    let nibbles = [words >> 4, words & 15, more >> 4, more & 15].map(usize::from);
    let number = u16::from_le_bytes([low, high]);
    let [colour, tree, animal, verb] = nibbles;
    format!(
        "{}-{}-{}-{}-{number}",
        COLOURS[colour], TREES[tree], ANIMALS[animal], VERBS[verb]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_differ_and_are_plain() {
        let phrases: std::collections::HashSet<_> = (0..100).map(|_| random()).collect();
        assert!(phrases.len() > 98);
        for phrase in phrases {
            assert!(phrase.len() > 14, "{phrase}");
            assert!(
                phrase
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-')
            );
        }
    }
}
