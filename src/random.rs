//! Randomness from the operating system, in the one form that is needed.

use std::fmt::Write as _;

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

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
