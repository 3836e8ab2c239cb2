//! The identity of a graph: equal computations of equal names have equal hashes, wherever they were written.

use sha2::{Digest, Sha256};

use super::{Graph, text};

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        for half in [byte >> 4, byte & 15] {
            digits.push(char::from_digit(half.into(), 16).expect("half a byte is one digit"));
        }
        digits
    })
}

/// SHA-256 of the graph's text, which holds no places in the source.
pub fn hash(graph: &Graph) -> [u8; 32] {
    Sha256::digest(text(graph).as_bytes()).into()
}
