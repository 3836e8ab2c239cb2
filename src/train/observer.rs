//! What a run tells while it works; the command line draws it.

use std::path::Path;

use super::EpochRecord;
use crate::diag::Diagnostic;

/// A run that is about to start or to go on.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// The run directory.
    pub dir: &'a Path,
    /// Identity of the run but for the seed, in hex.
    pub hash: &'a str,
    /// The seed.
    pub seed: u64,
    /// Steps done when it was left; `None` for a run that starts.
    pub from: Option<u64>,
    /// Steps that there will be in all.
    pub steps: u64,
    /// Threads used.
    pub threads: usize,
    /// Where a run that was in the way lies now.
    pub moved: Option<&'a Path>,
}

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

/// Listens to a run; who is not interested in something leaves it out.
pub trait Observer {
    /// Before the first step.
    fn begins(&mut self, _beginning: &Beginning<'_>) {}

    /// Before what one run of a session has to tell: its position.
    fn of_run(&mut self, _run: usize) {}

    /// After each step; of several runs, in the mean.
    fn step(&mut self, _progress: &Progress) {}

    /// After each epoch, whole or partial, with its training time.
    fn epoch(&mut self, _record: &EpochRecord, _seconds: f64) {}

    /// Before a longer piece of work that is no step: `measuring the training set`.
    fn note(&mut self, _text: &str) {}

    /// Something that a user should hear of, though the run goes on.
    fn warning(&mut self, _warning: &Diagnostic) {}
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
