//! Measures as a reader sees them.
//!
//! In: what `measure` took. Out: text of a stated width. Nothing here computes a measure, reads
//! a file or prints.

pub mod analysis;
mod calibration_table;
pub mod check;
pub mod data_sets;
mod grid;
pub mod picture;
mod sheet;
mod summary_table;
#[cfg(feature = "exec")]
pub mod timing;
mod well_table;

pub use calibration_table::calibration_table;
pub use sheet::{Image, contact_sheet};
pub use summary_table::{number, split_table, summary_table};
pub use well_table::well_table;
