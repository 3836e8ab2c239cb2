//! The definitions of a spec and its imports, which share one set of names.

use std::collections::{BTreeMap, BTreeSet};

use super::built_in;
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic};
use crate::model::table::QUERIES;
use crate::model::{Block, ModelError, Value};
use crate::syntax::ast;

/// A loss with a body.
#[derive(Clone, Debug)]
pub(crate) struct LossDefinition {
    /// Its parameters with their defaults.
    pub(crate) params: Vec<ast::Param>,
    /// Its statements.
    pub(crate) body: Vec<ast::Stmt>,
    /// Names visible in its file.
    pub(crate) lets: BTreeMap<String, Spanned<Value>>,
    /// The name where it is defined.
    pub(crate) span: Span,
}

/// Every definition of a spec and its imports.
#[derive(Clone, Debug, Default)]
pub(super) struct Library {
    /// Blocks by name.
    pub(super) blocks: BTreeMap<String, Block>,
    /// Losses by name.
    pub(super) losses: BTreeMap<String, LossDefinition>,
    /// Values visible in the spec itself.
    pub(super) lets: BTreeMap<String, Spanned<Value>>,
    /// Names of the values, where they are defined.
    pub(super) own_lets: BTreeMap<String, Span>,
    /// Every name of a top-level definition, with what it is.
    taken: BTreeMap<String, (&'static str, Span)>,
    /// Values that other values use.
    pub(super) lets_in_lets: BTreeSet<String>,
}

impl LossDefinition {
    /// Every name that its body and its defaults mention.
    pub(super) fn mentions(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for param in &self.params {
            if let Some(default) = &param.default {
                crate::model::walk::names_of_expr(default, &mut names);
            }
        }
        crate::model::walk::names_of_body(&self.body, &mut names);
        names
    }
}

impl Library {
    /// Whether a name is that of a top-level definition.
    pub(super) fn taken(&self, name: &str) -> Option<(&'static str, Span)> {
        self.taken.get(name).copied()
    }

    /// The blocks among `names`.
    pub(super) fn used_blocks(&self, names: &BTreeSet<String>) -> BTreeMap<String, Block> {
        let used = self.blocks.iter().filter(|(name, _)| names.contains(*name));
        used.map(|(name, block)| (name.clone(), block.clone())).collect()
    }

    /// The losses that the selection names, directly or as a base.
    pub(super) fn mentioned_losses(&self, selected: Option<&ast::Call>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        if let Some(call) = selected {
            names.insert(call.callee.value.clone());
            for arg in &call.args {
                crate::model::walk::names_of_expr(&arg.value, &mut names);
            }
        }
        names.retain(|name| self.losses.contains_key(name));
        names
    }

    /// Takes a name for a definition; reports one that something has already.
    pub(super) fn claim(
        &mut self,
        what: &'static str,
        name: &ast::Name,
        errors: &mut Diagnostics,
    ) -> bool {
        let query = what == "a block" && QUERIES.contains(&name.value.as_str());
        let query = query.then(|| "a built-in shape query".to_owned());
        let taken = match built_in(&name.value).or(query) {
            Some(what) => Some((what, None)),
            None => {
                self.taken.get(&name.value).map(|(what, span)| ((*what).to_owned(), Some(*span)))
            }
        };
        if let Some((what, first)) = taken {
            let error =
                ModelError::NameTaken { name: name.value.clone(), what, first, span: name.span };
            errors.push(error.to_diagnostic());
            return false;
        }
        self.taken.insert(name.value.clone(), (what, name.span));
        true
    }
}
