//! `specc check`: what is known about a spec before it runs.
//!
//! In: a spec. Out: a table of layers and the verdict on scaling; with `--json` one document `specc.check/1`;
//! with `--emit` one stage of the compiler as text.

pub mod emit;
pub mod json;
pub mod text;
