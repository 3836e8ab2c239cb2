//! A `sweep` spelled out: its axes with labels, and the cells that it keeps.
//!
//! In: the tree of a file. Out: [`Sweep`]s whose cells are lists of choices, as `key=value` arguments would make them. What a
//! choice means is found when its cell is compiled. Afterwards labels are unique in their axis, and axes in their sweep.

mod axis;
mod claim;
mod condition;

use std::collections::BTreeMap;

use super::ModelError;
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic};
use crate::syntax::ast::{self, Expr, ItemKind, Key, SweepLine};

pub(crate) use axis::ITEMS;
pub use axis::{Axis, AxisValue};
pub use claim::{Claim, Line, Quantity, claims};

/// Most cells of one sweep.
pub const MAX_CELLS: usize = 10_000;

/// A sweep of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Its name.
    pub name: Spanned<String>,
    /// Its axes in the order written, without `seeds`.
    pub axes: Vec<Axis>,
    /// The seeds of every cell; those of `train` where `None`.
    pub seeds: Option<Vec<u64>>,
    /// The cells that `where` keeps; the last axis runs fastest.
    pub cells: Vec<Cell>,
    /// Cells that `where` leaves out.
    pub left_out: usize,
}

/// One combination of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Which value each axis has.
    pub at: Vec<usize>,
}

impl Sweep {
    /// The value of each axis in a cell, with the axis.
    pub fn values<'a>(&'a self, cell: &'a Cell) -> impl Iterator<Item = (&'a Axis, &'a AxisValue)> {
        self.axes.iter().zip(&cell.at).map(|(axis, at)| (axis, &axis.values[*at]))
    }

    /// What the cell sets, as arguments of the command line would.
    pub fn settings(&self, cell: &Cell) -> Vec<(Key, Expr)> {
        self.values(cell).flat_map(|(_, value)| value.settings.iter().cloned()).collect()
    }
}

/// The key as text: `train.lr`.
pub fn key_text(key: &Key) -> String {
    key.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".")
}

/// The place of a key.
pub(super) fn key_span(key: &Key) -> Span {
    let spans = key.iter().map(|part| part.span);
    spans.reduce(Span::to).expect("the grammar gives a key at least one part")
}

/// Every sweep of a file, as far as it is sound, with the problems of the others.
pub fn sweeps(spec: &ast::Spec) -> (Vec<Sweep>, Diagnostics) {
    let mut errors = vec![];
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    let mut found = vec![];
    for item in &spec.items {
        let ItemKind::Sweep(tree) = &item.kind else { continue };
        let name = &tree.name;
        if let Some(first) = names.insert(&name.value, name.span) {
            let error = ModelError::NameTaken {
                name: name.value.clone(),
                what: "a sweep".to_owned(),
                first: Some(first),
                span: name.span,
            };
            errors.push(error.to_diagnostic());
        }
        found.extend(sweep(tree, &mut errors));
    }
    (found, errors)
}

fn sweep(tree: &ast::Sweep, errors: &mut Diagnostics) -> Option<Sweep> {
    let before = errors.len();
    let mut axes: Vec<Axis> = vec![];
    let mut seeds = None;
    let mut conditions = vec![];
    for line in &tree.lines {
        match line {
            SweepLine::Where { condition, .. } => conditions.push(condition),
            SweepLine::Axis(axis) => {
                let key = key_text(&axis.key);
                let first = axes.iter().find(|other| other.key == key).map(|other| other.span);
                let seeded = seeds.as_ref().map(|(_, span)| *span);
                let first = first.or(seeded.filter(|_| key == "seeds"));
                if let Some(first) = first {
                    let error = ModelError::NameTaken {
                        name: key,
                        what: "an axis of this sweep".to_owned(),
                        first: Some(first),
                        span: key_span(&axis.key),
                    };
                    errors.push(error.to_diagnostic());
                } else if key == "seeds" {
                    let span = key_span(&axis.key);
                    seeds = axis::seeds(axis, errors).map(|seeds| (seeds, span));
                } else {
                    axes.extend(axis::axis(axis, errors));
                }
            }
        }
    }
    if errors.len() > before {
        return None;
    }
    let cells = cells(tree, &axes, errors)?;
    let n_all = cells.len();
    let mut kept = vec![];
    for cell in cells {
        let mut keep = true;
        for condition in &conditions {
            // A mistake is the same for every cell: told once.
            keep &= condition::holds(condition, &axes, &cell, errors)?;
        }
        if keep {
            kept.push(cell);
        }
    }
    if kept.is_empty() {
        let error = ModelError::OutOfRange {
            what: format!("the sweep `{}`", tree.name.value),
            value: format!("0 of {n_all} cells"),
            range: "a `where` that keeps a cell, and a value for every axis".to_owned(),
            span: tree.name.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let left_out = n_all - kept.len();
    Some(Sweep {
        name: tree.name.clone(),
        axes,
        seeds: seeds.map(|(seeds, _)| seeds),
        cells: kept,
        left_out,
    })
}

/// All combinations; the last axis runs fastest.
fn cells(tree: &ast::Sweep, axes: &[Axis], errors: &mut Diagnostics) -> Option<Vec<Cell>> {
    let sizes = axes.iter().map(|axis| axis.values.len());
    let n = sizes.clone().try_fold(1_usize, usize::checked_mul).filter(|n| *n <= MAX_CELLS);
    let Some(n) = n else {
        let sizes: Vec<String> = sizes.map(|size| size.to_string()).collect();
        let error = ModelError::OutOfRange {
            what: format!("the sweep `{}`", tree.name.value),
            value: format!("{} cells", sizes.join(" × ")),
            range: format!("at most {MAX_CELLS} cells"),
            span: tree.name.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    };
    let cell = |i: usize| {
        let mut rest = i;
        let mut at: Vec<usize> = axes
            .iter()
            .rev()
            .map(|axis| {
                let place = rest % axis.values.len();
                rest /= axis.values.len();
                place
            })
            .collect();
        at.reverse();
        Cell { at }
    };
    Some((0..n).map(cell).collect())
}
