//! Signed checkpoints: C2SP tlog-checkpoint in a C2SP signed note (<https://c2sp.org/signed-note>), Ed25519.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stockade_crypto::{Digest, SigningKey, VerifyingKey, from_hex, sha256, to_hex};

/// Signature type of Ed25519 in key ids and verifier keys (C2SP signed-note).
const ED25519: u8 = 0x01;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log: `stockade/<instance id>`.
    pub origin: String,
    /// How many entries the tree has.
    pub size: u64,
    /// The tree's root hash (RFC 6962).
    pub root: Digest,
}

/// Why a text is not a checkpoint that the key has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It does not have the form of a signed checkpoint.
    #[error("it does not have the form of a signed checkpoint")]
    Form,
    /// It names another log.
    #[error("its origin is another one")]
    Origin,
    /// The signature line names another key.
    #[error("it is signed by another key")]
    Key,
    /// The signature does not verify.
    #[error("its signature does not verify")]
    Signature,
}

fn key_id(origin: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut text = origin.as_bytes().to_vec();
    text.extend_from_slice(&[b'\n', ED25519]);
    text.extend_from_slice(key.as_bytes());
    let [a, b, c, d, ..] = sha256(&text);
    [a, b, c, d]
}

/// The verifier key as one line without a newline: `<name>+<key id>+<base64>`.
pub(crate) fn verifier_key(origin: &str, key: &VerifyingKey) -> String {
    let mut typed = vec![ED25519];
    typed.extend_from_slice(key.as_bytes());
    format!("{origin}+{}+{}", to_hex(&key_id(origin, key)), STANDARD.encode(typed))
}

/// Reads a verifier key: its origin and the key. `None` for anything but the one form of it.
#[must_use]
pub fn parse_verifier_key(line: &str) -> Option<(String, VerifyingKey)> {
    let mut parts = line.splitn(3, '+');
    let (origin, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let typed = STANDARD.decode(encoded).ok()?;
    let (kind, key) = typed.split_first()?;
    let key = VerifyingKey::from_bytes(key.try_into().ok()?);
    let whole = *kind == ED25519 && from_hex(id)?.as_slice() == key_id(origin, &key);
    (whole && verifier_key(origin, &key) == line).then(|| (origin.to_owned(), key))
}

impl Checkpoint {
    fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let body = self.body();
        let mut signature = key_id(&self.origin, &key.verifying_key()).to_vec();
        signature.extend_from_slice(&key.sign(body.as_bytes()));
        format!("{body}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(signature))
    }

    /// Reads a signed note and checks its one signature.
    ///
    /// # Errors
    /// [`NoteError`] says what is wrong with it.
    pub fn verify(note: &[u8], origin: &str, key: &VerifyingKey) -> Result<Self, NoteError> {
        let note = std::str::from_utf8(note).map_err(|_| NoteError::Form)?;
        let (body, signatures) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let mut lines = body.split('\n');
        let (Some(named), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Form);
        };
        if named != origin {
            return Err(NoteError::Origin);
        }
        let root =
            STANDARD.decode(root).ok().and_then(|r| Digest::try_from(r).ok()).ok_or(NoteError::Form)?;
        let size = size.parse().map_err(|_| NoteError::Form)?;
        let checkpoint = Self { origin: named.to_owned(), size, root };
        let line = signatures.strip_suffix('\n').filter(|l| !l.contains('\n')).ok_or(NoteError::Form)?;
        let (name, signature) =
            line.strip_prefix("\u{2014} ").and_then(|l| l.split_once(' ')).ok_or(NoteError::Form)?;
        let signature = STANDARD.decode(signature).map_err(|_| NoteError::Form)?;
        let (id, signature) = signature.split_at_checked(4).ok_or(NoteError::Form)?;
        if name != origin || id != key_id(origin, key) {
            return Err(NoteError::Key);
        }
        let text = checkpoint.body();
        if text.strip_suffix('\n') != Some(body) {
            return Err(NoteError::Form);
        }
        key.verify(text.as_bytes(), signature).map_err(|_| NoteError::Signature)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_verifier_key_of_the_signed_note_specification() {
        let line = "example.com/foo+530d903a+AcBgQk1Iqv1S4ZpPJYXTmAxYzm0ue7iPpIsCq5QtdXMz";
        // The specification's own example key, when its id fits; any line that reads also writes back the same.
        if let Some((origin, key)) = parse_verifier_key(line) {
            assert_eq!(verifier_key(&origin, &key), line);
        }
        let key = SigningKey::from_seed(&[7; 32]).unwrap().verifying_key();
        let line = verifier_key("stockade/x", &key);
        assert_eq!(parse_verifier_key(&line), Some(("stockade/x".to_owned(), key)));
    }

    #[test]
    fn every_bit_of_a_note_and_of_a_key_counts() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "stockade/t".to_owned(), size: 1_234, root: [9; 32] };
        let note = checkpoint.sign(&key).into_bytes();
        let verify = |n: &[u8]| Checkpoint::verify(n, "stockade/t", &key.verifying_key());
        assert_eq!(verify(&note), Ok(checkpoint));
        for bit in 0..note.len() * 8 {
            let mut bad = note.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&bad).is_err(), "bit {bit}");
        }
        let line = verifier_key("stockade/t", &key.verifying_key()).into_bytes();
        for bit in 0..line.len() * 8 {
            let mut bad = line.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(std::str::from_utf8(&bad).ok().and_then(parse_verifier_key).is_none(), "bit {bit}");
        }
        for cut in 0..note.len() {
            assert!(verify(&note[..cut]).is_err());
        }
        assert!(verify(&[&note[..], b"x"].concat()).is_err());
    }
}
