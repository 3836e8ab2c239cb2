//! What an exported file says about itself.

use serde_json::{Value, json};

#[cfg(feature = "exec")]
use crate::data::Dataset;
use crate::data::Normalization;
#[cfg(feature = "exec")]
use crate::experiment::{Experiment, Trained};
#[cfg(feature = "exec")]
use crate::train::RunLength;

/// Where the tensors come from, and what the net expects.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// The spec, by its file or net.
    pub spec: String,
    /// Identity of the run, in hex.
    pub spec_hash: String,
    /// The seed of the run.
    pub seed: u64,
    /// Steps done.
    pub step: u64,
    /// Whole epochs done.
    pub epochs: u64,
    /// Steps of the whole run, the horizon of schedules.
    pub steps: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// Precision of the run: `f32`, `f64`.
    pub dtype: String,
    /// How stored values become inputs.
    pub pixels: Pixels,
    /// Names of the classes by their numbers, where they have any.
    pub class_names: Option<Vec<String>>,
}

/// Input = (value / divisor − mean) / deviation, for each index of the first axis of a sample or for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// The largest stored value: 255 for bytes.
    pub divisor: f64,
    /// One for each channel, or one for all.
    pub mean: Vec<f64>,
    /// The same of the deviation.
    pub deviation: Vec<f64>,
}

impl From<&Normalization> for Pixels {
    fn from(from: &Normalization) -> Self {
        let channels = (0..from.n_channels()).map(|channel| from.channel(channel));
        let (mean, deviation) = channels.map(|norm| (norm.mean, norm.deviation)).unzip();
        Self { divisor: from.divisor(), mean, deviation }
    }
}

#[cfg(feature = "exec")]
impl About {
    /// Of a run, its experiment and its data.
    pub fn of_run(trained: &Trained, experiment: &Experiment<'_>, dataset: &Dataset) -> Self {
        let position = &trained.checkpoint.position;
        let length = RunLength::new(&experiment.spec().train, dataset.train.len());
        Self {
            spec: experiment.spec().net.name.value.clone(),
            spec_hash: position.spec_hash.clone(),
            seed: position.seed,
            step: position.step,
            epochs: position.step / length.steps_per_epoch,
            steps: length.steps,
            steps_per_epoch: length.steps_per_epoch,
            dtype: trained.checkpoint.dtype().to_string(),
            pixels: (&dataset.normalization).into(),
            class_names: dataset.class_names.clone(),
        }
    }
}

impl About {
    /// The version that writes.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// Everything by name, in the order in which files show it; numbers of classes are those of the net.
    pub fn pairs(&self, classes: usize) -> Vec<(&'static str, Value)> {
        let names = self.class_names.as_ref().map(|names| json!(names));
        vec![
            ("specc_version", json!(Self::VERSION)),
            ("spec", json!(self.spec)),
            ("spec_hash", json!(self.spec_hash)),
            ("seed", json!(self.seed)),
            ("steps", json!(self.step)),
            ("epochs", json!(self.epochs)),
            ("dtype", json!(self.dtype)),
            ("classes", names.unwrap_or_else(|| json!(classes))),
            (
                "normalization",
                json!({
                    "formula": "input = (value / divisor - mean) / deviation",
                    "divisor": self.pixels.divisor,
                    "mean": self.pixels.mean,
                    "deviation": self.pixels.deviation,
                }),
            ),
        ]
    }
}
