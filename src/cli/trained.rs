//! A run that is there: its checkpoint, and its spec compiled again.

use std::path::Path;

use super::compile::{self, Request};
use super::environment;
use crate::check;
use crate::compile::Compiled;
use crate::data::Locations;
use crate::experiment::{self, Experiment, ExperimentError, Machine, Options};
use crate::store::{Checkpoint, Identity, RunDir, StoreError};

/// Which weights of a run are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub(super) struct AtArgs {
    /// The weights of the end, or those that `keep = best(…)` kept.
    #[arg(long, value_enum, default_value = "last")]
    pub(super) at: At,
}

/// Which weights of a run are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum At {
    /// Those of the last checkpoint.
    Last,
    /// Those of the best epoch.
    Best,
}

/// A run with a checkpoint.
pub(super) struct Trained {
    /// Its tensors, and where it stands.
    pub(super) checkpoint: Checkpoint,
    /// What makes it this run.
    pub(super) recorded: Identity,
    /// Its spec.
    pub(super) compiled: Compiled,
    /// Where its data is.
    pub(super) locations: Locations,
}

impl Trained {
    /// Reads a run directory.
    pub(super) fn read(run: &Path, at: At, data_dir: Option<&Path>) -> Result<Self, StoreError> {
        let missing = || StoreError::NotARun { path: run.to_owned() };
        let recorded = RunDir::identity_in(run)?.ok_or_else(missing)?;
        let mut checkpoint = Checkpoint::read(&run.join("ckpt"))?.ok_or_else(missing)?;
        if at == At::Best {
            let best = checkpoint.position.best.as_ref();
            let best = best.ok_or_else(|| StoreError::NoBest { path: run.to_owned() })?;
            checkpoint.state = best.read(&checkpoint.state, &run.join("ckpt"))?;
            checkpoint.position.step = best.step;
        }
        let spec = run.join("resolved.net");
        let folder = experiment::spec_folder(run);
        let folder = folder.as_deref().unwrap_or(run);
        let locations = environment::locations(data_dir, Some(folder));
        let check = check::Options::default();
        let request = Request { spec: &spec, overrides: &[], locations: &locations, check };
        let compiled = compile::compile(&request);
        Ok(Self { checkpoint, recorded, compiled, locations })
    }

    /// The run in the precision and by the executor of its training, which give the same bits.
    pub(super) fn experiment(&self, machine: Machine) -> Result<Experiment<'_>, ExperimentError> {
        let machine = Machine { dtype: self.checkpoint.dtype(), ..machine };
        let options = Options { gpu: environment::gpu_places(), ..Options::on(machine) };
        Experiment::prepare(&self.compiled, options, Some(&self.recorded))
    }
}
