//! The cells of a sweep over their seeds: mean, and the ends of Student's 95 % interval.

use std::collections::BTreeMap;

use super::file::EventFile;
use super::proto::{Category, Layout, MarginChart, MarginSeries, Margins};
use super::{METRICS, Row, began, cell_name};
use crate::stats::{Difference, Groups};
use crate::store::StoreError;
use crate::train::EpochRecord;

/// The level of the intervals.
const LEVEL: f64 = 0.95;

/// Values of a metric by step.
type BySteps = BTreeMap<u64, Vec<f64>>;

/// One file a cell of which at least one run has an epoch, by its name.
pub(super) fn cells(rows: &[Row]) -> Result<Vec<(String, EventFile)>, StoreError> {
    let mut cells: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.labels.is_empty()) {
        cells.entry(cell_name(row)).or_default().push(row);
    }
    let mut files = vec![];
    for (name, rows) in cells {
        let mut metrics: Vec<BySteps> = METRICS.iter().map(|_| BySteps::new()).collect();
        for row in &rows {
            for epoch in row.run.epochs()?.iter().filter(|epoch| !epoch.partial) {
                for (metric, value) in metrics.iter_mut().zip(values(epoch)) {
                    metric.entry(epoch.step).or_default().push(value);
                }
            }
        }
        if metrics[0].is_empty() {
            continue;
        }
        let start = rows.iter().map(|row| began(row)).fold(f64::INFINITY, f64::min);
        let mut file = EventFile::new(start);
        file.layout(start, &layout());
        for (metric, tag) in metrics.iter().zip(METRICS) {
            for (step, values) in metric {
                let found = Difference::of(Groups::Paired(values));
                let (low, high) = found
                    .interval(LEVEL)
                    .map_or((found.mean, found.mean), |interval| (interval.low, interval.high));
                file.scalar(start, *step, &format!("{tag}/value"), found.mean);
                file.scalar(start, *step, &format!("{tag}/lower"), low);
                file.scalar(start, *step, &format!("{tag}/upper"), high);
            }
        }
        files.push((name, file));
    }
    Ok(files)
}

/// In the order of [`METRICS`].
fn values(epoch: &EpochRecord) -> [f64; 4] {
    [epoch.test.accuracy, epoch.test.loss, epoch.train.accuracy, epoch.train.loss]
}

/// A chart with margins for each metric.
fn layout() -> Layout {
    let chart = |tag: &str| {
        let series = MarginSeries {
            value: format!("{tag}/value"),
            lower: format!("{tag}/lower"),
            upper: format!("{tag}/upper"),
        };
        MarginChart { title: tag.to_owned(), margin: Some(Margins { series: vec![series] }) }
    };
    let charts = METRICS.into_iter().map(chart).collect();
    Layout { category: vec![Category { title: "over seeds".to_owned(), chart: charts }] }
}
