//! What `specc analyze` says: tables, or one document `specc.analyze/1`.
//!
//! - `inputs`: one object for each file of logits, in the order of the arguments (a run: train, then test). It holds `file`,
//!   `run`, `split`, `seed` (`null` for a file that belongs to no run), the scalars `R r1 r2 lambda`, and the fields of
//!   [`crate::measure::Analysis`].
//! - With a single file the same fields stand at the top level too; with a single run its objects stand under `train` and
//!   `test`.
//! - `ok` and `diagnostics`: when something is wrong with an input, `inputs` is empty.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{calibration_table, split_table, well_table};
use crate::analysis::{Findings, Measured};
use crate::diag::{self, SourceMap};
use crate::measure::{Calibration, WellCount};

/// One document, `specc.analyze/1`; `n_inputs` were asked for.
pub fn document(findings: &Findings, n_inputs: usize) -> Value {
    let Findings { measured, diagnostics, exit_code } = findings;
    let ok = *exit_code == 0;
    let inputs: Vec<Value> =
        if ok { measured.iter().map(object).map(Value::Object).collect() } else { vec![] };
    let mut document = Map::new();
    document.insert("schema".to_owned(), json!("specc.analyze/1"));
    document.insert("ok".to_owned(), json!(ok));
    // No problem here lies in a line of a spec.
    let sources = SourceMap::new();
    let problems = diagnostics.iter().map(|diagnostic| diag::json(diagnostic, &sources));
    document.insert("diagnostics".to_owned(), problems.collect());
    document.insert("inputs".to_owned(), Value::Array(inputs.clone()));
    if ok && let [one] = measured.as_slice() {
        document.extend(object(one));
    }
    let one_run = measured.first().is_some_and(|first| {
        first.run.is_some() && measured.iter().all(|other| other.run == first.run)
    });
    if ok && one_run && n_inputs == 1 {
        for (one, object) in measured.iter().zip(inputs) {
            document.extend(one.split.map(|split| (split.to_owned(), object)));
        }
    }
    Value::Object(document)
}

fn object(one: &Measured) -> Map<String, Value> {
    let mut object = Map::new();
    let mut insert = |key: &str, value: Value| object.insert(key.to_owned(), value);
    insert("file", json!(one.file.display().to_string()));
    insert("run", json!(one.run.as_ref().map(|run| run.display().to_string())));
    insert("split", json!(one.split));
    insert("seed", json!(one.seed));
    insert("R", json!(one.scalars.size));
    insert("r1", json!(one.scalars.r1));
    insert("r2", json!(one.scalars.r2));
    insert("lambda", json!(one.scalars.lambda));
    if let Ok(Value::Object(fields)) = serde_json::to_value(&one.analysis) {
        object.extend(fields);
    }
    object
}

/// Tables for a terminal of `width` columns.
pub fn text(measured: &[Measured], width: u16) -> String {
    let mut out = String::new();
    let mut rest = measured;
    while let Some(first) = rest.first() {
        let together = rest
            .iter()
            .position(|other| first.run.is_none() || other.run != first.run)
            .unwrap_or(rest.len())
            .max(1);
        let (group, others) = rest.split_at(together);
        rest = others;
        if measured.len() > group.len() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}", first.run.as_ref().unwrap_or(&first.file).display());
        }
        let columns: Vec<(&str, _)> =
            group.iter().map(|one| (one.split.unwrap_or("value"), &one.analysis.summary)).collect();
        out += &split_table(&columns, width);
        let counts: Vec<(&str, &[WellCount])> = group
            .iter()
            .map(|one| (one.split.unwrap_or("value"), one.analysis.well_counts.as_slice()))
            .collect();
        out.push('\n');
        out += &well_table(&counts, width);
        let calibrations: Vec<(&str, &Calibration)> = group
            .iter()
            .filter_map(|one| {
                Some((one.split.unwrap_or("value"), one.analysis.calibration.as_ref()?))
            })
            .collect();
        if !calibrations.is_empty() {
            out.push('\n');
            out += &calibration_table(&calibrations, width);
        }
        if !rest.is_empty() {
            out.push('\n');
        }
    }
    out
}
