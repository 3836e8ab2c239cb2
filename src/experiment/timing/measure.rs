//! Runs steps until their times are known well enough.

use std::fmt;

use super::timer::{PhaseCosts, Timer};
use crate::data;
use crate::lower::{Batch, ExecError, HyperValues, Program, Samples};
use crate::train::Stopwatch;

/// Seconds of timed training steps, where their number is not given.
const TIMED: f64 = 2.0;

/// Seconds before times count, so that memory is mapped and the processor at speed.
const WARM_UP: f64 = 0.2;

/// Least steps, whatever they take.
const MIN_STEPS: usize = 3;

/// Batches in the order of a first epoch.
pub(super) struct Batches<'a> {
    samples: &'a dyn Samples,
    order: Vec<u32>,
    batch: usize,
}

impl fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("batch", &self.batch).finish_non_exhaustive()
    }
}

impl<'a> Batches<'a> {
    /// Batches of `batch` of the `n` samples; the short last one is left out where there is another.
    pub(super) fn new(samples: &'a dyn Samples, n: usize, batch: usize, seed: u64) -> Self {
        Self { samples, order: data::order(seed, 1, n), batch: batch.clamp(1, n.max(1)) }
    }

    fn at(&self, step: usize) -> Batch<'_> {
        let n_batches = (self.order.len() / self.batch).max(1);
        let first = step % n_batches * self.batch;
        let end = (first + self.batch).min(self.order.len());
        Batch { samples: self.samples, indices: &self.order[first..end], epoch: 1 }
    }
}

/// Times of whole steps in seconds.
#[derive(Clone, Debug)]
pub struct Walls {
    sorted: Vec<f64>,
}

impl Walls {
    fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self { sorted: seconds }
    }

    /// Each of them shared by as many steps.
    fn shared(self, steps: usize) -> Self {
        Self { sorted: self.sorted.into_iter().map(|wall| wall / steps as f64).collect() }
    }

    /// Number of walls.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Mean in milliseconds.
    pub fn mean(&self) -> f64 {
        1e3 * self.sorted.iter().sum::<f64>() / self.count().max(1) as f64
    }

    /// Median in milliseconds.
    pub fn median(&self) -> f64 {
        self.sorted.get(self.count() / 2).map_or(0.0, |seconds| 1e3 * seconds)
    }

    /// Shortest in milliseconds.
    pub fn fastest(&self) -> f64 {
        self.sorted.first().map_or(0.0, |seconds| 1e3 * seconds)
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Samples of a step of one run.
    pub batch: usize,
    /// Runs that step together.
    pub replicas: usize,
    /// Training steps.
    pub train: Walls,
    /// Evaluation of batches.
    pub eval: Walls,
    /// Phases of training, then evaluation.
    pub phases: Vec<PhaseCosts>,
    /// Instruction set.
    pub isa: String,
}

/// Warms up and times `steps` training steps, or as many as take about two seconds, and a quarter as many evaluations.
pub(super) fn measure(
    timer: &mut dyn Timer,
    batches: &Batches<'_>,
    steps: Option<u64>,
) -> Result<Timed, ExecError> {
    let count = steps.map(|steps| usize::try_from(steps).unwrap_or(usize::MAX));
    let mut number = 0;
    let mut train = |timer: &mut dyn Timer| {
        number += 1;
        // With a rate of 0 the parameters stay: every step is the same work, and none diverges.
        let hyper = HyperValues { lr: 0.0, step: number };
        timer.step(&batches.at(number as usize), &hyper)
    };
    let mut evaluations = 0;
    let mut eval = |timer: &mut dyn Timer| {
        evaluations += 1;
        timer.eval(&batches.at(evaluations))
    };
    let warm_up = |limit: f64| if count.is_some() { 0.0 } else { limit };
    repeat(timer, &mut train, count.map(|_| 1), warm_up(WARM_UP))?;
    repeat(timer, &mut eval, count.map(|_| 1), warm_up(WARM_UP / 4.0))?;
    timer.reset();
    let calls = count.map(|steps| steps.div_ceil(timer.stride()));
    let train = repeat(timer, &mut train, calls, TIMED)?.shared(timer.stride());
    let eval = repeat(timer, &mut eval, count.map(|n| n.div_ceil(4)), TIMED / 4.0)?;
    let batch = batches.at(0).indices.len();
    Ok(Timed {
        batch,
        replicas: timer.replicas(),
        train,
        eval,
        phases: timer.phases(batch),
        isa: timer.isa(),
    })
}

/// Seconds of the fastest of a few training steps at a rate of 0.
pub(super) fn fastest_step(
    program: &mut dyn Program,
    batches: &Batches<'_>,
) -> Result<f64, ExecError> {
    const LIMIT: f64 = 0.1;
    let all = Stopwatch::start();
    let mut fastest = f64::INFINITY;
    let mut number = 0;
    // The first step maps memory and does not count where there is a second.
    while number < 2 || all.seconds() < LIMIT {
        let stopwatch = Stopwatch::start();
        let hyper = HyperValues { lr: 0.0, step: number + 1 };
        program.step(&batches.at(number as usize), &hyper)?;
        fastest = fastest.min(stopwatch.seconds());
        number += 1;
    }
    Ok(fastest)
}

fn repeat(
    timer: &mut dyn Timer,
    run: &mut dyn FnMut(&mut dyn Timer) -> Result<(), ExecError>,
    count: Option<usize>,
    limit: f64,
) -> Result<Walls, ExecError> {
    let all = Stopwatch::start();
    let mut walls = vec![];
    let goes_on = |done: usize| match count {
        Some(count) => done < count,
        None => done < MIN_STEPS || all.seconds() < limit,
    };
    while goes_on(walls.len()) {
        let stopwatch = Stopwatch::start();
        run(timer)?;
        walls.push(stopwatch.seconds());
    }
    Ok(Walls::new(walls))
}
