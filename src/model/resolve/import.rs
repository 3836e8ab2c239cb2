//! Files and their definitions: blocks, losses and top-level `let`s, imported ones included.
//!
//! All definitions of all files share one set of names; a name that exists already is an error.

use std::collections::BTreeMap;

use super::decide::taken;
use super::library::{Library, LossDefinition};
use super::{LetScope, ResolveContext};
use crate::diag::{Diagnostics, FileId, Severity, Spanned, ToDiagnostic};
use crate::model::bind::{as_call, looks_like};
use crate::model::eval::eval;
use crate::model::{Block, ModelError, Value};
use crate::syntax::ast;

/// Imports of imports of …: a chain longer than this is a mistake.
const MAX_DEPTH: usize = 32;

/// Reads the imports of `spec` and gathers every definition.
pub(super) fn collect(
    spec: &ast::Spec,
    ctx: &mut ResolveContext<'_>,
    errors: &mut Diagnostics,
) -> Library {
    let mut reader =
        Collector { library: Library::default(), done: BTreeMap::new(), stack: vec![] };
    let main = format!("{}.net", ctx.name);
    reader.stack.push(main);
    let lets = reader.file(spec, "", ctx, errors);
    let mut library = reader.library;
    library.lets = lets;
    library
}

struct Collector {
    library: Library,
    /// Visible values of the files read so far, by path.
    done: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
    /// The files that are being read.
    stack: Vec<String>,
}

impl Collector {
    /// Definitions of one file; returns the values visible in it.
    fn file(
        &mut self,
        spec: &ast::Spec,
        folder: &str,
        ctx: &mut ResolveContext<'_>,
        errors: &mut Diagnostics,
    ) -> BTreeMap<String, Spanned<Value>> {
        let mut lets = BTreeMap::new();
        for item in &spec.items {
            if let ast::ItemKind::Import(path) = &item.kind {
                lets.extend(self.import(path, folder, ctx, errors));
            }
        }
        for item in &spec.items {
            let ast::ItemKind::Let(binding) = &item.kind else { continue };
            let claimed = self.library.claim("a `let`", &binding.name, errors);
            self.library.own_lets.insert(binding.name.value.clone(), binding.name.span);
            let scope = LetScope { lets: &lets, used: std::cell::RefCell::default() };
            let value = taken(&binding.value, &scope, errors);
            let value = value.and_then(|value| eval(&value, &scope, errors));
            self.library.lets_in_lets.append(&mut scope.used.into_inner());
            if claimed && let Some(value) = value {
                let value = Spanned::new(value, binding.name.span);
                lets.insert(binding.name.value.clone(), value);
            } else if claimed {
                // Uses of a broken value must not be reported as unknown names.
                let value = Spanned::new(Value::Int(1), binding.name.span);
                lets.insert(binding.name.value.clone(), value);
            }
        }
        for item in &spec.items {
            match &item.kind {
                ast::ItemKind::Block(block)
                    if self.library.claim("a block", &block.name, errors) =>
                {
                    let block = Block {
                        name: block.name.clone(),
                        params: block.params.clone(),
                        body: block.body.clone(),
                        lets: lets.clone(),
                    };
                    self.library.blocks.insert(block.name.value.clone(), block);
                }
                ast::ItemKind::Loss(loss) => {
                    if let Some(body) = &loss.body
                        && self.library.claim("a loss", &loss.head.callee, errors)
                    {
                        self.loss(&loss.head, body, &lets, errors);
                    }
                }
                ast::ItemKind::Block(_)
                | ast::ItemKind::Let(_)
                | ast::ItemKind::Import(_)
                | ast::ItemKind::Data(_)
                | ast::ItemKind::Net(_)
                | ast::ItemKind::Train(_)
                | ast::ItemKind::Analyze(_)
                | ast::ItemKind::Assert(_)
                | ast::ItemKind::Claim(_)
                | ast::ItemKind::Sweep(_) => {}
            }
        }
        lets
    }

    fn loss(
        &mut self,
        head: &ast::Call,
        body: &[ast::Stmt],
        lets: &BTreeMap<String, Spanned<Value>>,
        errors: &mut Diagnostics,
    ) {
        let name = &head.callee;
        let params = head.args.iter().filter_map(|arg| {
            if let Some(key) = &arg.key {
                return Some(ast::Param { name: key.clone(), default: Some(arg.value.clone()) });
            }
            let name = as_call(&arg.value).filter(|call| !call.parens);
            if name.is_none() {
                let error = ModelError::WrongType {
                    what: "a parameter".into(),
                    expected: "a name, or `name=default`".into(),
                    found: looks_like(&arg.value),
                    help: None,
                    span: arg.value.span,
                };
                errors.push(error.to_diagnostic());
            }
            name.map(|call| ast::Param { name: call.callee.clone(), default: None })
        });
        let params: Vec<_> = params.collect();
        if !has_out(body) {
            let span = name.span;
            let error = ModelError::LossBody { name: name.value.clone(), span };
            errors.push(error.to_diagnostic());
        }
        let definition =
            LossDefinition { params, body: body.to_vec(), lets: lets.clone(), span: name.span };
        self.library.losses.insert(name.value.clone(), definition);
    }

    fn import(
        &mut self,
        path: &Spanned<String>,
        folder: &str,
        ctx: &mut ResolveContext<'_>,
        errors: &mut Diagnostics,
    ) -> BTreeMap<String, Spanned<Value>> {
        let mut fail = |reason: String| {
            let path_text = path.value.clone();
            let error = ModelError::Import { path: path_text, reason, span: path.span };
            errors.push(error.to_diagnostic());
            BTreeMap::new()
        };
        let Some(full) = join(folder, &path.value) else {
            return fail("the path leaves the folder of the spec".into());
        };
        if let Some(lets) = self.done.get(&full) {
            return lets.clone();
        }
        if let Some(start) = self.stack.iter().position(|open| *open == full) {
            let mut chain = self.stack[start..].to_vec();
            chain.push(full);
            errors.push(ModelError::ImportCycle { chain, span: path.span }.to_diagnostic());
            return BTreeMap::new();
        }
        if self.stack.len() > MAX_DEPTH {
            return fail(format!("more than {MAX_DEPTH} files import one another"));
        }
        let text = match (ctx.load)(&full) {
            Ok(text) => text,
            Err(reason) => return fail(reason),
        };
        let file: FileId = ctx.sources.add(full.clone(), text);
        let (spec, problems) = crate::syntax::parse(file, ctx.sources.text(file));
        let (mut wrong, warnings): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|d| d.severity() == Severity::Error);
        errors.append(&mut wrong);
        ctx.warnings.extend(warnings);
        let inner = full.rfind('/').map_or("", |end| &full[..end]).to_owned();
        self.stack.push(full.clone());
        let lets = self.file(&spec, &inner, ctx, errors);
        self.stack.pop();
        self.done.insert(full, lets.clone());
        lets
    }
}

/// Whether some statement is an `out`.
fn has_out(body: &[ast::Stmt]) -> bool {
    body.iter().any(|stmt| match &stmt.kind {
        ast::StmtKind::Out(_) => true,
        ast::StmtKind::If { then, otherwise, .. } => has_out(then) || has_out(otherwise),
        ast::StmtKind::Let(_) | ast::StmtKind::Chain(_) | ast::StmtKind::Repeat { .. } => false,
    })
}

/// `path` seen from `folder`, both relative to the folder of the spec; `None` where it leaves that folder.
fn join(folder: &str, path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with('/') || path.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_stay_below_the_spec() {
        assert_eq!(join("", "blocks.net").as_deref(), Some("blocks.net"));
        assert_eq!(join("lib", "./a/../b.net").as_deref(), Some("lib/b.net"));
        assert_eq!(join("lib", "../b.net").as_deref(), Some("b.net"));
        for path in ["../b.net", "/etc/passwd", "a/../../b", "", "C:\\x"] {
            assert_eq!(join("", path), None, "{path}");
        }
    }
}
