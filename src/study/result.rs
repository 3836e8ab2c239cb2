//! What a study says: its plan, its table over seeds, and its document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::{Estimate, Judged, RunState, Study, StudyCell, StudyRun};
use crate::experiment::duration;
use crate::grid::{Columns, Side};
use crate::stats::Sample;
use crate::store::StoreError;
use crate::train::Summary;

/// A run, how it stands, and what it measured.
#[derive(Clone, Debug)]
pub struct Made {
    /// The run.
    pub run: StudyRun,
    /// How it stands.
    pub state: RunState,
    /// Of a run that is done.
    pub summary: Option<Summary>,
}

/// Runs as they stand.
///
/// # Errors
/// [`StoreError`] where the summary of a finished one cannot be read.
pub fn stored(runs: Vec<StudyRun>) -> Result<Vec<Made>, StoreError> {
    let made = runs.into_iter().map(|run| {
        let state = RunState::of(&run.dir);
        let summary = if state == RunState::Done { Summary::of_run(&run.dir)? } else { None };
        Ok(Made { run, state, summary })
    });
    made.collect()
}

/// What `specc sweep --json` says, `specc.sweep_run/1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepResult<'a> {
    schema: &'static str,
    /// Whether all went well.
    pub ok: bool,
    diagnostics: &'a [Value],
    root: Option<String>,
    runs: Vec<RunEntry<'a>>,
    /// Verdicts.
    pub claims: &'a [Judged],
    /// Of `--dry-run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<&'a Estimate>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct RunEntry<'a> {
    sweep: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    seed: u64,
    run: String,
    state: &'static str,
    test_accuracy: Option<f64>,
}

impl<'a> SweepResult<'a> {
    /// Runs of a study; none where its spec has errors.
    pub fn of(study: Option<&'a Study>, made: &'a [Made], diagnostics: &'a [Value]) -> Self {
        let entry = |study: &'a Study, made: &'a Made| {
            let cell = &study.cells[made.run.cell];
            RunEntry {
                sweep: &cell.sweep,
                labels: cell.labels.iter().map(|(a, l)| (a.as_str(), l.as_str())).collect(),
                seed: made.run.seed,
                run: made.run.dir.display().to_string(),
                state: made.state.name(),
                test_accuracy: made.summary.as_ref().and_then(|summary| summary.test.accuracy),
            }
        };
        let runs = study.map(|study| made.iter().map(|made| entry(study, made)).collect());
        Self {
            schema: "specc.sweep_run/1",
            ok: false,
            diagnostics,
            root: study.map(|study| study.root.display().to_string()),
            runs: runs.unwrap_or_default(),
            claims: &[],
            estimate: None,
        }
    }
}

/// What `--dry-run` shows.
pub fn plan_text(study: &Study, runs: &[StudyRun], estimate: &Estimate) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (sweep, left_out) in &study.left_out {
        let cells = study.cells.iter().filter(|cell| cell.sweep == *sweep).count();
        let less = match left_out {
            0 => String::new(),
            n => format!(", {n} left out by where"),
        };
        let _ = writeln!(text, "{sweep}: {cells} cells{less}");
    }
    let states: Vec<RunState> = runs.iter().map(|run| RunState::of(&run.dir)).collect();
    let count = |state: RunState| states.iter().filter(|found| **found == state).count();
    let _ = write!(text, "{} runs below {}:", runs.len(), study.root.display());
    for state in RunState::ALL {
        let _ = write!(text, " {} {}", state.name(), count(state));
    }
    text.push('\n');
    text += &estimate.text(duration);
    for (run, state) in runs.iter().zip(&states) {
        let (name, dir) = (study.cells[run.cell].name(), run.dir.display());
        let _ = writeln!(text, "  {:<8}{name} seed {} {dir}", state.name(), run.seed);
    }
    text
}

/// Every cell with mean ± standard deviation over its seeds.
pub fn table(study: &Study, made: &[Made]) -> String {
    let own = |cell: &StudyCell| {
        let own = made.iter().filter(|made| belongs(study, cell, &made.run));
        own.filter_map(|made| made.summary.as_ref()).collect()
    };
    let rows: Vec<_> = study.cells.iter().map(|cell| (cell.name(), own(cell))).collect();
    over_seeds(&rows)
}

/// Rows by name: number of runs, mean ± standard deviation of both accuracies.
pub fn over_seeds(rows: &[(String, Vec<&Summary>)]) -> String {
    // Room for a deviation and for many seeds, also where there is one.
    let sides = [Side::Left, Side::Right, Side::Left, Side::Left];
    let mut columns = Columns::new(sides).at_least([0, 2, 17, 0]);
    columns.row(["cell", "n", "train accuracy", "test accuracy"].map(str::to_owned));
    for (name, own) in rows {
        let measured = |measure: fn(&Summary) -> Option<f64>| {
            let sample = Sample::of(&own.iter().filter_map(|s| measure(s)).collect::<Vec<_>>());
            let spread = sample.deviation().map_or(String::new(), |sd| format!(" ± {sd:.4}"));
            if sample.n == 0 { "-".to_owned() } else { format!("{:.4}{spread}", sample.mean) }
        };
        let (train, test) = (measured(|s| s.train.accuracy), measured(|s| s.test.accuracy));
        columns.row([name.clone(), own.len().to_string(), train, test]);
    }
    columns.text()
}

/// Equal cells share their runs.
fn belongs(study: &Study, cell: &StudyCell, run: &StudyRun) -> bool {
    study.cells[run.cell].hash == cell.hash && cell.seeds.contains(&run.seed)
}
