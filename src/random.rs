//! Secrets: made from the operating system's randomness, and kept as digests.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// A secret of 256 bits, as 64 hexadecimal digits.
#[must_use]
pub fn secret() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// A short name for a request, as 16 hexadecimal digits: no secret.
#[must_use]
pub fn request_id() -> String {
    hex(&rand::random::<[u8; 8]>())
}

/// The SHA-256 of a secret, as 64 hexadecimal digits: what is kept of it in the database.
#[must_use]
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The SHA-256 of a text that comes in pieces.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds the next piece.
    pub fn add(&mut self, text: &str) {
        self.0.update(text.as_bytes());
    }

    /// The SHA-256 of all pieces, as 64 hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How a parser of foreign bytes is tried: with 50,000 things (in `tests` beside each of them).
#[cfg(test)]
pub(crate) fn many() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: 50_000,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
