//! Training: what is planned, what runs of the seeds of one spec came to, and what a run that is evaluated again measures.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{best_line, summary_table};
use crate::experiment::Experiment;
use crate::model::{LastBatch, Length};
use crate::store::Checkpoint;
use crate::study::over_seeds;
use crate::train::{Evaluated, Summary};

/// What would be trained, `specc.plan/1`.
pub fn plan_document(experiment: &Experiment<'_>) -> Value {
    let train = &experiment.spec().train;
    let (epochs, steps) = match train.length {
        Length::Epochs(epochs) => (Some(epochs), None),
        Length::Steps(steps) => (None, Some(steps)),
    };
    let run =
        |seed: &u64| json!({ "seed": seed, "run": experiment.dir(*seed).display().to_string() });
    json!({
        "schema": "specc.plan/1",
        "spec": experiment.spec().name,
        "spec_hash": experiment.hash(),
        "params": experiment.n_params(),
        "batch": train.batch,
        "steps_per_epoch": experiment.spec().n_train.map(|n| train.steps_per_epoch(n)),
        "epochs": epochs,
        "steps": steps,
        "dtype": experiment.options().machine.dtype.to_string(),
        "runs": experiment.seeds().iter().map(run).collect::<Vec<_>>(),
    })
}

/// The same for a reader.
pub fn plan_text(experiment: &Experiment<'_>) -> String {
    let train = &experiment.spec().train;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "spec        {} ({})", experiment.spec().name, &experiment.hash()[..12]);
    let _ = writeln!(text, "parameters  {}", experiment.n_params());
    let rest = match train.last_batch {
        LastBatch::Keep => "",
        LastBatch::Drop => ", a short last one is left out",
    };
    let _ = writeln!(text, "batch       {}{rest}", train.batch);
    let _ = match train.length {
        Length::Epochs(epochs) => writeln!(text, "epochs      {epochs}"),
        Length::Steps(steps) => writeln!(text, "steps       {steps}"),
    };
    let _ = writeln!(text, "precision   {}", experiment.options().machine.dtype);
    for seed in experiment.seeds() {
        let _ = writeln!(text, "seed {seed:<6} {}", experiment.dir(*seed).display());
    }
    text
}

/// What became of the runs of the seeds of a spec.
#[derive(Clone, Debug, Default)]
pub struct Trained {
    /// Finished runs, in the order of their seeds.
    pub finished: Vec<(PathBuf, Summary)>,
    /// A run that was asked to stop, and the step after which it did.
    pub stopped: Option<(PathBuf, u64)>,
}

impl Trained {
    /// One document: the summary of a single finished run where all went well (`ok`), else `specc.train/1`.
    ///
    /// # Errors
    /// A summary that is no JSON.
    pub fn document(&self, ok: bool, diagnostics: &[Value]) -> serde_json::Result<Value> {
        let mut runs = vec![];
        for (dir, summary) in &self.finished {
            let mut run = serde_json::to_value(summary)?;
            run["run"] = dir.display().to_string().into();
            runs.push(run);
        }
        if ok && runs.len() == 1 {
            let mut run = runs.remove(0);
            run["diagnostics"] = diagnostics.into();
            return Ok(run);
        }
        let stopped = self
            .stopped
            .as_ref()
            .map(|(dir, step)| json!({ "run": dir.display().to_string(), "step": step }));
        Ok(json!({
            "schema": "specc.train/1",
            "ok": ok,
            "diagnostics": diagnostics,
            "stopped": stopped,
            "runs": runs,
        }))
    }

    /// The measures of each finished run within `width` columns, and of several their means.
    pub fn text(&self, width: u16) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for (dir, summary) in &self.finished {
            if self.finished.len() > 1 {
                let _ = writeln!(text, "seed {}", summary.seed);
            }
            let val = summary.val.as_ref();
            text += &summary_table(&summary.train, val, &summary.test, width);
            if let Some(best) = &summary.best {
                let _ = writeln!(text, "{}", best_line(best, summary.stopped_early));
            }
            let _ = writeln!(text, "run: {}", dir.display());
        }
        if self.finished.len() > 1 {
            let summaries = self.finished.iter().map(|(_, summary)| summary).collect();
            text += &over_seeds(&[("all seeds".to_owned(), summaries)]);
        }
        text
    }
}

/// That a run was asked to stop and did, and how it goes on.
pub fn stopped_line(step: u64, dir: &Path) -> String {
    let dir = dir.display();
    format!("stopped after step {step}; the same command goes on from there ({dir})")
}

/// The measures of a run that was evaluated again, `specc.eval/1`.
pub fn evaluation_document(run: &Path, checkpoint: &Checkpoint, evaluated: &Evaluated) -> Value {
    let mut document = json!({
        "schema": "specc.eval/1",
        "run": run.display().to_string(),
        "spec_hash": checkpoint.position.spec_hash,
        "seed": checkpoint.position.seed,
        "steps": checkpoint.position.step,
        "scales": evaluated.scales,
        "R": evaluated.scalars.size,
        "train": evaluated.train.summary,
        "test": evaluated.test.summary,
    });
    if let Some(val) = &evaluated.val {
        document["val"] = json!(val.summary);
    }
    document
}

/// The same for a terminal of `width` columns.
pub fn evaluation_text(
    run: &Path,
    checkpoint: &Checkpoint,
    evaluated: &Evaluated,
    width: u16,
) -> String {
    let Evaluated { train, val, test, .. } = evaluated;
    let val = val.as_ref().map(|val| &val.summary);
    let table = summary_table(&train.summary, val, &test.summary, width);
    format!("{} after {} steps\n{table}", run.display(), checkpoint.position.step)
}
