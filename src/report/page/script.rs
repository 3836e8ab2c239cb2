//! What a page does by itself: it changes its ground, and gives drawings away as files.

/// Runs at the end of the page; without it everything can still be read.
pub(super) const SCRIPT: &str = include_str!("page.js");
