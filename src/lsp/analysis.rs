//! Everything that is known about one version of a text.
//!
//! In: a text with its path, imports and data from the workspace. Out: [`Analysis`]: tokens, items, names, diagnostics, and the
//! layers of the net with their facts as far as the net stands. A broken item leaves the others alive. Nothing of it outlives
//! the version that it was made of.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::layers::{self, BlockView, LayerView};
use super::names::Names;
use crate::check::{self, Checked};
use crate::compile::{self, Compiled, Request};
use crate::data::{DataSpec, Description};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceMap};
use crate::syntax::ast::{self, ItemKind};
use crate::syntax::{self, Token};

/// Operations that a counter-example may cost while a user types.
const BUDGET: u64 = 2_000_000;

/// Cells of each sweep that are looked at once the user rests.
pub(super) const CELLS: usize = 200;

/// What a text is looked at with.
pub(super) struct Sources<'a> {
    /// Names the spec in messages.
    pub(super) path: &'a Path,
    /// Reads an import; relative to the folder of the spec.
    pub(super) load: &'a dyn Fn(&str) -> Result<String, String>,
    /// Describes the data.
    pub(super) describe: &'a dyn Fn(&DataSpec) -> Result<Description, Diagnostic>,
    /// Cells of each sweep to look at; without any, the first one may stand for the spec.
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
    /// The uses of blocks in it.
    pub(super) blocks: Vec<BlockView>,
    /// The facts of the net, where it stands.
    pub(super) checked: Option<Checked>,
    /// Whether cells of sweeps were looked at, where there are some.
    pub(super) is_whole: bool,
    /// The files that it imports, directly or not.
    pub(super) imports: BTreeSet<PathBuf>,
}

impl Analysis {
    /// Looks at a text.
    pub(super) fn of(text: &str, sources: &Sources<'_>) -> Self {
        let mut imports = BTreeSet::new();
        let options = check::Options { budget: BUDGET, ..check::Options::default() };
        let mut with = Compiler { text, sources, options, imports: &mut imports };
        let mut compiled = with.request(compile::first_cell);
        let is_sweep = |item: &ast::Item| matches!(item.kind, ItemKind::Sweep(_));
        let has_sweeps = compiled.ast.items.iter().any(is_sweep);
        if has_sweeps && sources.cells > 0 {
            let cells = with.request(|request| compile::first_cells(request, sources.cells));
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
        let (layers, blocks) = match (&checked, &graph) {
            (Some(checked), _) => layers::of(checked),
            (None, Some(graph)) => (layers::expanded(graph), vec![]),
            (None, None) => (vec![], vec![]),
        };
        Self {
            tokens: syntax::tokens(text),
            items: syntax::outline(text),
            names: Names::of(&tree),
            tree,
            sources: texts,
            diagnostics,
            layers,
            blocks,
            checked,
            imports,
            is_whole: !has_sweeps || sources.cells > 0,
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
