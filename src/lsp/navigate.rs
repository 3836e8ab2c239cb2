//! From a name to its definition and its uses, through imports.

use std::path::Path;

use lsp_types::{
    DocumentHighlight, DocumentHighlightKind, DocumentHighlightParams, GotoDefinitionParams,
    GotoDefinitionResponse, Location, Position, ReferenceParams, Uri,
};

use super::names::{Definition, Kind, Target, Use};
use super::uri;
use super::workspace::{FileView, Workspace};

/// A definition with its file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The file.
    pub(super) file: FileView,
    /// Its place in the names of the file.
    pub(super) idx: usize,
}

impl Found {
    /// The definition.
    pub(super) fn definition(&self) -> &Definition {
        &self.file.names.definitions[self.idx]
    }

    /// Where its name stands.
    fn location(&self) -> Location {
        let range = self.definition().range.clone();
        Location::new(self.file.uri.clone(), self.file.lines.range(&self.file.text, range))
    }
}

/// The definition of the name at a place of an open text.
pub(super) fn found_at(workspace: &Workspace, uri: &Uri, position: Position) -> Option<Found> {
    let document = workspace.document(uri)?;
    let at = document.lines.offset(&document.text, position);
    let file = workspace.view(document);
    let used = file.names.used_at(at).cloned();
    used.and_then(|used| resolve(workspace, &file, &used.target)).or_else(|| {
        let idx = file.names.defined_at(at)?;
        Some(Found { file, idx })
    })
}

/// What a use in a file means, where it is a definition of this or another file.
pub(super) fn resolve(workspace: &Workspace, file: &FileView, target: &Target) -> Option<Found> {
    match target {
        Target::Here(idx) => Some(Found { file: file.clone(), idx: *idx }),
        Target::Outer(name) => shared(workspace, file, name),
        Target::OuterParam { owner, key } => {
            let found = shared(workspace, file, owner)?;
            let idx = found.file.names.param(found.idx, key)?;
            Some(Found { idx, ..found })
        }
        Target::Row(..) | Target::Key(..) | Target::Word(_) | Target::Measure(_) => None,
    }
}

fn shared(workspace: &Workspace, file: &FileView, name: &str) -> Option<Found> {
    workspace.imported(file).into_iter().find_map(|file| {
        let idx = file.names.shared(name)?;
        Some(Found { file, idx })
    })
}

/// `textDocument/definition`.
pub(super) fn definition(
    workspace: &Workspace,
    params: &GotoDefinitionParams,
) -> Option<GotoDefinitionResponse> {
    let params = &params.text_document_position_params;
    let uri = &params.text_document.uri;
    let location = imported_at(workspace, uri, params.position)
        .or_else(|| Some(found_at(workspace, uri, params.position)?.location()))?;
    Some(GotoDefinitionResponse::Scalar(location))
}

/// The file whose path stands at a place.
fn imported_at(workspace: &Workspace, uri: &Uri, position: Position) -> Option<Location> {
    let document = workspace.document(uri)?;
    let at = document.lines.offset(&document.text, position);
    let file = workspace.view(document);
    let here =
        |(range, _): &&(std::ops::Range<usize>, String)| range.start <= at && at <= range.end;
    let (_, path) = file.names.imports.iter().find(here)?;
    let folder = document.path.as_deref().and_then(Path::parent)?;
    let file = workspace.file(&uri::normal(&folder.join(path)))?;
    Some(Location::new(file.uri, lsp_types::Range::default()))
}

/// The uses of a definition: file by file, its own file first.
pub(super) fn uses(workspace: &Workspace, found: &Found) -> Vec<(FileView, Vec<Use>)> {
    let definition = found.definition();
    let here = |used: &&Use| matches!(used.target, Target::Here(idx) if idx == found.idx);
    let own: Vec<Use> = found.file.names.uses.iter().filter(here).cloned().collect();
    let mut all = vec![(found.file.clone(), own)];
    let owner = definition.owner.map(|owner| &found.file.names.definitions[owner]);
    let owner = owner.filter(|owner| definition.kind == Kind::Param && owner.kind.is_shared());
    if !definition.kind.is_shared() && owner.is_none() {
        return all;
    }
    let Some(path) = &found.file.path else { return all };
    for other in workspace.others(&found.file) {
        let means = |used: &&Use| match (&used.target, owner) {
            (Target::Outer(name), None) => *name == definition.name,
            (Target::OuterParam { owner, key }, Some(known)) => {
                *owner == known.name && *key == definition.name
            }
            (
                Target::Outer(_)
                | Target::OuterParam { .. }
                | Target::Here(_)
                | Target::Row(..)
                | Target::Key(..)
                | Target::Word(_)
                | Target::Measure(_),
                _,
            ) => false,
        };
        let uses: Vec<Use> = other.names.uses.iter().filter(means).cloned().collect();
        let imports =
            || workspace.imported(&other).iter().any(|file| file.path.as_ref() == Some(path));
        if !uses.is_empty() && imports() {
            all.push((other, uses));
        }
    }
    all
}

/// `textDocument/references`.
pub(super) fn references(workspace: &Workspace, params: &ReferenceParams) -> Option<Vec<Location>> {
    let place = &params.text_document_position;
    let found = found_at(workspace, &place.text_document.uri, place.position)?;
    let mut all = vec![];
    if params.context.include_declaration {
        all.push(found.location());
    }
    for (file, uses) in uses(workspace, &found) {
        for used in uses {
            all.push(Location::new(file.uri.clone(), file.lines.range(&file.text, used.range)));
        }
    }
    Some(all)
}

/// `textDocument/documentHighlight`: the definition and its uses in the text at hand.
pub(super) fn highlights(
    workspace: &Workspace,
    params: &DocumentHighlightParams,
) -> Option<Vec<DocumentHighlight>> {
    let place = &params.text_document_position_params;
    let uri = &place.text_document.uri;
    let found = found_at(workspace, uri, place.position)?;
    let mut all = vec![];
    if found.file.uri == *uri {
        let range = found.location().range;
        all.push(DocumentHighlight { range, kind: Some(DocumentHighlightKind::WRITE) });
    }
    let here = uses(workspace, &found).into_iter().find(|(file, _)| file.uri == *uri);
    for (file, used) in
        here.iter().flat_map(|(file, uses)| uses.iter().map(move |used| (file, used)))
    {
        let range = file.lines.range(&file.text, used.range.clone());
        all.push(DocumentHighlight { range, kind: Some(DocumentHighlightKind::READ) });
    }
    Some(all)
}
