//! `sweep.json`: the cells of a folder of runs, so that later commands find labels without compiling.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Study;
use crate::model::sweep::key_text;
use crate::syntax::print_expr;

/// The document, `specc.sweep/1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepDocument {
    schema: &'static str,
    spec: String,
    axes: Vec<AxisEntry>,
    cells: Vec<CellEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct AxisEntry {
    key: String,
    labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct CellEntry {
    sweep: String,
    labels: BTreeMap<String, String>,
    hash: String,
    overrides: Vec<String>,
    seeds: Vec<u64>,
}

/// What `sweep.json` says of a study.
pub fn document(study: &Study) -> SweepDocument {
    let mut axes: Vec<AxisEntry> = vec![];
    for (key, label) in study.cells.iter().flat_map(|cell| &cell.labels) {
        let place = axes.iter().position(|axis| axis.key == *key).unwrap_or_else(|| {
            axes.push(AxisEntry { key: key.clone(), labels: vec![] });
            axes.len() - 1
        });
        if !axes[place].labels.contains(label) {
            axes[place].labels.push(label.clone());
        }
    }
    let cell = |cell: &super::StudyCell| CellEntry {
        sweep: cell.sweep.clone(),
        labels: cell.labels.iter().cloned().collect(),
        hash: cell.hash.clone(),
        overrides: cell
            .settings
            .iter()
            .map(|(key, value)| format!("{}={}", key_text(key), print_expr(value)))
            .collect(),
        seeds: cell.seeds.clone(),
    };
    SweepDocument {
        schema: "specc.sweep/1",
        spec: study.name.clone(),
        axes,
        cells: study.cells.iter().map(cell).collect(),
    }
}
