//! The identity of a graph: equal computations of equal names have equal hashes, wherever they were written.

use sha2::{Digest, Sha256};

use super::{Graph, text};

/// SHA-256 of the graph's text, which holds no places in the source.
pub fn hash(graph: &Graph) -> [u8; 32] {
    Sha256::digest(text(graph).as_bytes()).into()
}
