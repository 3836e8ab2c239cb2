//! Inlay hints: the shape behind each layer, and its degree where the editor asks for it.

use std::collections::BTreeMap;

use lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, InlayHintParams, InlayHintTooltip};

use super::analysis::LayerView;
use super::lines::bytes;
use super::workspace::Workspace;
use crate::diag::FileId;

/// Different texts shown for a call that a block or a `repeat` makes several layers of.
const SHOWN: usize = 3;

/// The hints of a part of a text, in its order.
pub(super) fn hints(workspace: &Workspace, params: &InlayHintParams) -> Option<Vec<InlayHint>> {
    let (document, analysis) = workspace.analysis(&params.text_document.uri)?;
    let options = workspace.hints;
    let mut places: BTreeMap<usize, Vec<&LayerView>> = BTreeMap::new();
    for layer in analysis.layers.iter().filter(|layer| layer.origin.file == FileId(0)) {
        places.entry(bytes(layer.origin).end).or_default().push(layer);
    }
    let mut hints = vec![];
    for (at, layers) in places {
        let position = document.lines.position(&document.text, at);
        if position < params.range.start || params.range.end < position {
            continue;
        }
        let mut texts: Vec<String> = vec![];
        for layer in &layers {
            if texts.len() > SHOWN {
                break;
            }
            let degree = layer.joint.words();
            let parts = [(options.shapes, &layer.shape), (options.degrees, &degree)];
            let parts: Vec<&str> =
                parts.iter().filter(|(wanted, _)| *wanted).map(|(_, text)| text.as_str()).collect();
            let text = parts.join(" ").trim().to_owned();
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.is_empty() {
            continue;
        }
        if texts.len() > SHOWN {
            texts.truncate(SHOWN);
            texts.push("…".to_owned());
        }
        hints.push(InlayHint {
            position,
            label: InlayHintLabel::String(texts.join(" | ")),
            kind: Some(InlayHintKind::TYPE),
            text_edits: None,
            tooltip: Some(InlayHintTooltip::String(tooltip(&layers))),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        });
    }
    Some(hints)
}

fn tooltip(layers: &[&LayerView]) -> String {
    let line = |layer: &&LayerView| {
        let parts = [layer.shape.clone(), layer.joint.words()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}: {}", layer.name, parts.join(", "))
    };
    let mut lines: Vec<String> = layers.iter().take(8).map(line).collect();
    if layers.len() > lines.len() {
        lines.push(format!("… {} more", layers.len() - lines.len()));
    }
    lines.join("\n")
}
