//! What a user reads when something is wrong: spans, codes, diagnostics and their rendering.
//!
//! Every stage reports through [`Diagnostic`]. A library error that has no place in a `.net` file
//! (a damaged data file, a full disk) becomes a `Diagnostic` without labels by [`ToDiagnostic`].

mod codes;
mod diagnostic;
mod fault;
mod json;
mod render;
mod source;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Fix, Label, Severity, ToDiagnostic, nearest};
pub use fault::Fault;
pub use json::{json, sort};
pub use render::{RenderStyle, render};
pub use source::{FileId, Position, SourceMap, Span, Spanned};
