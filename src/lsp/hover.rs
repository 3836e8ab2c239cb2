//! Hover: what the word under the pointer means, and what is known about it at this place.
//!
//! Documentation comes from the tables of the language and from the reference; shapes, parameters and degrees from the graph.

use std::fmt::Write as _;

use lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use super::analysis::Analysis;
use super::documents::Document;
use super::layers::{BlockView, Degree, LayerView};
use super::lines::bytes;
use super::manual;
use super::names::{Kind, Target};
use super::navigate::{Found, resolve};
use super::workspace::Workspace;
use crate::diag::FileId;
use crate::model::table::{CallRow, Group, ParamRow, param_line, row_page};
use crate::syntax::TokenKind;

/// Layers of one call that are listed.
const LAYERS: usize = 8;

/// `textDocument/hover`.
pub(super) fn hover(workspace: &Workspace, params: &HoverParams) -> Option<Hover> {
    let place = &params.text_document_position_params;
    let (document, analysis) = workspace.analysis(&place.text_document.uri)?;
    let at = document.lines.offset(&document.text, place.position);
    let used = analysis.names.used_at(at);
    let (range, text) = match (used, analysis.names.defined_at(at)) {
        (Some(used), _) => {
            let text = match &used.target {
                Target::Row(group, row) => call(&analysis, *group, row, used.range.start),
                Target::Key(row, param) => key(row, param),
                Target::Word(word) => manual::rows(word, "").join("\n\n"),
                Target::Measure(path) => measure(path),
                Target::Here(_) | Target::Outer(_) | Target::OuterParam { .. } => {
                    let found = resolve(workspace, &workspace.view(document), &used.target)?;
                    let layers = layers_of_use(&analysis, used.range.start);
                    definition(document, &analysis, &found) + &layers
                }
            };
            (used.range.clone(), text)
        }
        (None, Some(idx)) => {
            let found = Found { file: workspace.view(document), idx };
            (found.definition().range.clone(), definition(document, &analysis, &found))
        }
        (None, None) => {
            let token = analysis.tokens.iter().find(|token| token.start <= at && at < token.end)?;
            if token.kind != TokenKind::Word {
                return None;
            }
            (token.start..token.end, manual::rows(token.text(&document.text), "").join("\n\n"))
        }
    };
    if text.trim().is_empty() {
        return None;
    }
    let value = text.trim_end().to_owned();
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(document.lines.range(&document.text, range)),
    })
}

/// A call of the language: its page, what else the reference says, and the layers that it makes here.
fn call(analysis: &Analysis, group: Group, row: &CallRow, start: usize) -> String {
    let mut text = String::new();
    if group == Group::Layer {
        let here = |layer: &&LayerView| {
            layer.origin.file == FileId(0)
                && bytes(layer.origin).start == start
                && layer.kind == row.name
        };
        text.push_str(&layers(&analysis.layers.iter().filter(here).collect::<Vec<_>>()));
    }
    text.push_str(&page(group, row));
    text
}

/// The page of a call with its formulas, degree rules and constraints.
pub(super) fn page(group: Group, row: &CallRow) -> String {
    let mut text = row_page(group, row);
    let more = match group {
        Group::Layer | Group::Loss | Group::Optimizer => manual::rows(row.name, row.doc),
        Group::Data
        | Group::Augment
        | Group::LabelNoise
        | Group::Net
        | Group::Init
        | Group::Schedule
        | Group::Train
        | Group::Analyze => vec![],
    };
    let constraints = if group == Group::Layer { manual::constraints(row.name) } else { vec![] };
    for line in more.into_iter().chain(constraints) {
        let _ = write!(text, "\n{line}\n");
    }
    text
}

/// A parameter of a call, or a setting.
pub(super) fn key(row: &CallRow, param: &ParamRow) -> String {
    format!("`{}` of `{}`\n\n{}\n", param.signature(), row.name, param_line(param))
}

/// A path of a measure: its formula, and the sets that it may be taken on.
pub(super) fn measure(path: &str) -> String {
    let mut name = String::new();
    let mut depth = 0_u32;
    for c in path.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    let plain = ["test.", "train.", "val."].iter().find_map(|set| name.strip_prefix(set));
    let rows = manual::rows_in("Measures", plain.unwrap_or(&name));
    format!("`{path}`\n\n{}", rows.join("\n\n"))
}

/// A definition of a file: its head, its documentation, and what is known about it here.
fn definition(document: &Document, analysis: &Analysis, found: &Found) -> String {
    let definition = found.definition();
    let source = &found.file.text[definition.whole.clone()];
    let head = match definition.kind {
        Kind::Net | Kind::Block | Kind::Loss | Kind::Sweep => {
            source.split('{').next().unwrap_or(source)
        }
        Kind::Param => param_source(found),
        Kind::Let | Kind::Local | Kind::Turn | Kind::Label | Kind::Axis | Kind::Choice => {
            source.lines().next().unwrap_or(source)
        }
    };
    let mut text = format!("```net\n{}\n```\n\n{}", head.trim(), definition.kind.noun());
    if let Some(owner) = definition.owner {
        let owner = &found.file.names.definitions[owner];
        let _ = write!(text, " of {} `{}`", owner.kind.noun(), owner.name);
    }
    if found.file.uri != document.uri
        && let Some(name) = found.file.path.as_deref().and_then(|path| path.file_name())
    {
        let _ = write!(text, " from `{}`", name.display());
    }
    text.push('\n');
    if !definition.docs.is_empty() {
        let _ = write!(text, "\n{}\n", definition.docs.join("\n"));
    }
    if definition.kind == Kind::Label {
        let is_it = |layer: &&LayerView| {
            let rest = layer.name.strip_prefix(definition.name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        text.push('\n');
        text.push_str(&layers(&analysis.layers.iter().filter(is_it).collect::<Vec<_>>()));
    }
    if definition.kind == Kind::Net && found.file.uri == document.uri {
        text.push_str(&net(analysis));
    }
    text
}

/// A parameter as it is written in the head of what has it.
fn param_source(found: &Found) -> &str {
    let definition = found.definition();
    let behind = &found.file.text[definition.range.start..];
    let mut depth = 0_i32;
    let end = behind.find(|c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && c == ',') || c == '\n'
    });
    &behind[..end.unwrap_or(behind.len())]
}

/// What is known about the net as a whole.
fn net(analysis: &Analysis) -> String {
    let Some(checked) = &analysis.checked else { return String::new() };
    let total = checked.total();
    let joint = checked.exact().joint.as_ref();
    let degree = joint.map_or_else(|| "no joint degree".to_owned(), |d| format!("degree {d}"));
    let size = match &checked.training().normalizer {
        Ok(normalizer) => format!("\n\nR = {}", normalizer.formula(checked.graph())),
        Err(_) => String::new(),
    };
    format!(
        "\n{} parameters, {} operations per sample, {degree}{size}\n",
        grouped(total.params),
        grouped(total.flops)
    )
}

/// The layers that the use of a block makes in sum.
fn layers_of_use(analysis: &Analysis, start: usize) -> String {
    let here = |block: &&BlockView| {
        block.origin.file == FileId(0) && bytes(block.origin).start == start && block.is_block
    };
    let uses: Vec<_> = analysis.blocks.iter().filter(here).collect();
    let Some(last) = uses.last() else { return String::new() };
    let params: u64 = uses.iter().map(|block| block.params).sum();
    let turns = if uses.len() > 1 { format!(" in {} uses", uses.len()) } else { String::new() };
    format!(
        "\n{} layers{turns}, {} parameters, ends in {}, {}\n",
        uses.iter().map(|block| block.n_layers).sum::<usize>(),
        grouped(params),
        last.shape,
        last.degree.words()
    )
}

/// A table of layers: name, shape, parameters, operations, degrees.
fn layers(layers: &[&LayerView]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let degree = |known: &Degree| match known {
        Degree::Is(degree) => degree.strip_prefix("degree ").unwrap_or(degree).to_owned(),
        Degree::None => "none".to_owned(),
        Degree::Unknown => "–".to_owned(),
    };
    let mut text =
        "| layer | shape | parameters | FLOP | degree | alone |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for layer in layers.iter().take(LAYERS) {
        let (params, flops) = match layer.cost {
            Some((params, flops)) => (grouped(params), grouped(flops)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {params} | {flops} | {} | {} |",
            layer.name,
            layer.shape,
            degree(&layer.degree),
            degree(&layer.own)
        );
    }
    if layers.len() > LAYERS {
        let _ = write!(text, "\n… and {} more\n", layers.len() - LAYERS);
    }
    text.push_str(
        "\n*degree*: of the result, all parameters scaled together; *alone*: of the logits, this layer scaled\n\n",
    );
    text
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
