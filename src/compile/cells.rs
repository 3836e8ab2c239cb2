//! The cells of the sweeps of a file, each compiled before any is trained.
//!
//! In: a request as for one spec. Out: the sweeps with a resolved spec for every cell, or what is wrong with which cell: a
//! problem that cells share is told once, with the first of them and with the values that it has there.

use std::collections::BTreeSet;

use super::{Compiled, Request, compile_with};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span, sort};
use crate::model::{self, sweep};

/// A sweep whose cells are sound.
#[derive(Clone, Debug)]
pub struct CompiledSweep {
    /// Axes and cells.
    pub sweep: sweep::Sweep,
    /// The resolved spec of each cell, with the seeds of the sweep where it has some.
    pub specs: Vec<model::Spec>,
}

/// What compiling all cells of a file gave.
#[derive(Clone, Debug)]
pub struct Cells {
    /// The file with its diagnostics and those of the cells; its own spec is not looked at.
    pub file: Compiled,
    /// The sweeps, where nothing is wrong.
    pub sweeps: Vec<CompiledSweep>,
    /// What the file claims of their runs.
    pub claims: Vec<sweep::Claim>,
}

/// Compiles every cell of every sweep.
pub fn cells(request: Request<'_>) -> Cells {
    first_cells(request, usize::MAX)
}

/// Compiles the first `most` cells of every sweep; sweeps are as long as their `specs` then.
pub fn first_cells(mut request: Request<'_>, most: usize) -> Cells {
    let mut file = Compiled::parsed(request.path, request.text);
    let (sweeps, errors) = sweep::sweeps(&file.ast);
    file.diagnostics.extend(errors);
    let (claims, errors) = sweep::claims(&file.ast, &sweeps);
    file.diagnostics.extend(errors);
    if file.diagnostics.iter().any(|d| d.severity() == Severity::Error) {
        return Cells { file, sweeps: vec![], claims: vec![] };
    }
    let mut told = BTreeSet::new();
    let mut diagnostics: Diagnostics = vec![];
    let mut compiled_sweeps = vec![];
    for sweep in sweeps {
        let mut specs = vec![];
        for cell in sweep.cells.iter().take(most) {
            let compiled = compile_with(&mut request, &sweep.settings(cell));
            for diagnostic in &compiled.diagnostics {
                let place = diagnostic.labels.first().map(|label| label.span);
                let place = place.map(|span| (span.file, span.start, span.end));
                if told.insert((diagnostic.code.id(), diagnostic.title.clone(), place)) {
                    diagnostics.push(located(diagnostic.clone(), &sweep, cell));
                }
            }
            file.overrides.clone_from(&compiled.overrides);
            file.sources = compiled.sources;
            if let (Some(mut spec), Some(_)) = (compiled.model, compiled.checked) {
                if let Some(seeds) = &sweep.seeds {
                    spec.train.seeds.clone_from(seeds);
                }
                specs.push(spec);
            }
        }
        compiled_sweeps.push(CompiledSweep { sweep, specs });
    }
    let sound = diagnostics.iter().all(|d| d.severity() != Severity::Error);
    file.diagnostics.extend(diagnostics);
    sort(&mut file.diagnostics);
    let (sweeps, claims) = if sound { (compiled_sweeps, claims) } else { (vec![], vec![]) };
    Cells { file, sweeps, claims }
}

/// The diagnostic with the values of its cell: each where it is written, unless the diagnostic points there already.
fn located(mut diagnostic: Diagnostic, sweep: &sweep::Sweep, cell: &sweep::Cell) -> Diagnostic {
    let mut names = vec![];
    for (axis, value) in sweep.values(cell) {
        names.push(format!("{}={}", axis.key, value.label));
        let inside = |span: Span| span.start >= value.span.start && span.end <= value.span.end;
        let pointed = diagnostic
            .labels
            .iter()
            .any(|label| label.span.file == value.span.file && inside(label.span));
        if !pointed && diagnostic.severity() == Severity::Error {
            diagnostic = diagnostic.label(value.span, format!("with this value of `{}`", axis.key));
        }
    }
    diagnostic.note(format!("in the cell {} of `{}`", names.join(" "), sweep.name.value))
}
