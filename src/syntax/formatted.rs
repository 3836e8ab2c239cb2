//! A file of bytes in canonical layout.

use super::limits::MAX_BYTES;
use super::{decode, format};
use crate::diag::Diagnostics;

/// The text of a file and its formatted form.
///
/// # Errors
/// The text and what is wrong with it; of one that is no text, or too long, nothing is given, since labels point at its first
/// byte alone.
pub fn format_bytes(bytes: Vec<u8>) -> Result<(String, String), (String, Diagnostics)> {
    let text = decode(bytes).map_err(|diagnostic| (String::new(), vec![diagnostic]))?;
    match format(&text) {
        Ok(formatted) => Ok((text, formatted)),
        Err(diagnostics) if text.len() > MAX_BYTES => Err((String::new(), diagnostics)),
        Err(diagnostics) => Err((text, diagnostics)),
    }
}
