//! One run of one seed, from a checkpoint or from the start to its summary.

use super::confirm::confirm;
use super::record::{Perturbed, TimingRecord, line, timed_epoch};
use super::telemetry::scales_before;
use super::{
    EpochRecord, LearningRate, Means, Observer, Progress, RunLength, SplitSamples, StepRecord,
    Stopwatch, Summary, conserved_values, evaluate, evaluate_splits, layer_scales,
};
use crate::check::Conserved;
use crate::check::numeric::Trial;
use crate::data::{self, Dataset};
use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::lower::{Batch, ExecError, HyperValues, Motion, Program, StepOutput};
use crate::measure;
use crate::model::Train;
use crate::store::{Checkpoint, LineFile, Position, RunDir, StoreError, Tail, write_logits};

/// What a run needs to know beside its program.
#[derive(Clone, Debug)]
pub struct RunPlan<'a> {
    /// Batch, length, schedule.
    pub train: &'a Train,
    /// The data.
    pub dataset: &'a Dataset,
    /// Seed of order, augmentation and initial parameters.
    pub seed: u64,
    /// Stop early after so many steps.
    pub max_steps: Option<u64>,
    /// Whether each epoch has an order of its own; file order otherwise.
    pub shuffle: bool,
    /// Steps between lines of `metrics.jsonl`, ≥ 1.
    pub log_every: u64,
    /// Identity of the run.
    pub spec_hash: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// Threads used.
    pub threads: usize,
    /// `f32` or `f64`.
    pub dtype: String,
    /// Trainable numbers of the net.
    pub n_params: u64,
    /// Quantities to log with every step; `None` where they are not asked for.
    pub conserved: Option<&'a [Conserved]>,
    /// Scaling claims to try at every checkpoint of an epoch.
    pub trial: Option<&'a Trial<'a>>,
}

impl RunPlan<'_> {
    /// Steps that this command does in all.
    pub fn target(&self) -> u64 {
        let total = RunLength::new(self.train, self.dataset.train.len()).steps;
        self.max_steps.map_or(total, |most| most.min(total))
    }
}

/// Why a run stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user asked (SIGINT).
    Interrupt,
    /// The system asked (SIGTERM, SIGUSR1).
    Preempt,
}

/// Asked before every step.
pub trait StopSignal {
    /// Whether to stop now, after a checkpoint.
    fn reason(&self) -> Option<StopReason>;
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// All steps done, everything measured and written.
    Finished(Box<Summary>),
    /// A checkpoint is written; the same command goes on from it.
    Stopped(StopReason, u64),
}

/// A run that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A step failed.
    #[error("step {step}: {source}")]
    Step {
        /// The step, from 1.
        step: u64,
        /// The epoch, from 1.
        epoch: u64,
        /// The batch of the epoch, from 1.
        batch: u64,
        /// What happened.
        source: ExecError,
    },
    /// Evaluation failed.
    #[error("evaluation: {0}")]
    Evaluation(#[from] ExecError),
    /// A file of the run could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The logits cannot be measured.
    #[error("measures: {0}")]
    Measure(#[from] measure::LogitsError),
}

impl ToDiagnostic for RunError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Step { step, epoch, batch, source } => source
                .to_diagnostic()
                .note(format!("at step {step} (epoch {epoch}, batch {batch})")),
            Self::Evaluation(source) => source.to_diagnostic(),
            Self::Store(error) => error.to_diagnostic(),
            Self::Measure(error) => {
                let title = "training diverged: the logits are not finite";
                Diagnostic::new(Code::E0713, title).note(format!("found: {error}"))
            }
        }
    }
}

/// Trains from `from` (or the start) to the end of the plan; see `formats.md` for what it leaves in `dir`.
///
/// # Errors
/// [`RunError`]; the last checkpoint stays usable.
pub fn train(
    plan: &RunPlan<'_>,
    program: &mut dyn Program,
    dir: &RunDir,
    from: Option<Checkpoint>,
    stop: &dyn StopSignal,
    observer: &mut dyn Observer,
) -> Result<Ended, RunError> {
    for marker in ["DONE", "FAILED", "summary.json"] {
        dir.remove(marker)?;
    }
    let mut run = Run::open(plan, program, dir, from)?;
    while run.position.step < plan.target() {
        if let Some(reason) = stop.reason() {
            run.checkpoint()?;
            return Ok(Ended::Stopped(reason, run.position.step));
        }
        run.step(observer)?;
    }
    run.finish(observer).map(|summary| Ended::Finished(Box::new(summary)))
}

struct Run<'a> {
    plan: &'a RunPlan<'a>,
    program: &'a mut dyn Program,
    dir: &'a RunDir,
    length: RunLength,
    position: Position,
    metrics: LineFile,
    timing: LineFile,
    order: Vec<u32>,
    order_epoch: u64,
    stopwatch: Stopwatch,
    timed_samples: u64,
    /// Step, epoch and batch that errors name, from 1.
    under_way: (u64, u64, u64),
}

impl<'a> Run<'a> {
    fn open(
        plan: &'a RunPlan<'a>,
        program: &'a mut dyn Program,
        dir: &'a RunDir,
        from: Option<Checkpoint>,
    ) -> Result<Self, RunError> {
        let mut position = match from {
            Some(checkpoint) => {
                program.load(&checkpoint.state)?;
                checkpoint.position
            }
            None => start(plan),
        };
        let ends_here = position.step >= plan.target();
        let mut metrics =
            LineFile::open_at(&dir.path().join("metrics.jsonl"), position.metrics_bytes)?;
        if ends_here {
            metrics.push_all(&position.tail.ended)?;
        } else {
            metrics.push_all(&position.tail.continued)?;
            position.metrics_bytes = metrics.len();
            position.tail = Tail::default();
        }
        // Parts of an epoch that an earlier command ended in are timed again as part of the whole.
        let is_over =
            |line: &str| timed_epoch(line).is_some_and(|epoch| ends_here || epoch < position.epoch);
        let timing = LineFile::open_while(&dir.path().join("timing.jsonl"), is_over)?;
        let length = RunLength::new(plan.train, plan.dataset.train.len());
        Ok(Self {
            plan,
            program,
            dir,
            length,
            position,
            metrics,
            timing,
            order: vec![],
            order_epoch: 0,
            stopwatch: Stopwatch::start(),
            timed_samples: 0,
            under_way: (0, 0, 0),
        })
    }

    /// An error of the step that is under way, or of what it left.
    fn in_step(&self, source: ExecError) -> RunError {
        let (step, epoch, batch) = self.under_way;
        RunError::Step { step, epoch, batch, source }
    }

    fn step(&mut self, observer: &mut dyn Observer) -> Result<(), RunError> {
        let epoch = self.position.epoch;
        self.take_order(epoch);
        let n = self.order.len();
        let batch = self.plan.train.batch;
        let first = self.position.batch_of_epoch as usize * batch;
        let indices = &self.order[first..n.min(first + batch)];
        let hyper = HyperValues {
            lr: LearningRate::new(self.plan.train, self.length).at(self.position.step),
            step: self.position.step + 1,
        };
        self.under_way = (hyper.step, epoch, self.position.batch_of_epoch + 1);
        let logged = (self.position.step + 1).is_multiple_of(self.plan.log_every);
        let last = self.position.step + 1 == self.plan.target();
        let samples = SplitSamples::train(self.plan.dataset, self.plan.seed);
        let batch_of_step = Batch { samples: &samples, indices, epoch };
        let measured = if logged || last {
            let step = self.program.step_measured(&batch_of_step, &hyper);
            step.map(|(outputs, motions)| (outputs, Some(motions)))
        } else {
            self.program.step(&batch_of_step, &hyper).map(|outputs| (outputs, None))
        };
        let count = indices.len() as u64;
        let (outputs, motions) = measured.map_err(|source| self.in_step(source))?;
        let output = outputs[0];
        self.advance(&output, count);
        if let Some(motions) = motions {
            let record = self.record(&outputs, &motions, &hyper, count);
            self.push_metrics(&line(&record), logged)?;
        }
        observer.step(&Progress {
            step: self.position.step,
            steps: self.plan.target(),
            epoch,
            loss: self.means().loss,
            accuracy: self.means().accuracy,
            samples: count,
        });
        if self.position.batch_of_epoch >= self.length.steps_per_epoch {
            self.end_epoch(false, observer)?;
            self.checkpoint()?;
        } else if last {
            self.end_epoch(true, observer)?;
            self.checkpoint()?;
        }
        Ok(())
    }

    /// The line of a step: all values are those before its update.
    fn record(
        &self,
        outputs: &[StepOutput],
        motions: &[Motion],
        hyper: &HyperValues,
        count: u64,
    ) -> StepRecord {
        let share = |well: Option<u64>| well.map(|well| well as f64 / count as f64);
        let scales = scales_before(motions);
        let ratio = scales.get("r1").zip(scales.get("r2")).map(|(r1, r2)| r2 / r1);
        let output = &outputs[0];
        StepRecord {
            kind: "step",
            step: self.position.step,
            epoch: self.position.epoch,
            lr: hyper.lr,
            loss: output.loss,
            accuracy: output.correct as f64 / count as f64,
            well: share(output.well),
            size: output.size,
            scales,
            r2_over_r1: ratio.filter(|ratio| ratio.is_finite()),
            layers: layer_scales(motions, hyper.lr),
            conserved: self.plan.conserved.map(|all| conserved_values(all, motions)),
            perturbed: outputs.get(1).map(|second| Perturbed {
                loss: second.loss,
                well: share(second.well),
                size: second.size,
            }),
        }
    }

    fn take_order(&mut self, epoch: u64) {
        if self.order_epoch != epoch {
            let n = self.plan.dataset.train.len();
            self.order = if self.plan.shuffle {
                data::order(self.plan.seed, u32::try_from(epoch).unwrap_or(u32::MAX), n)
            } else {
                data::in_order(n)
            };
            self.order_epoch = epoch;
        }
    }

    fn advance(&mut self, output: &StepOutput, count: u64) {
        self.position.step += 1;
        self.position.batch_of_epoch += 1;
        self.position.samples_of_epoch += count;
        self.position.loss_sum += output.loss * count as f64;
        self.position.correct += output.correct;
        self.timed_samples += count;
    }

    fn means(&self) -> Means {
        let n = self.position.samples_of_epoch.max(1) as f64;
        Means { loss: self.position.loss_sum / n, accuracy: self.position.correct as f64 / n }
    }

    /// Lines that an undisturbed run would not have are kept out of what a continued run starts from.
    fn push_metrics(&mut self, text: &str, lasting: bool) -> Result<(), StoreError> {
        self.metrics.push(text)?;
        let tail = &mut self.position.tail;
        if lasting && tail.ended.is_empty() {
            self.position.metrics_bytes = self.metrics.len();
            return Ok(());
        }
        tail.ended.extend([text, "\n"]);
        if lasting {
            tail.continued.extend([text, "\n"]);
        }
        Ok(())
    }

    fn end_epoch(&mut self, partial: bool, observer: &mut dyn Observer) -> Result<(), RunError> {
        let seconds = self.stopwatch.seconds();
        let test = SplitSamples::test(self.plan.dataset);
        let test = evaluate(self.program, &test, self.plan.train.batch)?.means;
        let record = EpochRecord {
            kind: "epoch",
            epoch: self.position.epoch,
            step: self.position.step,
            train: self.means(),
            test,
            partial,
        };
        self.push_metrics(&line(&record), !partial)?;
        self.timing.push(&line(&TimingRecord {
            epoch: record.epoch,
            seconds,
            samples_per_second: self.timed_samples as f64 / seconds.max(1e-9),
        }))?;
        if !partial {
            self.position.epoch += 1;
            self.position.batch_of_epoch = 0;
            self.position.samples_of_epoch = 0;
            self.position.loss_sum = 0.0;
            self.position.correct = 0;
        }
        self.confirm_scaling(partial)?;
        observer.epoch(&record, seconds);
        self.stopwatch = Stopwatch::start();
        self.timed_samples = 0;
        Ok(())
    }

    /// The line on the scaling claims at the parameters of the checkpoint that follows.
    fn confirm_scaling(&mut self, partial: bool) -> Result<(), RunError> {
        let Some(trial) = self.plan.trial else { return Ok(()) };
        let state = self.program.state()?;
        let samples = SplitSamples::train(self.plan.dataset, self.plan.seed);
        let epochs = self.position.epoch - u64::from(!partial);
        if let Some(record) = confirm(trial, &state, samples, (self.position.step, epochs)) {
            self.push_metrics(&line(&record), !partial)?;
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), RunError> {
        self.metrics.sync()?;
        let state = self.program.state().map_err(|source| self.in_step(source))?;
        Checkpoint { position: self.position.clone(), state }
            .write(&self.dir.path().join("ckpt"))?;
        Ok(())
    }

    fn finish(&mut self, observer: &mut dyn Observer) -> Result<Summary, RunError> {
        observer.note("measuring both sets");
        let batch = self.plan.train.batch;
        let evaluated = evaluate_splits(self.program, self.plan.dataset, batch, self.plan.seed)?;
        for (split, measured) in [("train", &evaluated.train), ("test", &evaluated.test)] {
            let path = self.dir.path().join("logits").join(format!("{split}.safetensors"));
            write_logits(&path, &measured.logits)?;
        }
        let summary = Summary {
            schema: "specc.summary/1".to_owned(),
            spec_hash: self.plan.spec_hash.clone(),
            seed: self.plan.seed,
            device: self.plan.device.clone(),
            isa: self.program.isa(),
            threads: self.plan.threads,
            dtype: self.plan.dtype.clone(),
            params: self.plan.n_params,
            epochs: self.position.epoch - 1,
            steps: self.position.step,
            scales: evaluated.scales,
            size: evaluated.scalars.size,
            train: evaluated.train.summary,
            test: evaluated.test.summary,
        };
        let mut text =
            serde_json::to_string_pretty(&summary).expect("a summary holds plain numbers");
        text.push('\n');
        self.dir.write("summary.json", text.as_bytes())?;
        self.dir.write("DONE", b"")?;
        Ok(summary)
    }
}

fn start(plan: &RunPlan<'_>) -> Position {
    Position {
        step: 0,
        epoch: 1,
        batch_of_epoch: 0,
        samples_of_epoch: 0,
        loss_sum: 0.0,
        correct: 0,
        seed: plan.seed,
        metrics_bytes: 0,
        tail: Tail::default(),
        spec_hash: plan.spec_hash.clone(),
    }
}
