//! The command line.

pub mod analyze;
pub mod data;
pub mod explain;
pub mod fetch_bar;
pub mod fmt;

use std::process::ExitCode;

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
