//! What `specc check` says of a checked net: tables, a document, and the facts of every node.

pub mod emit;
pub mod json;
mod stages;
pub mod text;

pub use stages::{Emitted, emitted};
