//! What is offered at a place.

use std::path::Path;

use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, Range, TextEdit};

use super::item::markdown;
use super::scope::{Scope, axes};
use super::spot::{Want, of_key};
use crate::check::STATEMENTS;
use crate::loss::functions;
use crate::lsp::analysis::Analysis;
use crate::lsp::documents::Document;
use crate::lsp::names::{Definition, Kind};
use crate::lsp::workspace::Workspace;
use crate::lsp::{hover, manual};
use crate::model::sweep::ITEMS;
use crate::model::table::{CallRow, Group, ParamRow, QUERIES, Type};
use crate::syntax::ast::{Call, ExprKind, ItemKind};
use crate::syntax::{ITEM_KEYWORDS, Token};

/// The place and what is known around it.
pub(super) struct Offer<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) document: &'a Document,
    pub(super) analysis: &'a Analysis,
    pub(super) scope: Scope,
    /// The word that is being written.
    pub(super) range: Range,
    /// Whether parentheses follow already.
    pub(super) has_parens: bool,
}

impl Offer<'_> {
    /// Everything that may stand there, the likely first.
    pub(super) fn items(&self, want: &Want) -> Vec<CompletionItem> {
        let mut out = vec![];
        self.add(want, &mut out);
        for (i, item) in out.iter_mut().enumerate() {
            item.sort_text = Some(format!("{i:04}"));
        }
        out
    }

    fn add(&self, want: &Want, out: &mut Vec<CompletionItem>) {
        match want {
            Want::Nothing => {}
            Want::Item => out.extend(ITEM_KEYWORDS.iter().map(|word| self.keyword(word))),
            Want::Layer { statement } => {
                out.extend(self.bound());
                out.extend(Group::Layer.rows().iter().map(|row| self.row(Group::Layer, row)));
                self.definitions(&[Kind::Block, Kind::Let], out);
                out.extend(["in", "classes"].map(|word| self.word(word)));
                out.extend(QUERIES.iter().map(|word| self.word(word)));
                if *statement {
                    out.extend(["let", "out", "repeat", "if"].map(|word| self.keyword(word)));
                }
            }
            Want::Term { statement } => {
                out.extend(self.bound());
                out.extend(["logits", "label", "classes"].map(|word| self.word(word)));
                out.extend(functions().map(|word| self.word(word)));
                self.definitions(&[Kind::Let], out);
                if *statement {
                    out.extend(["let", "out", "if"].map(|word| self.keyword(word)));
                }
            }
            Want::Call(group) => {
                out.extend(group.rows().iter().map(|row| self.row(*group, row)));
                if *group == Group::Loss {
                    self.definitions(&[Kind::Loss], out);
                }
            }
            Want::Net => self.definitions(&[Kind::Net], out),
            Want::Value(param) => self.values(*param, out),
            Want::Argument { row, given, next } => {
                let is_given = |param: &&ParamRow| given.iter().any(|key| key == param.name);
                let free = row.params.iter().filter(|param| !is_given(param));
                out.extend(free.map(|param| self.key(row, param, "=")));
                self.add(next, out);
            }
            Want::OwnArgument { owner, given } => {
                out.extend(self.own_params(owner, given));
                self.values(None, out);
            }
            Want::Entry(row) => {
                out.extend(row.params.iter().map(|param| self.key(row, param, " = ")));
            }
            Want::Axis => {
                out.push(self.keyword("where"));
                out.extend(ITEMS.iter().chain(&["seeds"]).map(|word| self.word(word)));
                out.extend(self.override_keys());
            }
            Want::Setting => {
                out.extend(ITEMS.iter().map(|word| self.word(word)));
                out.extend(self.override_keys());
            }
            Want::Of(key) => self.add(&of_key(key), out),
            Want::Condition => {
                out.extend(self.axes().iter().map(|(key, _)| self.plain(key, "axis")));
            }
            Want::Label(axis) => {
                let of = |key: &str| axis.as_ref().is_none_or(|axis| axis == key);
                for (key, labels) in self.axes().iter().filter(|(key, _)| of(key)) {
                    let detail = format!("label of `{key}`");
                    out.extend(labels.iter().map(|label| self.plain(label, &detail)));
                }
            }
            Want::Measure => self.measures(out),
            Want::Statement => {
                out.extend(STATEMENTS.iter().map(|word| self.word(word)));
                self.values(None, out);
            }
            Want::Subject => {
                out.extend(["net", "input"].map(|word| self.word(word)));
                for layer in &self.analysis.layers {
                    out.push(self.plain(&layer.name, &format!("{} {}", layer.kind, layer.shape)));
                }
            }
        }
    }

    fn axes(&self) -> Vec<(String, Vec<String>)> {
        axes(&self.analysis.tokens, &self.document.text)
    }

    /// Names that the item at hand has bound, the last one first.
    fn bound(&self) -> Vec<CompletionItem> {
        self.scope.names.iter().rev().map(|name| self.plain(name, "of this item")).collect()
    }

    fn values(&self, param: Option<&'static ParamRow>, out: &mut Vec<CompletionItem>) {
        let ty = param.map(|param| param.ty);
        out.extend(ty.map_or(&[][..], Type::choices).iter().map(|word| self.word(word)));
        let words: &[&str] = match ty {
            Some(Type::Bool) => &["true", "false"],
            Some(Type::Pad) => &["same"],
            Some(Type::Scale) => &["trainable", "fixed", "R", "r1", "r2", "lambda"],
            _ => &[],
        };
        out.extend(words.iter().map(|word| self.word(word)));
        if matches!(ty, Some(Type::Word(_) | Type::Text | Type::Flag)) {
            return;
        }
        out.extend(self.bound());
        self.definitions(&[Kind::Let], out);
        if matches!(ty, None | Some(Type::Int)) {
            out.push(self.word("classes"));
        }
    }

    /// Definitions of the file and of what it imports.
    fn definitions(&self, kinds: &[Kind], out: &mut Vec<CompletionItem>) {
        let wanted =
            |one: &&Definition| kinds.contains(&one.kind) && !self.scope.names.contains(&one.name);
        let text = &self.document.text;
        let own = self.analysis.names.definitions.iter().filter(wanted);
        out.extend(own.map(|one| self.definition(one, text, "")));
        if self.analysis.names.imports.is_empty() {
            return;
        }
        for file in self.workspace.imported(&self.workspace.view(self.document)) {
            let from = file.path.as_deref().and_then(Path::file_name).unwrap_or_default();
            let from = format!(" from `{}`", from.display());
            let shared = file.names.definitions.iter().filter(|one| one.kind.is_shared());
            out.extend(shared.filter(wanted).map(|one| self.definition(one, &file.text, &from)));
        }
    }

    fn own_params(&self, owner: &str, given: &[String]) -> Vec<CompletionItem> {
        let kinds = [Kind::Block, Kind::Loss, Kind::Net];
        let found = |names: &crate::lsp::names::Names| -> Option<Vec<String>> {
            let idx = names
                .definitions
                .iter()
                .position(|one| kinds.contains(&one.kind) && one.name == owner)?;
            let params = names.owned(idx).filter(|one| one.kind == Kind::Param);
            Some(params.map(|one| one.name.clone()).collect())
        };
        let imported = || {
            let files = self.workspace.imported(&self.workspace.view(self.document));
            files.iter().find_map(|file| found(&file.names))
        };
        let params = found(&self.analysis.names).or_else(imported).unwrap_or_default();
        let free = params.iter().filter(|param| !given.contains(param));
        let detail = format!("parameter of `{owner}`");
        let key = |param: &String| CompletionItem {
            detail: Some(detail.clone()),
            ..self.item(param, CompletionItemKind::FIELD, format!("{param}="), false)
        };
        free.map(key).collect()
    }

    /// Every key that an override may name, with what it does.
    fn override_keys(&self) -> Vec<CompletionItem> {
        let mut out = vec![];
        let mut add = |section: &str, row: &'static CallRow| {
            out.extend(row.params.iter().map(|param| CompletionItem {
                detail: Some(param.signature()),
                documentation: Some(markdown(hover::key(row, param))),
                ..self.plain(&format!("{section}.{}", param.name), "")
            }));
        };
        for item in &self.analysis.tree.items {
            match &item.kind {
                ItemKind::Data(call) => {
                    Group::Data
                        .row(&call.callee.value)
                        .into_iter()
                        .for_each(|row| add("data", row));
                }
                ItemKind::Loss(loss) if loss.body.is_none() => {
                    let row = Group::Loss.row(&loss.head.callee.value);
                    row.into_iter().for_each(|row| add("loss", row));
                    let base = inner(&loss.head, "base").and_then(|base| Group::Loss.row(base));
                    base.into_iter().for_each(|row| add("loss.base", row));
                }
                ItemKind::Train(train) => {
                    Group::Train.row("train").into_iter().for_each(|row| add("train", row));
                    let outer = &train.optimizer;
                    let names = [Some(outer.callee.value.as_str()), inner(outer, "optimizer")];
                    let rows =
                        names.into_iter().flatten().filter_map(|name| Group::Optimizer.row(name));
                    rows.for_each(|row| add("train", row));
                }
                ItemKind::Net(_) => {
                    Group::Net.row("net").into_iter().for_each(|row| add("net", row));
                }
                ItemKind::Loss(_)
                | ItemKind::Block(_)
                | ItemKind::Analyze(_)
                | ItemKind::Let(_)
                | ItemKind::Import(_)
                | ItemKind::Assert(_)
                | ItemKind::Sweep(_)
                | ItemKind::Claim(_) => {}
            }
        }
        let lets = self.analysis.names.definitions.iter().filter(|one| one.kind == Kind::Let);
        out.extend(lets.map(|one| self.plain(&format!("let.{}", one.name), "a value of the file")));
        out
    }

    fn measures(&self, out: &mut Vec<CompletionItem>) {
        for (code, meaning) in manual::first_cells("Measures") {
            let of_run = code == "R" || code.starts_with("scales.") || code.starts_with("best.");
            let sets: &[&str] = if of_run { &[""] } else { &["test.", "train.", "val."] };
            for set in sets {
                let label = format!("{set}{code}");
                let snippet = code.contains('(') && self.workspace.snippets;
                let text = if snippet {
                    label.replace('(', "(${1:").replace(')', "})")
                } else {
                    label.clone()
                };
                out.push(CompletionItem {
                    detail: Some(meaning.to_owned()),
                    ..self.item(&label, CompletionItemKind::VALUE, text, snippet)
                });
            }
        }
        out.extend(["min", "max"].map(|word| self.plain(word, "of several")));
    }
}

/// The name of the call that an argument of a call is.
fn inner<'a>(call: &'a Call, key: &str) -> Option<&'a str> {
    let has_key = |arg: &&crate::syntax::ast::Arg| {
        arg.key.as_ref().map_or(key == "optimizer", |name| name.value == key)
    };
    let arg = call.args.iter().find(has_key)?;
    if let ExprKind::Call(inner) = &arg.value.value { Some(&inner.callee.value) } else { None }
}

/// The specs that a path in an `import` may name.
pub(super) fn imports(
    workspace: &Workspace,
    document: &Document,
    analysis: &Analysis,
    token: &Token,
) -> Option<Vec<CompletionItem>> {
    let before = analysis.tokens.iter().rev().find(|other| other.end <= token.start)?;
    if !before.is(&document.text, "import") {
        return None;
    }
    let text = token.text(&document.text);
    let end = if text.len() > 1 && text.ends_with('"') { token.end - 1 } else { token.end };
    let range = document.lines.range(&document.text, token.start + 1..end);
    let folder = document.path.as_deref().and_then(Path::parent)?;
    let others = workspace.specs_below(folder);
    let paths = others.iter().filter(|path| Some(*path) != document.path.as_ref());
    let relative = paths.filter_map(|path| path.strip_prefix(folder).ok()?.to_str());
    let item = |path: &str| CompletionItem {
        label: path.to_owned(),
        kind: Some(CompletionItemKind::FILE),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, path.to_owned()))),
        ..CompletionItem::default()
    };
    Some(relative.map(item).collect())
}
