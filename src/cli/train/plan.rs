//! `specc train --dry-run`: what the command would do.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::experiment::Experiment;
use crate::model::{LastBatch, Length};

/// One document, `specc.plan/1`.
pub(super) fn document(experiment: &Experiment<'_>) -> Value {
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

/// The same for the screen.
pub(super) fn text(experiment: &Experiment<'_>) -> String {
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
