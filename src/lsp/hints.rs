//! Inlay hints: the shape behind each step, and its degree where the editor asks for it.

use std::collections::BTreeMap;

use lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, InlayHintParams, InlayHintTooltip};

use super::lines::bytes;
use super::workspace::{HintOptions, Workspace};
use crate::diag::{FileId, Span};

/// Different texts shown for a call that a block or a `repeat` makes several layers of.
const SHOWN: usize = 3;

/// Layers of a call that the tooltip lists.
const LISTED: usize = 8;

/// What is known behind a step: a layer, or the use of a block.
struct Behind<'a> {
    name: &'a str,
    shape: &'a str,
    degree: &'a str,
}

/// The hints of a part of a text, in its order.
pub(super) fn hints(workspace: &Workspace, params: &InlayHintParams) -> Option<Vec<InlayHint>> {
    let (document, analysis) = workspace.analysis(&params.text_document.uri)?;
    let mut places: BTreeMap<usize, Vec<Behind<'_>>> = BTreeMap::new();
    let mut add = |origin: Span, behind| {
        if origin.file == FileId(0) {
            places.entry(bytes(origin).end).or_default().push(behind);
        }
    };
    for layer in &analysis.layers {
        let (name, shape, degree) = (&layer.name, &layer.shape, layer.degree.words());
        add(layer.origin, Behind { name, shape, degree });
    }
    for block in analysis.blocks.iter().filter(|block| block.is_block) {
        let (shape, degree) = (&block.shape, block.degree.words());
        add(block.origin, Behind { name: "block", shape, degree });
    }
    let mut hints = vec![];
    for (at, steps) in places {
        let position = document.lines.position(&document.text, at);
        if position < params.range.start || params.range.end < position {
            continue;
        }
        let Some(label) = label(&steps, workspace.hints) else { continue };
        hints.push(InlayHint {
            position,
            label: InlayHintLabel::String(label),
            kind: Some(InlayHintKind::TYPE),
            text_edits: None,
            tooltip: Some(InlayHintTooltip::String(tooltip(&steps))),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        });
    }
    Some(hints)
}

/// The different shapes and degrees behind a step; `None` where there is nothing to show.
fn label(steps: &[Behind<'_>], options: HintOptions) -> Option<String> {
    let mut texts: Vec<String> = vec![];
    for step in steps {
        let parts = [(options.shapes, step.shape), (options.degrees, step.degree)];
        let wanted = parts.iter().filter(|(wanted, text)| *wanted && !text.is_empty());
        let text = wanted.map(|(_, text)| *text).collect::<Vec<_>>().join(" ");
        if text.is_empty() || texts.contains(&text) {
            continue;
        }
        if texts.len() == SHOWN {
            texts.push("…".to_owned());
            break;
        }
        texts.push(text);
    }
    (!texts.is_empty()).then(|| texts.join(" | "))
}

fn tooltip(steps: &[Behind<'_>]) -> String {
    let line = |step: &Behind<'_>| {
        let comma = if step.degree.is_empty() { "" } else { ", " };
        format!("{}: {}{comma}{}", step.name, step.shape, step.degree)
    };
    let mut lines: Vec<String> = steps.iter().take(LISTED).map(line).collect();
    if steps.len() > lines.len() {
        lines.push(format!("… {} more", steps.len() - lines.len()));
    }
    lines.join("\n")
}
