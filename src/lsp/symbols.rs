//! The outline of a text: its items with what they define, broken items among them.

use std::collections::BTreeMap;

use lsp_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, SymbolKind, SymbolTag,
};

use super::documents::Document;
use super::lines::bytes;
use super::names::{Definition, Kind};
use super::workspace::Workspace;
use crate::syntax::ast::{Item, ItemKind};
use crate::syntax::{is_word, print_expr};

/// The symbols of a text, in the order of the text.
pub(super) fn symbols(
    workspace: &Workspace,
    params: &DocumentSymbolParams,
) -> Option<DocumentSymbolResponse> {
    let (document, analysis) = workspace.analysis(&params.text_document.uri)?;
    let items = analysis.tree.items.iter().map(|item| (bytes(item.span.0).start, item));
    let parsed: BTreeMap<usize, &Item> = items.collect();
    let names = analysis.names.definitions.iter();
    let names: BTreeMap<usize, &Definition> = names.map(|one| (one.range.start, one)).collect();
    let mut found = vec![];
    for range in &analysis.items {
        found.push(match parsed.get(&range.start) {
            Some(item) => of_item(document, &names, item),
            None => broken(document, range),
        });
    }
    Some(DocumentSymbolResponse::Nested(found))
}

fn of_item(
    document: &Document,
    names: &BTreeMap<usize, &Definition>,
    item: &Item,
) -> DocumentSymbol {
    let whole = bytes(item.span.0);
    let (name, kind, selection) = match &item.kind {
        ItemKind::Data(call) => {
            (format!("data {}", call.callee.value), SymbolKind::FILE, bytes(call.callee.span))
        }
        ItemKind::Net(net) => {
            let name = &net.head.callee;
            (format!("net {}", name.value), SymbolKind::CLASS, bytes(name.span))
        }
        ItemKind::Block(block) => {
            (format!("block {}", block.name.value), SymbolKind::FUNCTION, bytes(block.name.span))
        }
        ItemKind::Loss(loss) => {
            let kind =
                if loss.body.is_some() { SymbolKind::FUNCTION } else { SymbolKind::OPERATOR };
            let name = &loss.head.callee;
            (format!("loss {}", name.value), kind, bytes(name.span))
        }
        ItemKind::Train(train) => {
            let name = &train.optimizer.callee;
            (format!("train {}", name.value), SymbolKind::EVENT, bytes(name.span))
        }
        ItemKind::Analyze(_) => {
            ("analyze".to_owned(), SymbolKind::EVENT, whole.start..whole.start + "analyze".len())
        }
        ItemKind::Let(binding) => {
            let name = &binding.name;
            (format!("let {}", name.value), SymbolKind::CONSTANT, bytes(name.span))
        }
        ItemKind::Import(path) => {
            (format!("import \"{}\"", path.value), SymbolKind::MODULE, bytes(path.span))
        }
        ItemKind::Assert(expr) => {
            (format!("assert {}", print_expr(expr)), SymbolKind::BOOLEAN, bytes(expr.span))
        }
        ItemKind::Sweep(sweep) => {
            (format!("sweep {}", sweep.name.value), SymbolKind::ENUM, bytes(sweep.name.span))
        }
        ItemKind::Claim(claim) => {
            (format!("claim \"{}\"", claim.text.value), SymbolKind::BOOLEAN, bytes(claim.text.span))
        }
    };
    let mut symbol = one(document, &name, kind, whole.clone(), selection);
    let children: Vec<_> = names
        .range(whole.clone())
        .map(|(_, definition)| definition)
        .filter(|definition| whole != definition.whole)
        .filter_map(|definition| {
            let kind = match definition.kind {
                Kind::Label => SymbolKind::FIELD,
                Kind::Local => SymbolKind::VARIABLE,
                Kind::Param => SymbolKind::TYPE_PARAMETER,
                Kind::Axis => SymbolKind::PROPERTY,
                Kind::Choice if definition.renamable => SymbolKind::ENUM_MEMBER,
                Kind::Choice
                | Kind::Net
                | Kind::Block
                | Kind::Loss
                | Kind::Let
                | Kind::Turn
                | Kind::Sweep => return None,
            };
            let range = definition.range.clone();
            Some(one(document, &definition.name, kind, range.clone(), range))
        })
        .collect();
    symbol.children = (!children.is_empty()).then_some(children);
    symbol
}

/// An item that does not parse, by its first words.
fn broken(document: &Document, range: &std::ops::Range<usize>) -> DocumentSymbol {
    let text = &document.text[range.clone()];
    let mut words = text.split(|c: char| !is_word(&c.to_string()) && !c.is_ascii_digit());
    let keyword = words.next().unwrap_or_default();
    let name = words.find(|word| !word.is_empty()).unwrap_or_default();
    let name = format!("{keyword} {name}");
    let name = if name.trim().is_empty() { "…" } else { name.trim() };
    let mut symbol = one(document, name, SymbolKind::NULL, range.clone(), range.start..range.start);
    symbol.detail = Some("does not parse".to_owned());
    symbol.tags = Some(Vec::<SymbolTag>::new());
    symbol
}

fn one(
    document: &Document,
    name: &str,
    kind: SymbolKind,
    whole: std::ops::Range<usize>,
    selection: std::ops::Range<usize>,
) -> DocumentSymbol {
    #[expect(deprecated, reason = "the protocol's type has the field")]
    DocumentSymbol {
        name: name.to_owned(),
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: document.lines.range(&document.text, whole),
        selection_range: document.lines.range(&document.text, selection),
        children: None,
    }
}
