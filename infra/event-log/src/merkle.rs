//! The tree over the log: a Merkle tree as RFC 9162 §2.1 has it, whose leaves are the digests of
//! all entries in the order of positions.
//!
//! Invariant: the root after `n` entries depends on each of them and on their order, and on nothing
//! else; a proof holds only for the entry, the place and the tree that it was made for.

use aws_lc_rs::digest::{Context, SHA256};
use schemas::Hash;

/// What precedes a leaf, so that no inner node passes for one (RFC 9162 §2.1.1).
const LEAF: u8 = 0;
/// What precedes the two children of an inner node.
const NODE: u8 = 1;

/// A tree that grows, as the roots of the perfect trees that it consists of, largest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Frontier {
    roots: Vec<Hash>,
    size: u64,
}

impl Frontier {
    /// The tree of `size` leaves that consists of the perfect trees with these `roots`; none if
    /// there are not as many as such a tree has.
    pub fn new(roots: Vec<Hash>, size: u64) -> Option<Self> {
        (roots.len() as u32 == size.count_ones()).then_some(Self { roots, size })
    }

    /// Adds a leaf.
    pub fn push(&mut self, digest: &[u8]) {
        let mut node = leaf(digest);
        // As in adding one to a binary number: each perfect tree of the same size is merged.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("a root for each bit of the size");
            node = parent(left, node);
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root of the whole; of no leaves, the digest of nothing.
    pub fn root(&self) -> Hash {
        let from_the_right = self.roots.iter().rev().copied();
        let root = from_the_right.reduce(|right, left| parent(left, right));
        root.unwrap_or_else(|| digest(&[]))
    }

    /// The roots of the perfect trees, largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// The proof of a leaf while its tree is still being read.
///
/// What lies left of the leaf is known from the tree before it; what lies right of it is the trees
/// that follow, each as large as the leaf's own has become.
#[derive(Clone, Debug)]
pub struct Path {
    index: u64,
    left: Frontier,
    right: Vec<(u32, Hash)>,
    /// The tree that is being filled, and its level.
    open: Option<(u32, Frontier)>,
    size: u64,
}

impl Path {
    /// The proof of the leaf that comes next after `before`.
    pub fn begin(before: Frontier) -> Self {
        let index = before.size();
        Self {
            index,
            left: before,
            right: Vec::new(),
            open: None,
            size: index + 1,
        }
    }

    /// Takes in the next leaf after it.
    pub fn push(&mut self, digest: &[u8]) {
        let (level, mut open) = self.open.take().unwrap_or_else(|| {
            let from = self.right.last().map_or(0, |(level, _)| level + 1);
            let free = (from..u64::BITS).find(|level| self.index >> level & 1 == 0);
            (free.unwrap_or(u64::BITS), Frontier::default())
        });
        open.push(digest);
        self.size += 1;
        if level < u64::BITS && open.size() == 1 << level {
            self.right.push((level, open.root()));
        } else {
            self.open = Some((level, open));
        }
    }

    /// The proof that the leaf is in the tree as far as it was read, from the leaf up.
    pub fn end(self) -> Vec<Hash> {
        let mut right = self.right;
        right.extend(self.open.map(|(level, open)| (level, open.root())));
        let levels = 0..u64::BITS;
        let mut left = self.left.roots.into_iter().rev();
        let mut proof = Vec::new();
        for level in levels {
            if self.index >> level & 1 == 1 {
                proof.extend(left.next());
            } else if let Some((_, root)) = right.iter().find(|(at, _)| *at == level) {
                proof.push(*root);
            }
        }
        proof
    }
}

/// Whether `proof` shows that the leaf of `digest` is at `index` of the tree of `size` leaves with
/// `root` (RFC 9162 §2.1.3.2).
pub fn includes(digest: &[u8], index: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut node) = (index, size - 1, leaf(digest));
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = parent(*sibling, node);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            node = parent(node, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && node == root
}

fn leaf(of: &[u8]) -> Hash {
    digest(&[&[LEAF], of])
}

fn parent(left: Hash, right: Hash) -> Hash {
    digest(&[&[NODE], &left.0, &right.0])
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(part);
    }
    let mut hash = Hash::ZERO;
    hash.0.copy_from_slice(digest.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of the test vectors of Certificate Transparency.
    const LEAVES: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    /// The roots of their trees of 0, 1, … 8 leaves.
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn tree(leaves: &[&[u8]]) -> Frontier {
        let mut tree = Frontier::default();
        for leaf in leaves {
            tree.push(leaf);
        }
        tree
    }

    #[test]
    fn roots_are_those_of_the_standard() {
        for (size, root) in ROOTS.iter().enumerate() {
            assert_eq!(tree(&LEAVES[..size]).root().to_string(), *root, "{size}");
        }
    }

    #[test]
    fn a_tree_goes_on_from_its_frontier() {
        let half = tree(&LEAVES[..5]);
        let mut again = Frontier::new(half.roots().to_vec(), 5).expect("two roots");
        for leaf in &LEAVES[5..] {
            again.push(leaf);
        }
        assert_eq!(again, tree(&LEAVES));
        assert_eq!(Frontier::new(vec![Hash::ZERO], 3), None);
    }

    fn numbered(size: u64) -> Vec<[u8; 8]> {
        (0..size).map(u64::to_be_bytes).collect()
    }

    #[test]
    fn each_leaf_of_each_tree_has_a_proof_that_holds_for_nothing_else() {
        for size in 1..=40_u64 {
            let leaves = numbered(size);
            let slices: Vec<&[u8]> = leaves.iter().map(|leaf| &leaf[..]).collect();
            let root = tree(&slices).root();
            for index in 0..size {
                let at = index as usize;
                let mut path = Path::begin(tree(&slices[..at]));
                slices[at + 1..].iter().for_each(|leaf| path.push(leaf));
                let proof = path.end();
                let holds = |digest: &[u8], index, size, root, proof: &[Hash]| {
                    includes(digest, index, size, root, proof)
                };
                assert!(
                    holds(slices[at], index, size, root, &proof),
                    "{index} of {size}"
                );
                assert!(!holds(b"other", index, size, root, &proof));
                assert!(!holds(slices[at], index, size, Hash::ZERO, &proof));
                assert!(!holds(slices[at], size, size, root, &proof));
                for other in (0..size).filter(|other| *other != index) {
                    assert!(!holds(slices[at], other, size, root, &proof));
                }
                let longer = [proof.as_slice(), &[Hash::ZERO]].concat();
                assert!(!holds(slices[at], index, size, root, &longer));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!holds(slices[at], index, size, root, shorter));
                }
            }
        }
    }
}
