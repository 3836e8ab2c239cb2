//! The spec as a whole and its network templates.

use std::collections::{BTreeMap, BTreeSet};

use super::{Analyze, Loss, Train, Value};
use crate::data::DataSpec;
use crate::diag::{Span, Spanned};
use crate::syntax::ast;

/// A resolved spec: everything a run needs but the data itself.
#[derive(Clone, Debug)]
pub struct Spec {
    /// File stem of the spec; names run directories.
    pub name: String,
    /// The data.
    pub data: DataSpec,
    /// The `data` item.
    pub data_span: Span,
    /// Shape of one sample.
    pub sample_shape: Vec<usize>,
    /// Number of classes, known to the net as `classes`.
    pub classes: usize,
    /// Training samples in use; `None` where the files of a named set are not at hand.
    pub n_train: Option<usize>,
    /// The network.
    pub net: Net,
    /// The blocks that the net uses, imported ones included.
    pub blocks: BTreeMap<String, Block>,
    /// The top-level `let` values that bodies and asserts use, imported ones included.
    pub lets: BTreeMap<String, Spanned<Value>>,
    /// The selected loss.
    pub loss: Loss,
    /// The optimiser and the length of training.
    pub train: Train,
    /// What is measured besides the summary.
    pub analyze: Analyze,
    /// Statements about the network that must hold: `homogeneous(net, degree=4)`.
    pub asserts: Vec<ast::Expr>,
}

/// A network: defaults for its layers, permissions, and the body as written.
#[derive(Clone, Debug)]
pub struct Net {
    /// The name.
    pub name: Spanned<String>,
    /// Defaults for layer arguments: `init`, `bias`, `eps`, …
    pub defaults: BTreeMap<String, Spanned<Value>>,
    /// What the net allows itself.
    pub allow: BTreeSet<Permission>,
    /// The statements, expanded by `ir::build`.
    pub body: Vec<ast::Stmt>,
    /// The head of the item.
    pub span: Span,
}

/// Permissions of `allow = […]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Layers that break degree one, also under a scale-based loss.
    Nonhomogeneous,
}

/// A block template.
#[derive(Clone, Debug)]
pub struct Block {
    /// The name.
    pub name: Spanned<String>,
    /// Parameters with their defaults.
    pub params: Vec<ast::Param>,
    /// The statements.
    pub body: Vec<ast::Stmt>,
    /// Names visible in the file that defines the block.
    pub lets: BTreeMap<String, Spanned<Value>>,
}
