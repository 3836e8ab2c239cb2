//! Shared generators for properties.

pub(crate) mod ast;
