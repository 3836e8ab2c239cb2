//! How long each step of a phase takes, for those who ask; a program that nobody watches reads no clock.
//!
//! In: a clock. Out: nanoseconds of each step and thread, of each stage and of the whole. The clock is read once after each
//! call of a kernel, so that the times of a thread add up to its time in the stage.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::lower::cpu::{CpuPhase, StageKind};

/// Nanoseconds since any fixed moment.
pub type Clock = fn() -> u64;

/// What the executor tells while it runs a phase.
pub(super) trait Watch: Sync {
    /// The time, where it matters.
    fn now(&self) -> u64;

    /// Step `at` was done by `worker` since `since`; returns the time.
    fn step(&self, worker: usize, at: usize, since: u64) -> u64;

    /// All threads finished the block stage `stage`, begun at `since`; returns the time.
    fn stage(&self, stage: usize, since: u64) -> u64;
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
    fn step(&self, _: usize, _: usize, _: u64) -> u64 {
        0
    }

    #[inline(always)]
    fn stage(&self, _: usize, _: u64) -> u64 {
        0
    }
}

/// Times of one phase, summed over all runs since they were made.
#[derive(Debug)]
pub struct PhaseTimes {
    clock: Clock,
    /// By thread, then by step.
    threads: Vec<Vec<AtomicU64>>,
    /// Block stages; whole ones take what their steps take.
    stages: Vec<AtomicU64>,
    total: u64,
    runs: u64,
}

impl PhaseTimes {
    /// No times yet, of a phase on `n_threads` threads.
    pub(super) fn new(phase: &CpuPhase, n_threads: usize, clock: Clock) -> Self {
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Self {
            clock,
            threads: (0..n_threads).map(|_| zeros(phase.steps.len())).collect(),
            stages: zeros(phase.stages.len()),
            total: 0,
            runs: 0,
        }
    }

    /// Counts a run that took from `since` until now.
    pub(super) fn end_run(&mut self, since: u64) {
        self.total += self.now().saturating_sub(since);
        self.runs += 1;
    }

    /// Runs so far.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Nanoseconds of all runs together, as the caller sees them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Nanoseconds that a step kept each of the threads busy, in the mean; of a whole step those that it took, since what it
    /// leaves threads idle is its own doing.
    pub fn step(&self, phase: &CpuPhase, at: usize) -> f64 {
        let sum: u64 = self.threads.iter().map(|steps| steps[at].load(Ordering::Relaxed)).sum();
        let is_whole = phase
            .stages
            .iter()
            .any(|stage| stage.kind == StageKind::Whole && stage.steps.contains(&at));
        if is_whole { sum as f64 } else { sum as f64 / self.threads.len().max(1) as f64 }
    }

    /// Nanoseconds that a block stage took; 0 for a whole one.
    pub fn stage(&self, stage: usize) -> u64 {
        self.stages[stage].load(Ordering::Relaxed)
    }
}

impl Watch for PhaseTimes {
    fn now(&self) -> u64 {
        (self.clock)()
    }

    fn step(&self, worker: usize, at: usize, since: u64) -> u64 {
        let now = self.now();
        self.threads[worker][at].fetch_add(now.saturating_sub(since), Ordering::Relaxed);
        now
    }

    fn stage(&self, stage: usize, since: u64) -> u64 {
        let now = self.now();
        self.stages[stage].fetch_add(now.saturating_sub(since), Ordering::Relaxed);
        now
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
