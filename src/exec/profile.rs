//! How long each step of a phase takes, for those who ask; a program that nobody watches reads no clock.
//!
//! In: a clock. Out: nanoseconds of each step and thread, of each stage and of the whole. The clock is read once after each
//! call of a kernel, so that the times of a thread add up to its time in the stage.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::lower::{Batch, ExecError, HostTensor, HyperValues, Program, StepOutput};

/// Nanoseconds since any fixed moment.
pub type Clock = fn() -> u64;

/// What an executor tells while it runs a phase. Moments are nanoseconds of the watch's own clock.
pub(super) trait Watch: Sync {
    /// The time, where it matters.
    fn now(&self) -> u64;

    /// Samples were gathered since `since`, before the first step; returns the time.
    #[cfg_attr(not(feature = "exec"), expect(dead_code, reason = "fused kernels gather in a step"))]
    fn loaded(&self, since: u64) -> u64;

    /// Step `at` was done by `worker` since `since`; returns the time.
    fn step(&self, worker: usize, at: usize, since: u64) -> u64;

    /// All threads finished the stage `stage`, begun at `since`, which they share; returns the time.
    fn stage(&self, stage: usize, since: u64) -> u64;

    /// The phase, begun at `since`, is over, updates included.
    fn end(&self, since: u64);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn now(&self) -> u64 {
        0
    }

    #[inline(always)]
    fn loaded(&self, _: u64) -> u64 {
        0
    }

    #[inline(always)]
    fn step(&self, _: usize, _: usize, _: u64) -> u64 {
        0
    }

    #[inline(always)]
    fn stage(&self, _: usize, _: u64) -> u64 {
        0
    }

    #[inline(always)]
    fn end(&self, _: u64) {}
}

/// Times of one phase, summed over all runs since they were made.
#[derive(Debug)]
pub struct PhaseTimes {
    clock: Clock,
    /// By thread, then by step.
    threads: Vec<Vec<AtomicU64>>,
    /// Whether threads share the step.
    is_shared: Vec<bool>,
    /// Stages that threads share.
    stages: Vec<AtomicU64>,
    loading: AtomicU64,
    total: AtomicU64,
    runs: AtomicU64,
}

impl PhaseTimes {
    /// No times yet, of a phase with these steps (whether `n_threads` threads share each) and stages.
    pub(super) fn new(
        is_shared: Vec<bool>,
        n_stages: usize,
        n_threads: usize,
        clock: Clock,
    ) -> Self {
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Self {
            clock,
            threads: (0..n_threads.max(1)).map(|_| zeros(is_shared.len())).collect(),
            is_shared,
            stages: zeros(n_stages),
            loading: AtomicU64::new(0),
            total: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        }
    }

    /// Runs so far.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Nanoseconds of all runs together, as the caller sees them.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Nanoseconds of gathering samples before the first step; 0 where a step does it.
    pub fn loading(&self) -> u64 {
        self.loading.load(Ordering::Relaxed)
    }

    /// Nanoseconds that a step kept each of the threads busy, in the mean; of a step that is not shared those that it took,
    /// since what it leaves threads idle is its own doing.
    pub fn step(&self, at: usize) -> f64 {
        let sum: u64 = self.threads.iter().map(|steps| steps[at].load(Ordering::Relaxed)).sum();
        if self.is_shared[at] { sum as f64 / self.threads.len() as f64 } else { sum as f64 }
    }

    /// Nanoseconds that a stage took which threads share; 0 for any other.
    pub fn stage(&self, stage: usize) -> u64 {
        self.stages[stage].load(Ordering::Relaxed)
    }

    /// Adds the time since `since` and returns the time.
    fn add(&self, sum: &AtomicU64, since: u64) -> u64 {
        let now = self.now();
        sum.fetch_add(now.saturating_sub(since), Ordering::Relaxed);
        now
    }
}

impl Watch for PhaseTimes {
    fn now(&self) -> u64 {
        (self.clock)()
    }

    fn loaded(&self, since: u64) -> u64 {
        self.add(&self.loading, since)
    }

    fn step(&self, worker: usize, at: usize, since: u64) -> u64 {
        self.add(&self.threads[worker][at], since)
    }

    fn stage(&self, stage: usize, since: u64) -> u64 {
        self.add(&self.stages[stage], since)
    }

    fn end(&self, since: u64) {
        self.add(&self.total, since);
        self.runs.fetch_add(1, Ordering::Relaxed);
    }
}

/// Times of the phases of a training step, and of evaluation.
#[derive(Debug)]
pub struct Times {
    /// By phase of the step.
    pub train: Vec<PhaseTimes>,
    /// Evaluation.
    pub eval: PhaseTimes,
}

/// A program that runs under a clock where it is asked to.
pub trait Profiled: Program {
    /// Times to be filled by [`Profiled::step_timed`] and [`Profiled::eval_timed`].
    fn times(&self, clock: Clock) -> Times;

    /// Does what [`Program::step`] does and adds the times that it takes.
    ///
    /// # Errors
    /// As for the step.
    fn step_timed(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        times: &Times,
    ) -> Result<Vec<StepOutput>, ExecError>;

    /// Does what [`Program::eval`] does and adds the times that it takes.
    ///
    /// # Errors
    /// As for the evaluation.
    fn eval_timed(
        &mut self,
        batch: &Batch<'_>,
        times: &Times,
    ) -> Result<(HostTensor, StepOutput), ExecError>;
}
