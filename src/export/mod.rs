//! A trained net as files for other programs.
//!
//! In: a [`Source`]: a checked graph, its spec, the state of a run, and what is known about it. Out: an ONNX model, a PyTorch
//! module as one readable file, tensors by the names that PyTorch gives them. Everything is worked out from the graph, so that
//! every layer of the language can be exported. [`Format::write`] alone writes files; with feature `exec`, `compare` has other
//! programs run them.

mod about;
#[cfg(feature = "exec")]
mod compare;
mod error;
mod format;
pub mod onnx;
mod pytorch;
mod steps;
mod weights;

use crate::check::Checked;
use crate::lower::State;
use crate::model;

pub use about::{About, Pixels};
#[cfg(feature = "exec")]
pub use compare::{CompareError, Compared, compare};
pub use error::ExportError;
pub use format::{Format, WriteError};
pub use onnx::onnx;
pub use pytorch::pytorch;
pub use weights::{metadata, weights};

/// A program for Python that runs an exported file on samples and compares its logits with stored ones.
pub const VERIFY: &str = include_str!("verify.py");

/// What is exported.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The net.
    pub checked: &'a Checked,
    /// Its spec.
    pub spec: &'a model::Spec,
    /// Parameters and buffers.
    pub state: &'a State,
    /// Where they come from.
    pub about: &'a About,
}

impl Source<'_> {
    /// What the file holds, in one line.
    pub(crate) fn sentence(&self) -> String {
        let About { spec_hash, seed, step, .. } = self.about;
        let hash: String = spec_hash.chars().take(12).collect();
        let net = &self.spec.net.name.value;
        format!(
            "{net}, seed {seed} after {step} steps, spec {hash}, written by specc {}",
            About::VERSION
        )
    }
}
