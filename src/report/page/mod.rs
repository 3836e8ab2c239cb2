//! A report as a page: titled sections of figures, tables, numbers, pictures and notes.
//!
//! In: what a report says, as a [`Page`]. Out: one self-contained HTML file ([`html`]), text for a terminal ([`text`]), or files
//! for a paper ([`files`]). Whoever fills a page says everything once; equal pages give equal bytes.

mod block;
mod code;
mod encode;
mod figure;
mod files;
mod html;
mod script;
mod style;
mod text;

pub use block::{
    Block, Claim, Fact, Figure, LabelledTable, Page, Picture, SampleCard, Section, Tone, Weight,
};
pub use files::files;
pub use html::html;
pub use text::text;
