//! What `specc time` says: a table per phase with the time, operations and bytes of each layer, or one document.

mod document;
mod rows;
mod table;

use crate::compile::Compiled;
use crate::experiment::timing::{Peak, Timed};
use crate::ir::Layer;
use crate::lower::DType;
use crate::model;

pub use document::{document, failed};
pub use table::text;

/// Everything there is to show.
#[derive(Debug)]
pub struct Report<'a> {
    /// The spec.
    pub spec: &'a model::Spec,
    /// What was compiled, for places in it.
    pub compiled: &'a Compiled,
    /// The layers of the net.
    pub layers: &'a [Layer],
    /// What was measured.
    pub timed: Timed,
    /// What the machine can do.
    pub peak: Peak,
    /// Threads in use.
    pub threads: usize,
    /// Precision.
    pub dtype: DType,
    /// The executor by the name of its target.
    pub executor: &'static str,
    /// Whether samples are those of the data set.
    pub is_real: bool,
}
