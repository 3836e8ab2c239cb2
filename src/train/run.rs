//! What one replica of a session leaves in its run directory.

use std::ops::Range;

use super::confirm::{confirm, point};
use super::learning::{End, findings, see_epoch, see_step};
use super::record::{Perturbed, TimingRecord, line, timed_epoch};
use super::telemetry::scales_before;
use super::{
    EpochRecord, Evaluated, Finding, Means, Measured, Record, RunError, RunLength, RunPlan, Share,
    SplitSamples, StepRecord, Summary, Warning, conserved_values, layer_scales,
};
use crate::data;
use crate::lower::{Batch, ExecError, HyperValues, Motion, State, StepOutput};
use crate::store::{
    Best, Checkpoint, LineFile, Position, RunDir, Seen, StoreError, Tail, write_logits,
};

/// A run that takes its place in a session: a new one, or one that goes on.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What it is asked to do.
    pub plan: &'a RunPlan<'a>,
    /// Seed of order, augmentation and initial parameters.
    pub seed: u64,
    /// Its directory.
    pub dir: &'a RunDir,
    /// Where it goes on.
    pub from: Option<Checkpoint>,
}

/// The files and the position of one run.
pub(super) struct Run<'a> {
    pub(super) plan: &'a RunPlan<'a>,
    dir: &'a RunDir,
    pub(super) position: Position,
    samples: SplitSamples<'a>,
    /// The samples of the epoch in order.
    pub(super) order: Vec<u32>,
    order_epoch: u64,
    metrics: LineFile,
    timing: LineFile,
    /// Step, epoch and batch that errors name, from 1.
    under_way: (u64, u64, u64),
}

/// How long the training of an epoch took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) seconds: f64,
    pub(super) samples: u64,
}

impl<'a> Run<'a> {
    /// Cuts the files of the run to its position.
    pub(super) fn open(
        plan: &'a RunPlan<'a>,
        dir: &'a RunDir,
        seed: u64,
        position: Option<Position>,
    ) -> Result<Self, RunError> {
        for marker in ["DONE", "FAILED", "summary.json"] {
            dir.remove(marker)?;
        }
        let mut position = position.unwrap_or_else(|| start(plan, seed));
        let ends_here = plan.is_over(&position);
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
        Ok(Self {
            plan,
            dir,
            position,
            samples: SplitSamples::train(plan.dataset, seed),
            order: vec![],
            order_epoch: 0,
            metrics,
            timing,
            under_way: (0, 0, 0),
        })
    }

    /// An error of the step that is under way, or of what it left.
    pub(super) fn in_step(&self, source: ExecError) -> RunError {
        let (step, epoch, batch) = self.under_way;
        RunError::Step { step, epoch, batch, source }
    }

    /// The samples at `range` of the order.
    pub(super) fn batch(&self, range: Range<usize>) -> Batch<'_> {
        let indices = &self.order[range];
        Batch { samples: &self.samples, indices, epoch: self.position.epoch }
    }

    /// Gets ready for the next step.
    pub(super) fn begin_step(&mut self) {
        let Position { step, epoch, batch_of_epoch, seed, .. } = self.position;
        self.under_way = (step + 1, epoch, batch_of_epoch + 1);
        if self.order_epoch != epoch {
            let n = self.plan.dataset.train.len();
            self.order = if self.plan.shuffle {
                data::order(seed, u32::try_from(epoch).unwrap_or(u32::MAX), n)
            } else {
                data::in_order(n)
            };
            self.order_epoch = epoch;
        }
    }

    /// Moves on by a step over `count` samples.
    pub(super) fn advance(&mut self, output: &StepOutput, count: u64) {
        self.position.step += 1;
        self.position.batch_of_epoch += 1;
        self.position.samples_of_epoch += count;
        self.position.loss_sum += output.loss * count as f64;
        self.position.correct += output.correct;
        if let Some(well) = output.well {
            self.position.seen.passed |= well > 0;
            self.position.seen.missed |= well < count;
        }
    }

    /// Running means of the epoch.
    pub(super) fn means(&self) -> Means {
        let n = self.position.samples_of_epoch.max(1) as f64;
        Means { loss: self.position.loss_sum / n, accuracy: self.position.correct as f64 / n }
    }

    /// Writes the line of a step, of which all values are those before its update.
    pub(super) fn record(
        &mut self,
        outputs: &[StepOutput],
        motions: &[Motion],
        hyper: &HyperValues,
        count: u64,
        lasting: bool,
    ) -> Result<(), StoreError> {
        let share = |well: Option<u64>| well.map(|well| well as f64 / count as f64);
        let scales = scales_before(motions);
        let ratio = scales.get("r1").zip(scales.get("r2")).map(|(r1, r2)| r2 / r1);
        let output = &outputs[0];
        let record = StepRecord {
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
        };
        let train = self.plan.train;
        let (lr, decays) = (train.lr, train.optimizer.weight_decay() > 0.0);
        self.see(lasting, |seen| see_step(seen, &record, lr, decays));
        self.push_metrics(&Record::Step(record).line(), lasting)
    }

    /// Notes what a line shows, for a run that ends here or for one that goes on, as [`Run::push_metrics`] does.
    fn see(&mut self, lasting: bool, note: impl Fn(&mut Seen)) {
        let Position { seen, tail, .. } = &mut self.position;
        if !lasting || tail.seen.is_some() {
            note(tail.seen.get_or_insert_with(|| seen.clone()));
        }
        if lasting {
            note(seen);
        }
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

    /// Writes the lines of an epoch, or of the part of one that the run ends in.
    pub(super) fn end_epoch(
        &mut self,
        val: Option<Means>,
        test: Means,
        timing: Timing,
        partial: bool,
    ) -> Result<EpochRecord, StoreError> {
        let record = EpochRecord {
            epoch: self.position.epoch,
            step: self.position.step,
            train: self.means(),
            val,
            test,
            partial,
        };
        self.see(!partial, |seen| see_epoch(seen, &record));
        self.push_metrics(&Record::Epoch(record.clone()).line(), !partial)?;
        self.timing.push(&line(&TimingRecord {
            epoch: record.epoch,
            seconds: timing.seconds,
            samples_per_second: timing.samples as f64 / timing.seconds.max(1e-9),
        }))?;
        if !partial {
            self.position.epoch += 1;
            self.position.batch_of_epoch = 0;
            self.position.samples_of_epoch = 0;
            self.position.loss_sum = 0.0;
            self.position.correct = 0;
            self.compare_with_best(&record);
        }
        Ok(record)
    }

    /// Takes an epoch as the best one so far where it is.
    fn compare_with_best(&mut self, record: &EpochRecord) {
        let Some(watched) = self.plan.train.best else { return };
        let Some(value) = record.watched(watched) else { return };
        let best = self.position.best.as_ref();
        if best.is_none_or(|best| watched.is_better(value, best.value)) {
            self.position.best = Some(Best {
                measure: watched.name().to_owned(),
                value,
                epoch: record.epoch,
                step: record.step,
                val: record.val,
                test: record.test,
                sha256: String::new(),
            });
        }
    }

    /// The line on the scaling claims at the parameters of the checkpoint that follows.
    pub(super) fn confirm_scaling(
        &mut self,
        state: &State,
        partial: bool,
    ) -> Result<(), StoreError> {
        let Some(trial) = self.plan.trial else { return Ok(()) };
        let epochs = self.position.epoch - u64::from(!partial);
        match confirm(trial, state, self.samples, (self.position.step, epochs)) {
            Some(record) => self.push_metrics(&Record::Scaling(record).line(), !partial),
            None => Ok(()),
        }
    }

    /// Makes the position last, and the weights where they are the best so far.
    pub(super) fn checkpoint(&mut self, state: State) -> Result<(), StoreError> {
        self.metrics.sync()?;
        let is_new = |best: &&mut Best| best.sha256.is_empty();
        if let Some(best) = self.position.best.as_mut().filter(is_new) {
            best.write(&state, &self.dir.path().join("ckpt"))?;
        }
        let checkpoint = Checkpoint { position: self.position.clone(), state };
        checkpoint.write(&self.dir.path().join("ckpt"))
    }

    /// Writes the logits and the summary, with what the run shows where it did not learn.
    pub(super) fn finish(
        &self,
        evaluated: Evaluated,
        state: &State,
        isa: String,
    ) -> Result<(Summary, Vec<Finding>), StoreError> {
        let findings = self.findings(&evaluated, state);
        let val = evaluated.val.as_ref().map(|val| ("val", val));
        let splits = [("train", &evaluated.train), ("test", &evaluated.test)];
        for (split, measured) in splits.into_iter().chain(val) {
            let path = self.dir.path().join("logits").join(format!("{split}.safetensors"));
            write_logits(&path, &measured.logits)?;
        }
        let summary = Summary {
            schema: "specc.summary/1".to_owned(),
            spec_hash: self.plan.spec_hash.clone(),
            seed: self.position.seed,
            device: self.plan.device.clone(),
            isa,
            threads: self.plan.threads,
            dtype: self.plan.dtype.clone(),
            params: self.plan.n_params,
            epochs: self.position.epoch - 1,
            steps: self.position.step,
            scales: evaluated.scales,
            size: evaluated.scalars.size,
            warnings: Warning::of_run(&findings, self.plan),
            best: self.position.best.clone(),
            stopped_early: self.plan.has_given_up(&self.position),
            train: evaluated.train.summary,
            val: evaluated.val.map(|val| val.summary),
            test: evaluated.test.summary,
        };
        let mut text =
            serde_json::to_string_pretty(&summary).expect("a summary holds plain numbers");
        text.push('\n');
        self.dir.write("summary.json", text.as_bytes())?;
        self.dir.write("DONE", b"")?;
        Ok((summary, findings))
    }

    fn findings(&self, evaluated: &Evaluated, state: &State) -> Vec<Finding> {
        let Position { seen, tail, step, epoch, batch_of_epoch, .. } = &self.position;
        let data = self.plan.dataset;
        let share = |labels, measured: &Measured| {
            Share::new(labels, measured.summary.accuracy.unwrap_or(0.0))
        };
        let end = End {
            seen: tail.seen.as_ref().unwrap_or(seen),
            step: *step,
            epoch: epoch - u64::from(*batch_of_epoch == 0),
            whole: *step >= RunLength::new(self.plan.train, data.train.len()).steps
                || self.plan.has_given_up(&self.position),
            splits: [
                share(data.train.labels(), &evaluated.train),
                share(data.test.labels(), &evaluated.test),
            ],
            delta: self.plan.loss.delta().or(self.plan.train.well_delta),
        };
        let checked = self.plan.checked;
        findings(&end, checked, |n| point(checked.graph(), n, state, self.samples))
    }
}

fn start(plan: &RunPlan<'_>, seed: u64) -> Position {
    Position {
        step: 0,
        epoch: 1,
        batch_of_epoch: 0,
        samples_of_epoch: 0,
        loss_sum: 0.0,
        correct: 0,
        seed,
        metrics_bytes: 0,
        tail: Tail::default(),
        seen: Seen::default(),
        best: None,
        spec_hash: plan.spec_hash.clone(),
    }
}
