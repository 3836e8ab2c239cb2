//! Tidy tables: one row a run and step, epoch or sample, under the labels of the run.

use super::{Cell, Row, Table, samples};
use crate::measure::{Probabilities, margins, prediction};
use crate::store::StoreError;
use crate::train::Record;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Long {
    /// A step that was logged.
    Metrics,
    /// An epoch.
    Epochs,
    /// A sample of the test or the training set.
    Samples,
}

/// All rows of some runs. Labels of axes come first, then `seed` and `run`; an axis with the name of a column that every
/// table of the kind has is written `axis.NAME`.
///
/// # Errors
/// [`StoreError`] when a file of a run cannot be read.
pub fn long(rows: &[Row], kind: Long) -> Result<Table, StoreError> {
    let mut axes: Vec<String> = rows.iter().flat_map(|row| row.labels.keys().cloned()).collect();
    axes.sort();
    axes.dedup();
    let own: &[&str] = match kind {
        Long::Metrics => &[
            "step",
            "epoch",
            "lr",
            "batch_loss",
            "batch_accuracy",
            "well",
            "R",
            "r1",
            "r2",
            "lambda",
        ],
        Long::Epochs => &[
            "epoch",
            "step",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
            "partial",
            "val_loss",
            "val_accuracy",
        ],
        Long::Samples => &["split", "sample", "label", "prediction", "margin", "p_label", "p_max"],
    };
    let fixed = ["seed", "run"];
    let is_taken = |name: &str| fixed.contains(&name) || own.contains(&name);
    let axis = |name: &String| if is_taken(name) { format!("axis.{name}") } else { name.clone() };
    let rest = fixed.iter().chain(own).map(|name| (*name).to_owned());
    let mut table = Table { header: axes.iter().map(axis).chain(rest).collect(), rows: vec![] };
    for row in rows {
        let label =
            |axis: &String| row.labels.get(axis).map_or(Cell::Nothing, |l| Cell::Text(l.clone()));
        let mut lead: Vec<Cell> = axes.iter().map(label).collect();
        lead.push(Cell::Count(row.run.identity().seed));
        lead.push(Cell::Text(row.run.path().display().to_string()));
        let found = match kind {
            Long::Metrics => steps(row)?,
            Long::Epochs => epochs(row)?,
            Long::Samples => by_sample(row)?,
        };
        table.rows.extend(found.into_iter().map(|cells| [lead.clone(), cells].concat()));
    }
    Ok(table)
}

fn number(value: Option<f64>) -> Cell {
    value.map_or(Cell::Nothing, Cell::Number)
}

fn steps(row: &Row) -> Result<Vec<Vec<Cell>>, StoreError> {
    let cells = |record| match record {
        Record::Step(step) => {
            let scale = |name: &str| number(step.scales.get(name).copied());
            Some(vec![
                Cell::Count(step.step),
                Cell::Count(step.epoch),
                Cell::Number(step.lr),
                Cell::Number(step.loss),
                Cell::Number(step.accuracy),
                number(step.well),
                number(step.size),
                scale("r1"),
                scale("r2"),
                scale("lambda"),
            ])
        }
        Record::Epoch(_) | Record::Scaling(_) => None,
    };
    Ok(row.run.records()?.into_iter().filter_map(cells).collect())
}

fn epochs(row: &Row) -> Result<Vec<Vec<Cell>>, StoreError> {
    let epochs = row.run.epochs()?;
    let cells = epochs.iter().map(|epoch| {
        vec![
            Cell::Count(epoch.epoch),
            Cell::Count(epoch.step),
            Cell::Number(epoch.train.loss),
            Cell::Number(epoch.train.accuracy),
            Cell::Number(epoch.test.loss),
            Cell::Number(epoch.test.accuracy),
            Cell::Flag(epoch.partial),
            number(epoch.val.map(|val| val.loss)),
            number(epoch.val.map(|val| val.accuracy)),
        ]
    });
    Ok(cells.collect())
}

fn by_sample(row: &Row) -> Result<Vec<Vec<Cell>>, StoreError> {
    let mut found = vec![];
    for split in ["train", "val", "test"] {
        let Some((logits, scale)) = samples::logits(&row.run, split)? else { continue };
        let margins = margins(&logits);
        let probabilities = Probabilities::new(&logits, scale);
        let predictions = logits.map_rows(|z, label| (label, prediction(z)));
        let rows = predictions
            .into_iter()
            .zip(&margins)
            .zip(probabilities.label.iter().zip(&probabilities.max));
        let all =
            rows.enumerate().map(|(sample, (((label, predicted), margin), (p_label, p_max)))| {
                vec![
                    Cell::Text(split.to_owned()),
                    Cell::Count(sample as u64),
                    Cell::Count(label as u64),
                    Cell::Count(predicted as u64),
                    Cell::Number(*margin),
                    Cell::Number(*p_label),
                    Cell::Number(*p_max),
                ]
            });
        found.extend(all);
    }
    Ok(found)
}
