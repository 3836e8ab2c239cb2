//! How an offer looks in an editor: its label, what it writes, its documentation.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, InsertTextFormat,
    MarkupContent, MarkupKind, TextEdit,
};

use super::offer::Offer;
use crate::lsp::names::{Definition, Kind};
use crate::lsp::{hover, manual};
use crate::model::table::{CallRow, Default, Group, ParamRow, Type};

impl Offer<'_> {
    pub(super) fn definition(&self, one: &Definition, text: &str, from: &str) -> CompletionItem {
        let head = text[one.whole.clone()].split(['{', '\n']).next().unwrap_or_default().trim();
        let kind = if one.kind == Kind::Net {
            CompletionItemKind::CLASS
        } else if one.kind == Kind::Let {
            CompletionItemKind::CONSTANT
        } else {
            CompletionItemKind::FUNCTION
        };
        let docs = one.docs.join("\n");
        CompletionItem {
            detail: Some(format!("{head}{from}")),
            documentation: (!docs.is_empty()).then(|| markdown(docs)),
            ..self.item(&one.name, kind, one.name.clone(), false)
        }
    }

    /// A call of the language, with places for what must be given.
    pub(super) fn row(&self, group: Group, row: &'static CallRow) -> CompletionItem {
        let required = row.params.iter().filter(|param| param.default == Default::Required);
        let places: Vec<String> = required
            .enumerate()
            .map(|(i, param)| {
                let key = if param.positional { String::new() } else { format!("{}=", param.name) };
                format!("{key}${{{}:{}}}", i + 1, param.name)
            })
            .collect();
        let snippet = !places.is_empty() && !self.has_parens;
        let text = match (snippet, self.workspace.snippets) {
            (true, true) => format!("{}({})", row.name, places.join(", ")),
            (true, false) | (false, _) => row.name.to_owned(),
        };
        CompletionItem {
            detail: Some(row.signature()),
            documentation: Some(markdown(hover::page(group, row))),
            ..self.item(
                row.name,
                CompletionItemKind::FUNCTION,
                text,
                snippet && self.workspace.snippets,
            )
        }
    }

    /// A parameter with its default.
    pub(super) fn key(&self, row: &CallRow, param: &ParamRow, equals: &str) -> CompletionItem {
        let signature = param.signature();
        let default = match param.default {
            Default::Required | Default::None => "",
            Default::Int(_)
            | Default::Float(_)
            | Default::Bool(_)
            | Default::Word(_)
            | Default::Like(_)
            | Default::Formula(_) => signature.split_once('=').map_or("", |(_, value)| value),
        };
        let escaped = default.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}");
        let text = match (param.ty, self.workspace.snippets) {
            (Type::Flag, _) => param.name.to_owned(),
            (_, true) => format!("{}{equals}${{1:{escaped}}}", param.name),
            (_, false) => format!("{}{equals}", param.name),
        };
        let is_snippet = param.ty != Type::Flag && self.workspace.snippets;
        CompletionItem {
            detail: Some(signature),
            documentation: Some(markdown(hover::key(row, param))),
            ..self.item(param.name, CompletionItemKind::FIELD, text, is_snippet)
        }
    }

    pub(super) fn keyword(&self, word: &str) -> CompletionItem {
        self.item(word, CompletionItemKind::KEYWORD, word.to_owned(), false)
    }

    /// A word of the language with what the reference says of it.
    pub(super) fn word(&self, word: &str) -> CompletionItem {
        let about = manual::rows(word, "").join("\n\n");
        CompletionItem {
            documentation: (!about.is_empty()).then(|| markdown(about)),
            ..self.item(word, CompletionItemKind::CONSTANT, word.to_owned(), false)
        }
    }

    pub(super) fn plain(&self, name: &str, detail: &str) -> CompletionItem {
        CompletionItem {
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            ..self.item(name, CompletionItemKind::VARIABLE, name.to_owned(), false)
        }
    }

    pub(super) fn item(
        &self,
        label: &str,
        kind: CompletionItemKind,
        text: String,
        snippet: bool,
    ) -> CompletionItem {
        let format = if snippet { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT };
        CompletionItem {
            label: label.to_owned(),
            kind: Some(kind),
            filter_text: Some(label.to_owned()),
            insert_text_format: Some(format),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(self.range, text))),
            ..CompletionItem::default()
        }
    }
}

/// Documentation.
pub(super) fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })
}
