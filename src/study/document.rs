//! `sweep.json`: the cells of a folder of runs, so that later commands find labels without compiling.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Study, StudyCell};
use crate::model::sweep::key_text;
use crate::store::{StoreError, read_json, write_shared};
use crate::syntax::print_expr;

/// The largest `sweep.json` that is read, 256 MiB: some hundred thousand cells.
const MAX_BYTES: u64 = 256 << 20;

/// The document, `specc.sweep/1`. Where several sweeps share a folder, it lists the cells of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepDocument {
    /// `specc.sweep/1`.
    pub schema: String,
    /// The file stem of the spec that was swept last.
    pub spec: String,
    /// Every axis with its labels.
    pub axes: Vec<AxisEntry>,
    /// The cells in order.
    pub cells: Vec<CellEntry>,
}

/// An axis with its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisEntry {
    /// `loss`, `train.lr`, `recipe`.
    pub key: String,
    /// In the order written.
    pub labels: Vec<String>,
}

/// A cell with its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellEntry {
    /// The file stem of its spec.
    #[serde(default)]
    pub spec: String,
    /// The sweep that asks for it.
    #[serde(default)]
    pub sweep: String,
    /// The label of each axis.
    pub labels: BTreeMap<String, String>,
    /// Identity of its runs but for the seed, in hex.
    pub hash: String,
    /// What it changes in the file, as arguments of the command line would.
    pub overrides: Vec<String>,
    /// Its seeds.
    pub seeds: Vec<u64>,
}

impl SweepDocument {
    /// What `sweep.json` says of a study.
    pub fn of(study: &Study) -> Self {
        let cell = |cell: &StudyCell| CellEntry {
            spec: study.name.clone(),
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
        let mut document = Self {
            schema: "specc.sweep/1".to_owned(),
            spec: study.name.clone(),
            axes: vec![],
            cells: study.cells.iter().map(cell).collect(),
        };
        for (key, label) in study.cells.iter().flat_map(|cell| &cell.labels) {
            document.add_label(key, label);
        }
        document
    }

    /// The document of a folder; `None` where it has none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or is none.
    pub fn read(root: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&file(root), MAX_BYTES)
    }

    /// Writes it into a folder, beside the cells of other sweeps there. A cell of the same sweep with the same labels is
    /// replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn write(mut self, root: &Path) -> Result<(), StoreError> {
        if let Some(old) = Self::read(root)? {
            let key =
                |cell: &CellEntry| (cell.spec.clone(), cell.sweep.clone(), cell.labels.clone());
            let own: Vec<_> = self.cells.iter().map(key).collect();
            for cell in old.cells.into_iter().filter(|cell| !own.contains(&key(cell))) {
                for (axis, label) in &cell.labels {
                    self.add_label(axis, label);
                }
                self.cells.push(cell);
            }
        }
        let text = serde_json::to_string_pretty(&self).expect("plain strings");
        write_shared(&file(root), format!("{text}\n").as_bytes())
    }

    fn add_label(&mut self, key: &str, label: &str) {
        let place = self.axes.iter().position(|axis| axis.key == *key).unwrap_or_else(|| {
            self.axes.push(AxisEntry { key: key.to_owned(), labels: vec![] });
            self.axes.len() - 1
        });
        let labels = &mut self.axes[place].labels;
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
}

fn file(root: &Path) -> PathBuf {
    root.join("sweep.json")
}
