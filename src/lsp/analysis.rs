//! Everything that is known about one version of a text.
//!
//! In: a text with its path, imports and data from the workspace. Out: [`Analysis`]: tokens, items, names, diagnostics, and the
//! layers of the net with their facts as far as the net stands. A broken item leaves the others alive. Nothing of it outlives
//! the version that it was made of.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::names::Names;
use crate::check::{self, Checked};
use crate::compile::{self, Compiled, Request};
use crate::data::{DataSpec, Description};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceMap, Span};
use crate::ir::{Graph, LayerId};
use crate::model::sweep::sweeps;
use crate::syntax::ast::{self, ItemKind};
use crate::syntax::{self, Token};

/// Operations that a counter-example may cost while a user types.
const BUDGET: u64 = 2_000_000;

/// Cells of each sweep that are looked at while a user types, and when a file is opened or saved.
pub(super) const CELLS_TYPING: usize = 2;
pub(super) const CELLS_AT_REST: usize = 200;

/// What a text is looked at with.
pub(super) struct Sources<'a> {
    /// Names the spec in messages.
    pub(super) path: &'a Path,
    /// Reads an import; relative to the folder of the spec.
    pub(super) load: &'a dyn Fn(&str) -> Result<String, String>,
    /// Describes the data.
    pub(super) describe: &'a dyn Fn(&DataSpec) -> Result<Description, Diagnostic>,
    /// Cells of each sweep to look at.
    pub(super) cells: usize,
}

/// What is known about one version of a text.
#[derive(Debug)]
pub(super) struct Analysis {
    /// All tokens, comments among them.
    pub(super) tokens: Vec<Token>,
    /// All items, broken ones among them.
    pub(super) items: Vec<Range<usize>>,
    /// The items that parse.
    pub(super) tree: ast::Spec,
    /// Their names.
    pub(super) names: Names,
    /// The texts that diagnostics point into; the first is this one.
    pub(super) sources: SourceMap,
    /// All problems.
    pub(super) diagnostics: Diagnostics,
    /// The layers of the net.
    pub(super) layers: Vec<LayerView>,
    /// The facts of the net, where it stands.
    pub(super) checked: Option<Checked>,
    /// The files that it imports, directly or not.
    pub(super) imports: BTreeSet<PathBuf>,
}

/// How something scales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Degree {
    /// It was not asked, or there is nothing to scale.
    Unknown,
    /// It has no degree.
    None,
    /// It has this one.
    Is(String),
}

impl Degree {
    fn of(number: Option<&check::Number>) -> Self {
        number.map_or(Self::None, |number| Self::Is(number.to_string()))
    }

    /// In words: `degree 2`, `no degree`, or nothing.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::None => "no degree".to_owned(),
            Self::Is(degree) => format!("degree {degree}"),
        }
    }
}

/// A layer as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct LayerView {
    /// The call.
    pub(super) origin: Span,
    /// `conv1`, or its label.
    pub(super) name: String,
    /// The word of the language.
    pub(super) kind: String,
    /// The shape of the result.
    pub(super) shape: String,
    /// Trainable numbers, and operations per sample.
    pub(super) cost: Option<(u64, u64)>,
    /// The degree of the result, all parameters scaled together.
    pub(super) joint: Degree,
    /// The degree of the logits in the layer alone.
    pub(super) own: Degree,
}

impl Analysis {
    /// Looks at a text.
    pub(super) fn of(text: &str, sources: &Sources<'_>) -> Self {
        let mut imports = BTreeSet::new();
        let options = check::Options { budget: BUDGET, ..check::Options::default() };
        let mut with = Compiler { text, sources, options, imports: &mut imports };
        let mut compiled = with.request(compile::compile);
        let has_sweeps =
            compiled.ast.items.iter().any(|item| matches!(item.kind, ItemKind::Sweep(_)));
        if has_sweeps {
            let cells = with.request(|request| compile::first_cells(request, sources.cells));
            let first = sweeps(&compiled.ast).0.into_iter().next();
            let settings = first.and_then(|sweep| Some(sweep.settings(sweep.cells.first()?)));
            if let Some(settings) = settings.filter(|_| compiled.fault().is_some()) {
                // A sweep may supply items: its first cell stands for the spec.
                compiled = with.request(|request| compile::cell(request, &settings));
            }
            if cells.file.fault().is_some() {
                compiled.diagnostics = cells.file.diagnostics;
                compiled.sources = cells.file.sources;
            }
        }
        let mut diagnostics = std::mem::take(&mut compiled.diagnostics);
        if is_library(&compiled.ast) {
            // A file to be imported lacks what the importing one has, and uses little of itself.
            diagnostics.retain(|d| ![Code::E0208, Code::W0201].contains(&d.code));
        }
        let Compiled { sources: texts, ast: tree, checked, refused, expanded, .. } = compiled;
        let (checked, graph) = match (checked.or(refused), expanded) {
            (Some(checked), _) => (Some(checked), None),
            (None, Some(graph)) => match graph.output("logits") {
                Some(logits) => (Some(check::facts(graph, logits, options)), None),
                None => (None, Some(graph)),
            },
            (None, None) => (None, None),
        };
        let layers = match (&checked, &graph) {
            (Some(checked), _) => facts(checked),
            (None, Some(graph)) => shapes(graph),
            (None, None) => vec![],
        };
        Self {
            tokens: syntax::tokens(text),
            items: syntax::outline(text),
            names: Names::of(&tree),
            tree,
            sources: texts,
            diagnostics,
            layers,
            checked,
            imports,
        }
    }
}

/// The compiler with what it needs from outside.
struct Compiler<'a> {
    text: &'a str,
    sources: &'a Sources<'a>,
    options: check::Options,
    /// Every import that was asked for.
    imports: &'a mut BTreeSet<PathBuf>,
}

impl Compiler<'_> {
    fn request<T>(&mut self, compile: impl FnOnce(Request<'_>) -> T) -> T {
        let folder = self.sources.path.parent().unwrap_or(Path::new(""));
        let mut load = |path: &str| {
            self.imports.insert(folder.join(path));
            (self.sources.load)(path)
        };
        compile(Request {
            path: self.sources.path,
            text: self.text,
            overrides: &[],
            load: &mut load,
            describe: self.sources.describe,
            check: self.options,
        })
    }
}

/// Whether a file holds definitions alone, to be imported.
fn is_library(tree: &ast::Spec) -> bool {
    tree.items.iter().all(|item| match &item.kind {
        ItemKind::Block(_) | ItemKind::Let(_) | ItemKind::Import(_) => true,
        ItemKind::Loss(loss) => loss.body.is_some(),
        ItemKind::Data(_)
        | ItemKind::Net(_)
        | ItemKind::Train(_)
        | ItemKind::Analyze(_)
        | ItemKind::Assert(_)
        | ItemKind::Sweep(_)
        | ItemKind::Claim(_) => false,
    })
}

fn facts(checked: &Checked) -> Vec<LayerView> {
    let graph = checked.graph();
    let view = |layer: &check::LayerFacts| {
        let written = graph.layer(layer.id);
        LayerView {
            origin: written.origin,
            name: written.name.clone(),
            kind: written.kind.clone(),
            shape: layer.shape.to_string(),
            cost: Some((layer.cost.params, layer.cost.flops)),
            joint: Degree::of(layer.joint.as_ref()),
            own: layer.own.as_ref().map_or(Degree::Unknown, |own| Degree::of(own.as_ref())),
        }
    };
    checked.layers().iter().map(view).collect()
}

/// The layers of a net that could not be expanded to its end.
fn shapes(graph: &Graph) -> Vec<LayerView> {
    let mut views: Vec<Option<LayerView>> = vec![None; graph.layers.len()];
    for id in graph.ids() {
        let node = &graph[id];
        let Some(LayerId(layer)) = node.layer.filter(|_| node.shape.batched) else { continue };
        let written = &graph.layers[layer as usize];
        views[layer as usize] = Some(LayerView {
            origin: written.origin,
            name: written.name.clone(),
            kind: written.kind.clone(),
            shape: node.shape.to_string(),
            cost: None,
            joint: Degree::Unknown,
            own: Degree::Unknown,
        });
    }
    views.into_iter().flatten().collect()
}
