//! Runs that step together: one program, and one run for each of its replicas.
//!
//! The runs of a session share their data, the size of a batch and their length, so they stand at the same step; each draws its
//! own batches, has rates of its own and fills its own directory, as if it were alone. A run that breaks drops out: its replica is fed on, and nobody listens.

use std::ops::Range;

use super::evaluate::on_held_out;
use super::run::{Run, Timing};
use super::{
    Ended, Entry, LearningRate, Means, Observer, Progress, RunError, RunLength, RunPlan,
    SplitSamples, StopReason, StopSignal, Stopwatch, Summary, evaluate_splits, means,
};
use crate::lower::{ExecError, HyperValues, Motion, Replicas, StepOutput};
use crate::store::Position;

/// A program with the runs of its replicas.
#[expect(missing_debug_implementations, reason = "a program holds kernels")]
pub struct Session<'a> {
    /// That of the first run: where it matters, those of the others agree.
    plan: &'a RunPlan<'a>,
    program: Box<dyn Replicas>,
    length: RunLength,
    places: Vec<Seat<'a>>,
    stopwatch: Stopwatch,
    /// Samples of each run since the stopwatch was started.
    timed_samples: u64,
}

/// A run, and how it ended where it did before the others.
struct Seat<'a> {
    run: Run<'a>,
    broken: Option<RunError>,
    done: Option<Box<Summary>>,
}

impl Seat<'_> {
    /// Whether the run goes on.
    fn is_taken(&self) -> bool {
        self.broken.is_none() && self.done.is_none()
    }
}

impl<'a> Session<'a> {
    /// Seats one run for each replica of `program`; all are new, or all at the same step.
    ///
    /// # Errors
    /// [`RunError`] when a file of a run cannot be used or its state does not fit the program.
    pub fn open(mut program: Box<dyn Replicas>, entries: Vec<Entry<'a>>) -> Result<Self, RunError> {
        assert_eq!(program.count(), entries.len(), "every replica has its run");
        let mut places: Vec<Seat<'a>> = vec![];
        for (replica, Entry { plan, seed, dir, from }) in entries.into_iter().enumerate() {
            if let Some(checkpoint) = &from {
                program.load(replica, &checkpoint.state)?;
            }
            let position = from.map(|checkpoint| checkpoint.position);
            let run = Run::open(plan, dir, seed, position)?;
            places.push(Seat { run, broken: None, done: None });
        }
        let steps = |pair: &[Seat<'_>]| pair[0].run.position.step == pair[1].run.position.step;
        assert!(places.windows(2).all(steps), "the runs of a session stand at the same step");
        let plan = places.first().expect("a program has at least one replica").run.plan;
        let length = RunLength::new(plan.train, plan.dataset.train.len());
        Ok(Self { plan, program, length, places, stopwatch: Stopwatch::start(), timed_samples: 0 })
    }

    /// Steps to the end of the plan, or until `stop` asks; see `formats.md` for what each run leaves in its directory.
    ///
    /// How each run ended, in the order of the replicas; the last checkpoint of a run that failed stays usable.
    pub fn run(
        mut self,
        stop: &dyn StopSignal,
        observer: &mut dyn Observer,
    ) -> Vec<Result<Ended, RunError>> {
        self.part(observer);
        while self.lead().is_some_and(|run| run.position.step < self.plan.target()) {
            if let Some(reason) = stop.reason() {
                return self.stop(reason);
            }
            self.steps(observer);
            self.part(observer);
        }
        self.finish(observer)
    }

    /// The first run that is still there: where it stands, all do.
    fn lead(&self) -> Option<&Run<'a>> {
        self.places.iter().find(|place| place.is_taken()).map(|place| &place.run)
    }

    /// Does something with what each replica gave, for the runs that are still there; a run that fails at it drops out.
    fn each<T, U>(
        &mut self,
        given: Vec<T>,
        mut act: impl FnMut(&mut Run<'a>, T) -> Result<U, RunError>,
    ) -> Vec<Option<U>> {
        let here = |(place, given): (&mut Seat<'a>, T)| {
            if !place.is_taken() {
                return None;
            }
            act(&mut place.run, given).map_err(|error| place.broken = Some(error)).ok()
        };
        self.places.iter_mut().zip(given).map(here).collect()
    }

    /// The steps of every run up to the next one that is recorded, or that one; none goes behind the end of an epoch.
    fn steps(&mut self, observer: &mut dyn Observer) {
        self.begin_step();
        let Some(lead) = self.lead() else { return };
        let Position { step, epoch, batch_of_epoch, .. } = lead.position;
        let (n, batch) = (lead.order.len(), self.plan.train.batch);
        let at_once = self.at_once(step, batch_of_epoch);
        let ranges: Vec<_> = (0..at_once.unwrap_or(1))
            .map(|i| (batch_of_epoch + i) as usize * batch)
            .map(|first| first..n.min(first + batch))
            .collect();
        let rates = self.places.iter().map(|place| place.run.plan.train);
        let rates: Vec<_> = rates.map(|train| LearningRate::new(train, self.length)).collect();
        let of_step = |step| {
            rates.iter().map(|rate| HyperValues { lr: rate.at(step), step: step + 1 }).collect()
        };
        let hyper: Vec<Vec<HyperValues>> = (step..).take(ranges.len()).map(of_step).collect();
        let of_range = |range: &Range<usize>| {
            self.places.iter().map(|place| place.run.batch(range.clone())).collect()
        };
        let batches: Vec<Vec<_>> = ranges.iter().map(of_range).collect();
        let steps: Vec<Vec<_>> = if at_once.is_none() {
            let steps = self.program.step_measured(&batches[0], &hyper[0]).into_iter();
            let moved = |(outputs, motions)| (outputs, Some(motions));
            vec![steps.map(|step| step.map(moved)).collect()]
        } else {
            let unmoved = |outputs| (outputs, None);
            let steps = self.program.steps(&batches, &hyper).into_iter();
            let of_step = |step: Vec<Result<_, _>>| -> Vec<_> {
                step.into_iter().map(|step| step.map(unmoved)).collect()
            };
            steps.map(of_step).collect()
        };
        drop(batches);
        for ((steps, hyper), range) in steps.into_iter().zip(hyper).zip(ranges) {
            self.begin_step();
            let count = range.len() as u64;
            let given = steps.into_iter().zip(hyper).collect();
            let log_every = self.plan.log_every;
            self.each(
                given,
                |run, (step, hyper): (Result<(Vec<StepOutput>, _), ExecError>, HyperValues)| {
                    let logged = hyper.step.is_multiple_of(log_every);
                    let (outputs, motions) = step.map_err(|source| run.in_step(source))?;
                    run.advance(&outputs[0], count);
                    if let Some(motions) = motions {
                        let motions: Vec<Motion> = motions;
                        run.record(&outputs, &motions, &hyper, count, logged)?;
                    }
                    Ok(())
                },
            );
            self.timed_samples += count;
            observer.step(&self.progress(epoch, count));
        }
        let Some(lead) = self.lead() else { return };
        let whole = lead.position.batch_of_epoch >= self.length.steps_per_epoch;
        if whole || lead.position.step == self.plan.target() {
            self.end_epoch(!whole, observer);
            self.checkpoint();
        }
    }

    fn begin_step(&mut self) {
        for place in self.places.iter_mut().filter(|place| place.is_taken()) {
            place.run.begin_step();
        }
    }

    /// How many steps behind `step` are taken at once; `None` where the next one is recorded.
    fn at_once(&self, step: u64, batch_of_epoch: u64) -> Option<u64> {
        let to_log = self.plan.log_every - step % self.plan.log_every;
        let to_record = to_log.min(self.plan.target() - step);
        let to_epoch = self.length.steps_per_epoch.saturating_sub(batch_of_epoch).max(1);
        let most = (to_record - 1).min(to_epoch).min(self.program.stride() as u64);
        (most > 0).then_some(most)
    }

    /// Where the runs stand, in the mean.
    fn progress(&self, epoch: u64, samples: u64) -> Progress {
        let here = || self.places.iter().filter(|place| place.is_taken());
        let mean = |of: fn(Means) -> f64| {
            here().map(|place| of(place.run.means())).sum::<f64>() / here().count().max(1) as f64
        };
        Progress {
            step: self.lead().map_or(0, |run| run.position.step),
            steps: self.plan.target(),
            epoch,
            loss: mean(|means| means.loss),
            accuracy: mean(|means| means.accuracy),
            samples,
        }
    }

    fn end_epoch(&mut self, partial: bool, observer: &mut dyn Observer) {
        let seconds = self.stopwatch.seconds();
        let timing = Timing { seconds, samples: self.timed_samples };
        let (dataset, batch) = (self.plan.dataset, self.plan.train.batch);
        let program = &mut *self.program;
        let val = on_held_out(dataset, self.places.len(), |val| means(program, val, batch));
        let test = means(&mut *self.program, &SplitSamples::test(dataset), batch);
        let records = self.each(val.into_iter().zip(test).collect(), |run, (val, test)| {
            Ok(run.end_epoch(val.transpose()?, test?, timing, partial)?)
        });
        if self.places.iter().any(|place| place.run.plan.trial.is_some()) {
            let states = self.program.state();
            self.each(states, |run, state| Ok(run.confirm_scaling(&state?, partial)?));
        }
        for (run, record) in records.iter().enumerate() {
            let Some(record) = record else { continue };
            observer.of_run(run);
            observer.epoch(record, seconds);
        }
        self.stopwatch = Stopwatch::start();
        self.timed_samples = 0;
    }

    fn checkpoint(&mut self) {
        let states = self.program.state();
        self.each(states, |run, state| {
            let state = state.map_err(|source| run.in_step(source))?;
            Ok(run.checkpoint(state)?)
        });
    }

    /// Ends the runs that have waited for a better epoch as long as they may.
    fn part(&mut self, observer: &mut dyn Observer) {
        let gives_up =
            |seat: &Seat<'_>| seat.is_taken() && seat.run.plan.has_given_up(&seat.run.position);
        let leaves: Vec<bool> = self.places.iter().map(gives_up).collect();
        self.measure(&leaves, observer);
    }

    fn stop(mut self, reason: StopReason) -> Vec<Result<Ended, RunError>> {
        self.checkpoint();
        let ended = |Seat { run, broken, done }: Seat<'a>| match (broken, done) {
            (Some(error), _) => Err(error),
            (None, Some(summary)) => Ok(Ended::Finished(summary)),
            (None, None) => Ok(Ended::Stopped(reason, run.position.step)),
        };
        self.places.into_iter().map(ended).collect()
    }

    fn finish(mut self, observer: &mut dyn Observer) -> Vec<Result<Ended, RunError>> {
        let stays: Vec<bool> = self.places.iter().map(Seat::is_taken).collect();
        self.measure(&stays, observer);
        let ended = |Seat { broken, done, .. }: Seat<'a>| match (broken, done) {
            (Some(error), _) => Err(error),
            (None, Some(summary)) => Ok(Ended::Finished(summary)),
            (None, None) => unreachable!("a run that is still there is finished"),
        };
        self.places.into_iter().map(ended).collect()
    }

    /// Measures all parts of the data with the parameters as they are, and ends the runs that `ends` marks.
    fn measure(&mut self, ends: &[bool], observer: &mut dyn Observer) {
        if !ends.contains(&true) {
            return;
        }
        observer.note("measuring both sets");
        let (plan, isa) = (self.plan, self.program.isa());
        let measured = evaluate_splits(&mut *self.program, plan.dataset, plan.train.batch);
        let given = measured.into_iter().zip(self.program.state()).enumerate().collect();
        let summaries = self.each(given, |run, (at, (measured, state))| {
            if !ends[at] {
                return Ok(None);
            }
            let (summary, findings) = run.finish(measured?, &state?, isa.clone())?;
            observer.of_run(at);
            for finding in &findings {
                observer.warning(&finding.diagnostic(run.plan));
            }
            Ok(Some(Box::new(summary)))
        });
        for (seat, summary) in self.places.iter_mut().zip(summaries) {
            if let Some(Some(summary)) = summary {
                seat.done = Some(summary);
            }
        }
    }
}
