//! Measures as a reader sees them.
//!
//! In: what `measure` took. Out: text of a stated width. Nothing here computes a measure, reads
//! a file or prints.

mod grid;
pub mod picture;
mod summary_table;
mod well_table;

pub use summary_table::{number, split_table, summary_table};
pub use well_table::well_table;
