//! Runs as event files of TensorBoard.
//!
//! In: stored runs. Out: below one folder a directory for each run, with scalars under TensorBoard's usual tags, histograms of
//! margins and hyperparameters, and for each cell of a sweep one over its seeds with the mean, its lower and its upper end,
//! laid out as a chart with margins. Equal runs give equal files but for the time at which they began.

mod cells;
mod file;
mod proto;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use file::EventFile;
use proto::{
    HParam, HParamInfo, HParamsData, HParamsExperiment, KIND_STRING, MetricInfo, MetricName,
    RUNNING, SUCCESS, SessionEnd, SessionStart,
};

use super::samples::logits;
use super::{Row, RunState};
use crate::measure::{margins, normalized_margins};
use crate::store::{StoreError, write_shared};
use crate::train::Record;

/// Every event file has this name: TensorBoard looks for `tfevents`.
const FILE: &str = "events.out.tfevents.0.specc";

/// What TensorBoard compares hyperparameters by.
const METRICS: [&str; 4] = ["test/accuracy", "test/loss", "train/accuracy", "train/loss"];

/// Writes the event files of some runs below a folder; gives the directories.
///
/// # Errors
/// [`StoreError`] when a run cannot be read, or a file cannot be written.
pub fn tensorboard(rows: &[Row], folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut written = vec![];
    for row in rows {
        written.push(write(&folder.join(name(row)), events(row)?)?);
    }
    for (cell, file) in cells::cells(rows)? {
        written.push(write(&folder.join("cells").join(cell), file)?);
    }
    if rows.iter().any(|row| !row.labels.is_empty()) {
        written.push(write(&folder.join("sweep"), experiment(rows))?);
    }
    Ok(written)
}

fn write(dir: &Path, file: EventFile) -> Result<PathBuf, StoreError> {
    fs::create_dir_all(dir).map_err(|error| StoreError::io("create", dir, error))?;
    write_shared(&dir.join(FILE), &file.bytes())?;
    Ok(dir.to_owned())
}

/// `loss=two recipe=fast s3`, or the name of the directory of a run without labels.
fn name(row: &Row) -> PathBuf {
    if row.labels.is_empty() {
        let path = row.run.path();
        return path.file_name().map_or_else(|| PathBuf::from("run"), PathBuf::from);
    }
    PathBuf::from(cell_name(row)).join(format!("s{}", row.run.identity().seed))
}

/// The labels of a run as one part of a path.
fn cell_name(row: &Row) -> String {
    let labels = row.labels.iter().map(|(axis, label)| format!("{axis}={label}"));
    labels.collect::<Vec<_>>().join(" ").replace(['/', '\\'], "_")
}

/// When a run began, in seconds since 1970.
fn began(row: &Row) -> f64 {
    let made = fs::metadata(row.run.path().join("run.json")).and_then(|file| file.modified());
    let since = made.ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64().floor())
}

fn events(row: &Row) -> Result<EventFile, StoreError> {
    let start = began(row);
    let times: BTreeMap<u64, f64> =
        row.run.times()?.iter().map(|time| (time.epoch, time.seconds)).collect();
    // Seconds from the start to the end of an epoch.
    let until = |epoch: u64| start + times.range(..=epoch).map(|(_, seconds)| seconds).sum::<f64>();
    let mut file = EventFile::new(start);
    let hparams = row
        .labels
        .iter()
        .map(|(axis, label)| (axis.clone(), HParam { string_value: Some(label.clone()) }));
    if !row.labels.is_empty() {
        let data = SessionStart {
            hparams: hparams.collect(),
            group_name: cell_name(row),
            start_time_secs: start,
        };
        file.hparams(start, "_hparams_/session_start_info", HParamsData::Start(data));
    }
    for record in row.run.records()? {
        match record {
            Record::Step(step) => {
                let time = until(step.epoch.saturating_sub(1));
                let mut scalar = |tag: &str, value| file.scalar(time, step.step, tag, value);
                scalar("batch/loss", step.loss);
                scalar("batch/accuracy", step.accuracy);
                scalar("lr", step.lr);
                step.well.into_iter().for_each(|well| scalar("batch/well", well));
                step.size.into_iter().for_each(|size| scalar("R", size));
                for (name, value) in &step.scales {
                    scalar(&format!("scales/{name}"), *value);
                }
                for (layer, scale) in &step.layers {
                    scalar(&format!("norm/{layer}"), scale.norm);
                }
            }
            Record::Epoch(epoch) => {
                let time = until(epoch.epoch);
                let val = epoch.val.map(|val| ("val", val));
                let parts = [("train", epoch.train), ("test", epoch.test)].into_iter().chain(val);
                for (split, means) in parts {
                    file.scalar(time, epoch.step, &format!("{split}/loss"), means.loss);
                    file.scalar(time, epoch.step, &format!("{split}/accuracy"), means.accuracy);
                }
            }
            Record::Scaling(_) => {}
        }
    }
    let end = until(u64::MAX);
    if let Some(summary) = row.run.summary() {
        for split in ["train", "val", "test"] {
            let Some((logits, _)) = logits(&row.run, split)? else { continue };
            let margins = margins(&logits);
            file.histogram(end, summary.steps, &format!("{split}/margin"), &margins);
            if let Some(size) = logits.scalars().size {
                let values = normalized_margins(&margins, size);
                file.histogram(end, summary.steps, &format!("{split}/normalized_margin"), &values);
            }
        }
    }
    if !row.labels.is_empty() {
        let status = if row.state == RunState::Done { SUCCESS } else { RUNNING };
        let data = SessionEnd { status, end_time_secs: end };
        file.hparams(end, "_hparams_/session_end_info", HParamsData::End(data));
    }
    Ok(file)
}

/// Which hyperparameters and metrics there are.
fn experiment(rows: &[Row]) -> EventFile {
    let mut axes: Vec<&String> = rows.iter().flat_map(|row| row.labels.keys()).collect();
    axes.sort();
    axes.dedup();
    let start = rows.iter().map(began).fold(f64::INFINITY, f64::min);
    let start = if start.is_finite() { start } else { 0.0 };
    let mut file = EventFile::new(start);
    let info = |axis: &String| HParamInfo { name: axis.clone(), kind: KIND_STRING };
    let metric = |tag: &str| MetricInfo { name: Some(MetricName { tag: tag.to_owned() }) };
    let data = HParamsExperiment {
        hparam_infos: axes.into_iter().map(info).collect(),
        metric_infos: METRICS.into_iter().map(metric).collect(),
    };
    file.hparams(start, "_hparams_/experiment", HParamsData::Experiment(data));
    file
}
