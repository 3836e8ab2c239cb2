//! Studies: the cells of sweeps as runs in one folder.
//!
//! In: the compiled cells of a file. Out: a [`Study`], which knows the identity and the directory of every run, in what order
//! runs are made, and how each stands. A run is the one that `specc train` with the same choices would make, so that
//! whatever is there already is not made again.

mod claims;
mod compare;
mod document;
mod error;
mod estimate;
mod jobs;
mod listing;
mod long;
#[cfg(feature = "parquet")]
mod parquet;
mod query;
mod renamed;
mod result;
mod samples;
mod slurm;
mod state;
mod tables;
mod tasks;
mod tensorboard;
mod together;
mod work;
mod workshop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::compile::Cells;
use crate::experiment::{Machine, run_name, spec_hash};
use crate::model;
use crate::syntax::ast::{Expr, Key};

pub use claims::{Judged, JudgedLine, Verdict, Wanted, verdicts, verdicts_text};
pub use compare::{
    Comparison, CurvePoint, Deeper, DifferenceEntry, Differing, GroupEntry, Incomparable,
    MATCHED_COLUMNS, Matched, MatchedCurve, MatchedMeasure, MeasureEntry, MovedSample, Moves,
    RunGroup, SEEDS_MEANING, SeedMoves, Spread, USUAL_LEVEL, brief_table, compare,
    comparison_document, comparison_latex, comparison_table, comparison_text, curves_title,
    match_scale, matched_table, most_table, moved, seeds_table, temperatures, usual_measures,
};
pub use document::{AxisEntry, CellEntry, SweepDocument};
pub use error::QueryError;
pub use estimate::{DataAtHand, Estimate, SampleCounts, estimate};
pub use jobs::{Share, share};
pub use listing::{Cell, Column, Filter, Group, Row, find, group, sort};
pub use long::{Long, long};
#[cfg(feature = "parquet")]
pub use parquet::parquet;
pub use query::Query;
pub use renamed::{Renamed, earlier, rename, renamed_document, renamed_text};
pub use result::{Made, SweepResult, over_seeds, plan_text, stored, table};
pub use samples::{logits as stored_logits, measured, open as open_logits};
pub use slurm::{
    SlurmError, SlurmJob, SlurmJobs, SlurmTask, SubmittedJob, tasks_of, tasks_of_rows, tasks_text,
    wait_for, with_tasks,
};
pub use state::RunState;
pub use tables::{RunsDocument, Table, grouped, listing};
pub use tasks::{Task, make_all, make_seeds, seed_tasks, singly};
pub use tensorboard::tensorboard;
pub use together::step_together;
pub use work::{Event, Prepare, RunEnd, Team, Unprepared, work};
pub use workshop::{Orders, Shift, Workshop};

/// One combination of values, with what it trains.
#[derive(Clone, Debug)]
pub struct StudyCell {
    /// The sweep that asks for it.
    pub sweep: String,
    /// The label of every axis, in order.
    pub labels: Vec<(String, String)>,
    /// What it changes in the file.
    pub settings: Vec<(Key, Expr)>,
    /// The resolved spec.
    pub spec: model::Spec,
    /// Identity of its runs but for the seed, in hex.
    pub hash: String,
    /// Its seeds in order.
    pub seeds: Vec<u64>,
}

impl StudyCell {
    /// `loss=two recipe=fast`.
    pub fn name(&self) -> String {
        let labels = self.labels.iter().map(|(axis, label)| format!("{axis}={label}"));
        labels.collect::<Vec<_>>().join(" ")
    }
}

/// A run of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRun {
    /// The first cell that it belongs to.
    pub cell: usize,
    /// Its seed.
    pub seed: u64,
    /// Its directory.
    pub dir: PathBuf,
}

impl StudyRun {
    /// Whether it is at its end, and measured.
    pub fn is_done(&self) -> bool {
        RunState::of(&self.dir) == RunState::Done
    }
}

/// All cells of a file, below one folder.
#[derive(Clone, Debug)]
pub struct Study {
    /// The file stem of the spec.
    pub name: String,
    /// Where the runs lie.
    pub root: PathBuf,
    /// The cells in order.
    pub cells: Vec<StudyCell>,
    /// Per sweep, its name and how many cells `where` leaves out.
    pub left_out: Vec<(String, usize)>,
}

impl Study {
    /// Works out what is to be run on `machine`; below `runs/<spec>` where no root is given.
    pub fn of(cells: &Cells, machine: &Machine, root: Option<&Path>) -> Self {
        let mut study =
            Self { name: String::new(), root: PathBuf::new(), cells: vec![], left_out: vec![] };
        for compiled in &cells.sweeps {
            let sweep = &compiled.sweep;
            study.left_out.push((sweep.name.value.clone(), sweep.left_out));
            for (cell, spec) in sweep.cells.iter().zip(&compiled.specs) {
                study.name.clone_from(&spec.name);
                let label = |(axis, value): (&model::sweep::Axis, &model::sweep::AxisValue)| {
                    (axis.key.clone(), value.label.clone())
                };
                study.cells.push(StudyCell {
                    sweep: sweep.name.value.clone(),
                    labels: sweep.values(cell).map(label).collect(),
                    settings: sweep.settings(cell),
                    hash: spec_hash(spec, *machine, None),
                    seeds: spec.train.seeds.clone(),
                    spec: spec.clone(),
                });
            }
        }
        study.root = root.map_or_else(|| Path::new("runs").join(&study.name), Path::to_owned);
        study
    }

    /// Every run once, seed by seed, so that a study that is interrupted has all cells alike.
    pub fn runs(&self) -> Vec<StudyRun> {
        let mut by_turn: BTreeMap<usize, Vec<StudyRun>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for (i, cell) in self.cells.iter().enumerate() {
            for (turn, seed) in cell.seeds.iter().enumerate() {
                if known.insert((cell.hash.as_str(), *seed)) {
                    let dir = self.root.join(run_name(&cell.hash, *seed));
                    let run = StudyRun { cell: i, seed: *seed, dir };
                    by_turn.entry(turn).or_default().push(run);
                }
            }
        }
        by_turn.into_values().flatten().collect()
    }

    /// Keeps the cells that have these labels; an axis or a label that no cell has is named.
    ///
    /// # Errors
    /// The choice that fits no cell.
    pub fn only(&mut self, choices: &[(String, String)]) -> Result<(), String> {
        for (axis, label) in choices {
            let fits = |cell: &StudyCell| cell.labels.iter().any(|(a, l)| a == axis && l == label);
            if !self.cells.iter().any(fits) {
                return Err(format!("{axis}={label}"));
            }
            self.cells.retain(fits);
        }
        Ok(())
    }
}
