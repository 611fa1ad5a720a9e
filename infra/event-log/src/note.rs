//! Signed notes: a short text with signatures below it, as the field's standard has it (C2SP
//! `signed-note`), so that others' tools can check ours.
//!
//! A note is a text that ends with a newline, an empty line, and a line for each signature:
//! `— <name> base64(key id ‖ Ed25519 signature)`. A key is given to others as
//! `<name>+<key id>+base64(1 ‖ public key)`.
//!
//! Invariant: a text counts as signed only by a key that whoever asks trusts; what names an unknown
//! key is passed over, and what names a known one must hold.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What stands for Ed25519 before a public key.
const ALGORITHM: u8 = 1;
/// What a line of a signature begins with.
const DASH: &str = "\u{2014} ";

/// A public key by which signatures are checked, with its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

/// A private key with its name.
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
}

/// A text and its signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedNote {
    signatures: Vec<Signature>,
    text: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Signature {
    id: [u8; 4],
    name: String,
    bytes: Vec<u8>,
}

/// Why something is no signed note, or no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteError {
    /// The text is no signed note.
    #[error("is no signed note")]
    Malformed,
    /// The text is no public key.
    #[error("is no key of the form <name>+<id>+<key>")]
    NotAKey,
    /// The bytes are no private key of Ed25519.
    #[error("is no private key of Ed25519 (PKCS #8)")]
    NotAPrivateKey,
    /// A signature bears the name and id of a trusted key and is not its.
    #[error("bears a signature that is not of the key it names")]
    Forged,
    /// No trusted key has signed.
    #[error("is signed by no trusted key")]
    Untrusted,
}

impl SigningKey {
    /// A new private key as PKCS #8.
    pub fn generate() -> Result<Vec<u8>, NoteError> {
        let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8());
        let made = made.map_err(|_| NoteError::NotAPrivateKey)?;
        Ok(made.as_ref().to_vec())
    }

    /// The key in `pkcs8`, to sign as `name`, which has neither white space nor `+`.
    pub fn new(name: impl Into<String>, pkcs8: &[u8]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| NoteError::NotAPrivateKey)?;
        let name = name.into();
        Ok(Self { name, pair })
    }

    /// By which its signatures are checked.
    pub fn verifier(&self) -> VerifierKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.pair.public_key().as_ref());
        VerifierKey {
            name: self.name.clone(),
            public,
        }
    }

    fn sign(&self, text: &str) -> Signature {
        Signature {
            id: self.verifier().id(),
            name: self.name.clone(),
            bytes: self.pair.sign(text.as_bytes()).as_ref().to_vec(),
        }
    }
}

impl VerifierKey {
    /// The public key of Ed25519 of whoever signs as `name`, which has neither white space nor `+`.
    pub fn new(name: impl Into<String>, public: [u8; 32]) -> Self {
        let name = name.into();
        Self { name, public }
    }

    /// The name under which it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells it from other keys of its name.
    fn id(&self) -> [u8; 4] {
        let key = [&[ALGORITHM][..], &self.public].concat();
        let named = [self.name.as_bytes(), b"\n", &key].concat();
        let mut id = [0; 4];
        id.copy_from_slice(&digest(&SHA256, &named).as_ref()[..4]);
        id
    }
}

impl SignedNote {
    /// Signs `text`, which ends with a newline, with each of `keys`.
    pub fn sign(text: impl Into<String>, keys: &[&SigningKey]) -> Self {
        let text = text.into();
        let signatures = keys.iter().map(|key| key.sign(&text)).collect();
        Self { signatures, text }
    }

    /// The text, if one of `keys` has signed it.
    pub fn open(&self, keys: &[VerifierKey]) -> Result<&str, NoteError> {
        let mut signed = false;
        for key in keys {
            signed |= self.is_signed_by(key)?;
        }
        if signed {
            Ok(&self.text)
        } else {
            Err(NoteError::Untrusted)
        }
    }

    /// The text, whoever may have signed it.
    pub fn unverified(&self) -> &str {
        &self.text
    }

    /// Whether `key` has signed; an error if a signature pretends that it has.
    pub fn is_signed_by(&self, key: &VerifierKey) -> Result<bool, NoteError> {
        let id = key.id();
        let mut by_key = self.signatures.iter();
        let Some(found) = by_key.find(|by| by.id == id && by.name == key.name) else {
            return Ok(false);
        };
        let public = UnparsedPublicKey::new(&ED25519, key.public);
        let verified = public.verify(self.text.as_bytes(), &found.bytes);
        verified.map(|()| true).map_err(|_| NoteError::Forged)
    }
}

impl std::fmt::Display for SignedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|by| {
            let bytes = [&by.id[..], &by.bytes].concat();
            writeln!(f, "{DASH}{} {}", by.name, STANDARD.encode(bytes))
        })
    }
}

impl std::str::FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, signatures) = (&note[..=end], &note[end + 2..]);
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let signatures: Result<Vec<_>, _> = signatures.split('\n').map(signature).collect();
        let text = text.to_owned();
        signatures.map(|signatures| Self { signatures, text })
    }
}

fn signature(line: &str) -> Result<Signature, NoteError> {
    let parts = line
        .strip_prefix(DASH)
        .and_then(|line| line.split_once(' '));
    let (name, bytes) = parts.ok_or(NoteError::Malformed)?;
    let bytes = STANDARD.decode(bytes).map_err(|_| NoteError::Malformed)?;
    let (id, signature) = bytes.split_first_chunk().ok_or(NoteError::Malformed)?;
    Ok(Signature {
        id: *id,
        name: name.to_owned(),
        bytes: signature.to_vec(),
    })
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = STANDARD.encode([&[ALGORITHM][..], &self.public].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::NotAKey;
        let (name, rest) = text.trim().split_once('+').ok_or_else(wrong)?;
        // The key itself may hold a `+`.
        let (id, key) = rest.split_once('+').ok_or_else(wrong)?;
        let key = STANDARD.decode(key).map_err(|_| wrong())?;
        let public = key.strip_prefix(&[ALGORITHM]).ok_or_else(wrong)?;
        let key = Self {
            name: name.to_owned(),
            public: public.try_into().map_err(|_| wrong())?,
        };
        let named = u32::from_str_radix(id, 16).map_err(|_| wrong())?;
        if named.to_be_bytes() != key.id() || name.is_empty() {
            return Err(wrong());
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> SigningKey {
        let pkcs8 = SigningKey::generate().expect("a key");
        SigningKey::new(name, &pkcs8).expect("a key")
    }

    /// The example of the specification of Go's `sumdb/note`, which C2SP took over.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SAID: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n\n\
                        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGU\
                        gYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_of_others_is_understood() {
        let key: VerifierKey = PETER.parse().expect("a key");
        assert_eq!(key.to_string(), PETER);
        let note: SignedNote = SAID.parse().expect("a note");
        assert_eq!(note.to_string(), SAID);
        let text = note.open(&[key]).expect("signed");
        assert!(text.ends_with("your problem is.\n"), "{text}");
    }

    #[test]
    fn only_a_trusted_key_counts_and_a_known_one_must_hold() {
        let (ours, theirs) = (key("log"), key("log"));
        let note = SignedNote::sign("a\nb\n", &[&ours]);
        let again: SignedNote = note.to_string().parse().expect("a note");
        assert_eq!(again, note);
        assert_eq!(again.open(&[ours.verifier()]), Ok("a\nb\n"));
        assert_eq!(again.open(&[theirs.verifier()]), Err(NoteError::Untrusted));
        let altered: SignedNote = note
            .to_string()
            .replacen('b', "c", 1)
            .parse()
            .expect("a note");
        assert_eq!(altered.open(&[ours.verifier()]), Err(NoteError::Forged));
        let both = SignedNote::sign("a\n", &[&theirs, &ours]);
        assert_eq!(both.open(&[ours.verifier()]), Ok("a\n"));
    }

    #[test]
    fn what_is_no_note_or_key_is_refused() {
        for wrong in ["", "a\n", "a\n\n", "a\n\n— log x\n", "a\n\nlog AAAA\n"] {
            assert_eq!(wrong.parse::<SignedNote>(), Err(NoteError::Malformed));
        }
        let other = PETER.replace("c74f20a3", "c74f20a4");
        for wrong in ["", "a+b", "+c74f20a3+AQ==", &other] {
            assert_eq!(wrong.parse::<VerifierKey>(), Err(NoteError::NotAKey));
        }
    }
}
