//! The command line.

pub mod analyze;
pub mod data;
pub mod fetch_bar;

use std::process::ExitCode;

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
