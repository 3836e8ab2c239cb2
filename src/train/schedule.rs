//! How long a run is and how its learning rate changes.

use crate::model::{Schedule, Train};

/// Steps and epochs of a run over `n` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLength {
    /// Steps of one epoch; the last batch may be short, or left out.
    pub steps_per_epoch: u64,
    /// Steps in all: the horizon of schedules.
    pub steps: u64,
}

impl RunLength {
    /// The length that `train` asks for on `n` training samples.
    pub fn new(train: &Train, n: usize) -> Self {
        Self { steps_per_epoch: train.steps_per_epoch(n), steps: train.steps(n) }
    }
}

/// The learning rate of each step.
///
/// **Formula** `lr · warm(t) · schedule(t)` at step t from 0 of T steps; `warm(t) = (t + 1) / warmup` while
/// t < warmup, then 1. Cosine is `½ (1 + cos(π t / T))`, so the first step uses `lr`.
#[derive(Clone, Copy, Debug)]
pub struct LearningRate<'a> {
    train: &'a Train,
    length: RunLength,
}

impl<'a> LearningRate<'a> {
    /// The rates of `train` over a run of `length`.
    pub fn new(train: &'a Train, length: RunLength) -> Self {
        Self { train, length }
    }

    /// The rate of step `t`, counted from 0.
    pub fn at(&self, t: u64) -> f64 {
        let factor = match &self.train.schedule {
            Schedule::Constant => 1.0,
            Schedule::Step { milestones, gamma } => {
                let epoch = t / self.length.steps_per_epoch;
                let passed = milestones.iter().filter(|milestone| **milestone <= epoch).count();
                gamma.powi(passed as i32)
            }
            Schedule::Cosine => {
                let share = t as f64 / self.length.steps.max(1) as f64;
                0.5 * (1.0 + libm::cos(std::f64::consts::PI * share))
            }
        };
        let warm =
            if t < self.train.warmup { (t + 1) as f64 / self.train.warmup as f64 } else { 1.0 };
        self.train.lr * warm * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::kernels::Tolerance;
    use crate::model::{LastBatch, Length, Optimizer, Places};

    fn train(schedule: Schedule, warmup: u64) -> Train {
        Train {
            optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
            sharpness: None,
            lr: 0.1,
            schedule,
            warmup,
            batch: 128,
            last_batch: LastBatch::Keep,
            clip: None,
            ema: None,
            best: None,
            patience: None,
            length: Length::Epochs(2),
            seeds: vec![0],
            well_delta: None,
            places: Places::at(Span::new(FileId(0), 0, 0)),
        }
    }

    #[test]
    fn the_last_short_batch_is_a_step() {
        let length = RunLength::new(&train(Schedule::Constant, 0), 50_000);
        assert_eq!(length, RunLength { steps_per_epoch: 391, steps: 782 });
    }

    #[test]
    fn a_dropped_batch_is_no_step_and_a_small_set_is_one_batch() {
        let train = Train { last_batch: LastBatch::Drop, ..train(Schedule::Constant, 0) };
        let length = |n| RunLength::new(&train, n);
        assert_eq!(length(50_000), RunLength { steps_per_epoch: 390, steps: 780 });
        assert_eq!(length(256), RunLength { steps_per_epoch: 2, steps: 4 });
        assert_eq!(length(127), RunLength { steps_per_epoch: 1, steps: 2 });
    }

    #[test]
    fn cosine_starts_at_the_full_rate_and_is_half_way_at_half_rate() {
        let train = train(Schedule::Cosine, 0);
        let rate = LearningRate::new(&train, RunLength { steps_per_epoch: 10, steps: 20 });
        assert_eq!(rate.at(0).to_bits(), 0.1_f64.to_bits());
        assert!(Tolerance::Double.holds(rate.at(10), 0.05, 1.0));
    }

    #[test]
    fn milestones_count_whole_epochs_and_warmup_ends_at_the_full_rate() {
        let train = train(Schedule::Step { milestones: vec![1], gamma: 0.5 }, 4);
        let rate = LearningRate::new(&train, RunLength { steps_per_epoch: 10, steps: 20 });
        assert!(Tolerance::Double.holds(rate.at(0), 0.025, 1.0));
        assert!(Tolerance::Double.holds(rate.at(3), 0.1, 1.0));
        assert!(Tolerance::Double.holds(rate.at(9), 0.1, 1.0));
        assert!(Tolerance::Double.holds(rate.at(10), 0.05, 1.0));
    }
}
