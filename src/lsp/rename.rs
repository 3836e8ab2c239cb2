//! Renaming: a definition and all its uses, also in files that import it, or a reason why not.
//!
//! Nothing is renamed by halves: a file with an item that does not parse may hide uses, and a name that exists already would
//! change what others mean.

use std::collections::HashMap;

use lsp_server::ErrorCode;
use lsp_types::{
    PrepareRenameResponse, RenameParams, TextDocumentPositionParams, TextEdit, WorkspaceEdit,
};

use super::names::{Definition, Kind};
use super::navigate::{Found, found_at, uses};
use super::server::{Refusal, refusal};
use super::workspace::{FileView, Workspace};
use crate::model::built_in;
use crate::model::sweep::ITEMS;
use crate::model::table::QUERIES;
use crate::syntax::{is_reserved, is_word};

/// `textDocument/prepareRename`: the name at a place, where it is one that can be renamed.
pub(super) fn prepare(
    workspace: &Workspace,
    params: &TextDocumentPositionParams,
) -> Option<PrepareRenameResponse> {
    let uri = &params.text_document.uri;
    let found = found_at(workspace, uri, params.position)?;
    if !found.definition().renamable {
        return None;
    }
    let document = workspace.document(uri)?;
    let at = document.lines.offset(&document.text, params.position);
    let here = |range: &std::ops::Range<usize>| range.start <= at && at <= range.end;
    let mut ranges = vec![];
    if found.file.uri == *uri {
        ranges.push(found.definition().range.clone());
    }
    for (file, uses) in uses(workspace, &found) {
        if file.uri == *uri {
            ranges.extend(uses.into_iter().map(|used| used.range));
        }
    }
    let range = ranges.into_iter().find(here)?;
    Some(PrepareRenameResponse::RangeWithPlaceholder {
        range: document.lines.range(&document.text, range),
        placeholder: found.definition().name.clone(),
    })
}

/// `textDocument/rename`.
///
/// # Errors
/// The name cannot be given, with the reason.
pub(super) fn rename(
    workspace: &Workspace,
    params: &RenameParams,
) -> Result<Option<WorkspaceEdit>, Refusal> {
    let place = &params.text_document_position;
    let Some(found) = found_at(workspace, &place.text_document.uri, place.position) else {
        return Ok(None);
    };
    let refuse = |text: String| Err(refusal(ErrorCode::RequestFailed, &text));
    let definition = found.definition();
    let (old, new) = (&definition.name, params.new_name.trim());
    if !definition.renamable {
        return refuse(format!("`{old}` stands for itself and has no name of its own"));
    }
    if !is_word(new) || is_reserved(new) {
        return refuse(format!("`{new}` is no name: ASCII letters, digits and `_`, no keyword"));
    }
    let files = uses(workspace, &found);
    for (file, _) in &files {
        if !file.parses {
            return refuse(format!("`{old}` cannot be renamed while an item does not parse"));
        }
        if let Some(what) = taken(file, &found, new) {
            return refuse(format!("`{new}` exists already: {what}"));
        }
    }
    #[expect(clippy::mutable_key_type, reason = "the protocol's type has addresses as keys")]
    let mut changes: HashMap<_, Vec<TextEdit>> = HashMap::new();
    let own = (found.file.clone(), definition.range.clone());
    let others = files
        .iter()
        .flat_map(|(file, uses)| uses.iter().map(move |used| (file.clone(), used.range.clone())));
    for (file, range) in std::iter::once(own).chain(others) {
        let edit = TextEdit::new(file.lines.range(&file.text, range), new.to_owned());
        changes.entry(file.uri).or_default().push(edit);
    }
    Ok(Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }))
}

/// What bears a name in a file, where that keeps the definition from taking it.
fn taken(file: &FileView, found: &Found, new: &str) -> Option<String> {
    let definition = found.definition();
    if definition.name == new {
        return None;
    }
    let value =
        |kind: Kind| kind.is_shared() || matches!(kind, Kind::Param | Kind::Local | Kind::Turn);
    let clashes = |other: &&Definition| match definition.kind {
        Kind::Net | Kind::Sweep => other.kind == definition.kind,
        Kind::Label | Kind::Axis | Kind::Choice => {
            other.kind == definition.kind && other.owner == definition.owner
        }
        Kind::Block | Kind::Loss | Kind::Let => value(other.kind),
        Kind::Param | Kind::Local | Kind::Turn => {
            other.kind.is_shared() || (value(other.kind) && other.owner == definition.owner)
        }
    };
    let word = if definition.kind == Kind::Axis {
        (ITEMS.contains(&new) || new == "seeds").then(|| "a key of sweeps".to_owned())
    } else if value(definition.kind) {
        built_in(new).or_else(|| QUERIES.contains(&new).then(|| "a shape query".to_owned()))
    } else {
        None
    };
    word.or_else(|| {
        let names = &file.names.definitions;
        let other = names.iter().filter(|other| other.name == new).find(clashes)?;
        Some(format!("a {}", other.kind.noun()))
    })
}
