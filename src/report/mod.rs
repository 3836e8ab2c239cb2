//! Measures as a reader sees them.
//!
//! In: what `measure` took. Out: text of a stated width, pages, pictures. Nothing here prints; `runs` alone asks for stored
//! runs and takes the measures that its figures need.

pub mod analysis;
mod calibration_table;
pub mod check;
pub mod data_sets;
#[cfg(feature = "exec")]
mod devices;
pub mod fetching;
pub mod page;
pub mod picture;
#[cfg(feature = "exec")]
pub mod progress;
#[cfg(feature = "exec")]
pub mod runs;
mod sheet;
mod summary_table;
#[cfg(feature = "exec")]
pub mod timing;
#[cfg(feature = "exec")]
pub mod training;
mod well_table;

pub use calibration_table::calibration_table;
#[cfg(feature = "exec")]
pub use devices::devices;
pub use sheet::{Image, contact_sheet};
pub use summary_table::{best_line, number, split_table, summary_table};
pub use well_table::well_table;
