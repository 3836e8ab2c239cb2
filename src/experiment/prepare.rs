//! An experiment, worked out before any data is read.

use std::path::{Path, PathBuf};

use super::gpu::GpuPlaces;
use super::identity::{executor, resolved_text, run_name, spec_hash};
use super::initial::Initial;
use super::together::{Member, programs};
use super::{Device, ExperimentError, Machine, gpu};
use crate::check::numeric::Trial;
use crate::check::{self, Checked, Conserved};
use crate::compile::Compiled;
use crate::data::Dataset;
use crate::diag::Diagnostics;
use crate::exec::{self, Start, StartError};
use crate::grad::{self, Joint};
use crate::ir::ParamRole;
use crate::kernels::isa::Isa;
use crate::lower::{Replicas, State, Target};
use crate::model;
use crate::store::{Checkpoint, IDENTITY_EDITION, Identity};
use crate::train::{Evaluated, RunPlan, evaluate_splits};

/// Steps between lines of metrics where nothing is said.
pub const LOG_EVERY: u64 = 50;

/// How an experiment is run; what no spec says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where.
    pub machine: Machine,
    /// Seeds in order; those of the spec where `None`.
    pub seeds: Option<Vec<u64>>,
    /// The run directory, or the folder of those of several seeds; a name under `runs` where `None`.
    pub output: Option<PathBuf>,
    /// The folder of runs without a directory of their own; `runs/<spec>` where `None`.
    pub root: Option<PathBuf>,
    /// Where relative paths of the spec begin; runs remember it.
    pub spec_folder: PathBuf,
    /// Start from the tensors of this file.
    pub init: Option<PathBuf>,
    /// Lines `ours = theirs`: what tensors are called in that file.
    pub init_map: Option<PathBuf>,
    /// Stop after so many steps; nothing else changes.
    pub max_steps: Option<u64>,
    /// Steps between lines of `metrics.jsonl`, ≥ 1.
    pub log_every: u64,
    /// Try the scaling claims in f64 at every checkpoint of an epoch.
    pub numeric: bool,
    /// Where libraries of a GPU are looked for, beside where the loader looks, and compiled kernels are kept.
    pub gpu: GpuPlaces,
}

impl Options {
    /// The defaults on a machine.
    pub fn on(machine: Machine) -> Self {
        Self {
            machine,
            seeds: None,
            output: None,
            root: None,
            spec_folder: PathBuf::from("."),
            init: None,
            init_map: None,
            max_steps: None,
            log_every: LOG_EVERY,
            numeric: false,
            gpu: GpuPlaces::default(),
        }
    }
}

impl Options {
    /// What these options overrule in a spec.
    pub fn overruled(&self, spec: &model::Spec) -> Diagnostics {
        let command = model::Command { seeds: self.seeds.as_deref(), max_steps: self.max_steps };
        model::overruled_settings(spec, &command)
    }
}

/// A compiled spec, ready for its seeds.
#[derive(Clone, Debug)]
pub struct Experiment<'a> {
    compiled: &'a Compiled,
    spec: &'a model::Spec,
    checked: &'a Checked,
    options: Options,
    joint: Joint,
    isa: Isa,
    seeds: Vec<u64>,
    init: Option<Initial>,
    init_hash: Option<String>,
    hash: String,
    conserved: Option<Vec<Conserved>>,
    /// The GPU that `auto` took, in words.
    gpu: Option<String>,
}

impl<'a> Experiment<'a> {
    /// Differentiates the graph and works out the identity of its runs.
    ///
    /// A run that goes on without its spec at hand is computed as `recorded` says.
    ///
    /// # Errors
    /// [`ExperimentError`] when the spec has errors, or the machine or the file of initial weights cannot be had.
    pub fn prepare(
        compiled: &'a Compiled,
        options: Options,
        recorded: Option<&Identity>,
    ) -> Result<Self, ExperimentError> {
        let invalid = || ExperimentError::Spec(compiled.diagnostics.clone());
        let (spec, checked) = compiled.sound().ok_or_else(invalid)?;
        let mut options = options;
        if let Some(recorded) = recorded {
            options.machine = options.machine.like(recorded);
        }
        let (machine, gpu) = options.machine.decided(&options.gpu.libraries);
        options.machine = machine;
        let isa = machine.find(&options.gpu.libraries)?;
        let joint = grad::joint(checked, &spec.loss, &spec.train).map_err(ExperimentError::Spec)?;
        let read = |file: &Path| Initial::read(file, options.init_map.as_deref());
        let init = options.init.as_deref().map(read).transpose()?;
        let init_hash = init.as_ref().map(|file| file.hash.clone());
        let init_hash = init_hash.or_else(|| recorded?.init.clone());
        Ok(Self {
            compiled,
            spec,
            checked,
            joint,
            isa,
            seeds: options.seeds.clone().unwrap_or_else(|| spec.train.seeds.clone()),
            init,
            hash: spec_hash(spec, machine, init_hash.as_deref()),
            init_hash,
            conserved: spec.analyze.conserved.then(|| check::conserved(checked, &spec.loss)),
            options,
            gpu,
        })
    }

    /// The GPU that `--device auto` took, in words.
    pub fn gpu(&self) -> Option<&str> {
        self.gpu.as_deref()
    }

    /// The same with another number of threads, which changes no bit of a run.
    #[must_use]
    pub fn on_threads(&self, threads: usize) -> Self {
        let mut shared = self.clone();
        shared.options.machine.threads = threads;
        shared
    }

    /// What was compiled.
    pub fn compiled(&self) -> &'a Compiled {
        self.compiled
    }

    /// The resolved spec.
    pub fn spec(&self) -> &'a model::Spec {
        self.spec
    }

    /// The checked graph.
    pub fn checked(&self) -> &'a Checked {
        self.checked
    }

    /// Forward, backward and updates.
    pub fn joint(&self) -> &Joint {
        &self.joint
    }

    /// How the experiment is run, as far as it was recorded with the run that goes on.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Seeds to run, in order.
    pub fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    /// Identity of its runs but for the seed, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The executor.
    pub fn target(&self) -> Target {
        self.options.machine.target()
    }

    /// Trainable numbers of the net, scales of the loss not counted.
    pub fn n_params(&self) -> u64 {
        let params = self.checked.graph().params.iter();
        let of_net = params.filter(|param| param.role != ParamRole::Scale);
        of_net.map(|param| param.shape.elements() as u64).sum()
    }

    /// Where the run of one seed is stored.
    pub fn dir(&self, seed: u64) -> PathBuf {
        match &self.options.output {
            Some(dir) if self.seeds.len() > 1 => dir.join(format!("s{seed}")),
            Some(dir) => dir.clone(),
            None => {
                let usual = || Path::new("runs").join(&self.spec.name);
                self.options.root.clone().unwrap_or_else(usual).join(run_name(&self.hash, seed))
            }
        }
    }

    /// `resolved.net` of one seed.
    pub fn resolved(&self, seed: u64) -> String {
        resolved_text(self.spec, seed)
    }

    /// What identifies the run of one seed on `dataset`.
    pub fn identity(&self, seed: u64, dataset: &Dataset) -> Identity {
        Identity {
            spec_hash: self.hash.clone(),
            edition: IDENTITY_EDITION,
            seed,
            dtype: self.options.machine.dtype.to_string(),
            executor: executor(self.options.machine, self.isa),
            init: self.init_hash.clone(),
            data: Some(dataset.fingerprint().to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    /// What all its runs on `dataset` are asked to do; `trial` is tried at every checkpoint of an epoch.
    pub fn plan<'p>(&'p self, dataset: &'p Dataset, trial: Option<&'p Trial<'p>>) -> RunPlan<'p> {
        let machine = self.options.machine;
        RunPlan {
            train: &self.spec.train,
            dataset,
            max_steps: self.options.max_steps,
            shuffle: self.spec.data.shuffle,
            log_every: self.options.log_every,
            spec_hash: self.hash.clone(),
            device: machine.device.to_string(),
            threads: machine.threads,
            dtype: machine.dtype.to_string(),
            n_params: self.n_params(),
            checked: self.checked,
            loss: &self.spec.loss,
            net: self.spec.net.span,
            resolved: self,
            conserved: self.conserved.as_deref(),
            trial,
        }
    }

    /// The state that the run of one seed starts from.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(&self, seed: u64) -> Result<Start, StartError> {
        let file = self.init.as_ref().map(|file| file.tensors.as_slice());
        exec::initial_state(&self.joint, &self.spec.loss, seed, self.options.machine.dtype, file)
    }

    /// What programs of one seed are told.
    pub fn binding(&self, seed: u64) -> exec::Options {
        exec::Options {
            dtype: self.options.machine.dtype,
            seed,
            threads: self.options.machine.threads,
            batch: self.spec.train.batch,
            isa: self.isa,
        }
    }

    /// Both splits of `dataset` under the parameters of a checkpoint.
    ///
    /// # Errors
    /// [`ExperimentError::Run`] when the state does not fit the net or the logits are not finite.
    pub fn evaluate(
        &self,
        checkpoint: &Checkpoint,
        dataset: &Dataset,
    ) -> Result<Evaluated, ExperimentError> {
        let seed = checkpoint.position.seed;
        let mut program = self.programs(&[(seed, &checkpoint.state)])?;
        let evaluated = evaluate_splits(&mut *program, dataset, self.spec.train.batch).pop();
        Ok(evaluated.expect("one replica gives one result")?)
    }

    /// How many of its runs the GPU has memory for, others of equal size beside them; any number on a processor.
    pub fn room(&self) -> usize {
        match self.options.machine.device {
            Device::Cuda(number) => gpu::room(self, number),
            Device::Auto | Device::Cpu => usize::MAX,
        }
    }

    /// Programs of these seeds in these states, which step together.
    ///
    /// # Errors
    /// [`ExperimentError`] when a state does not fit the graph or the device cannot be had.
    pub fn programs(&self, runs: &[(u64, &State)]) -> Result<Box<dyn Replicas>, ExperimentError> {
        let (seeds, states): (Vec<u64>, Vec<&State>) = runs.iter().copied().unzip();
        programs(&Member::of(self, &seeds), &states)
    }
}
