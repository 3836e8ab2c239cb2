//! What a run tells while it works; the command line draws it.

use super::EpochRecord;

/// A run as it goes.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps that this command will do in all.
    pub steps: u64,
    /// Epoch of the last step, from 1.
    pub epoch: u64,
    /// Running mean loss of the epoch.
    pub loss: f64,
    /// Running accuracy of the epoch.
    pub accuracy: f64,
    /// Samples of the last step.
    pub samples: u64,
}

/// Listens to a run.
pub trait Observer {
    /// After each step.
    fn step(&mut self, progress: &Progress);

    /// After each epoch, whole or partial, with its training time.
    fn epoch(&mut self, record: &EpochRecord, seconds: f64);

    /// Before a longer piece of work that is no step: `measuring the training set`.
    fn note(&mut self, text: &str);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn step(&mut self, _: &Progress) {}

    fn epoch(&mut self, _: &EpochRecord, _: f64) {}

    fn note(&mut self, _: &str) {}
}
