//! A run that is there: its checkpoint, and its spec compiled again.

use std::path::Path;

use super::{Experiment, ExperimentError, GpuPlaces, Machine, Options, spec_folder};
use crate::check;
use crate::compile::Compiled;
use crate::compile::files::{self, Request};
use crate::data::Locations;
use crate::store::{Checkpoint, Identity, RunDir, StoreError};

/// Which weights of a run are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Those of the last checkpoint.
    Last,
    /// Those of the epoch that `keep = best(…)` kept.
    Best,
}

/// A run with a checkpoint.
#[derive(Debug)]
pub struct Trained {
    /// Its tensors, and where it stands.
    pub checkpoint: Checkpoint,
    /// What makes it this run.
    pub recorded: Identity,
    /// Its spec.
    pub compiled: Compiled,
    /// Where its data is.
    pub locations: Locations,
}

impl Trained {
    /// Reads a run directory; relative paths of its spec begin where the spec was, or in the run where that is gone.
    ///
    /// # Errors
    /// [`StoreError`] where it is no run, or has not the weights that are meant.
    pub fn read(run: &Path, at: At, locations: &Locations) -> Result<Self, StoreError> {
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
        let folder = spec_folder(run);
        let locations = locations.beside(Some(folder.as_deref().unwrap_or(run)));
        let check = check::Options::default();
        let request = Request { spec: &spec, overrides: &[], locations: &locations, check };
        let compiled = files::compile(&request);
        Ok(Self { checkpoint, recorded, compiled, locations })
    }

    /// The run in the precision and by the executor of its training, which give the same bits.
    ///
    /// # Errors
    /// As [`Experiment::prepare`].
    pub fn experiment(
        &self,
        machine: Machine,
        gpu: GpuPlaces,
    ) -> Result<Experiment<'_>, ExperimentError> {
        let machine = Machine { dtype: self.checkpoint.dtype(), ..machine };
        let options = Options { gpu, ..Options::on(machine) };
        Experiment::prepare(&self.compiled, options, Some(&self.recorded))
    }
}

/// Compiles the spec of a run as it was resolved, for its facts; with the places of its data, which begin where the spec was.
pub fn compile_run(run: &Path, locations: &Locations) -> (Compiled, Locations) {
    let locations = locations.beside(spec_folder(run).as_deref());
    let compiled = files::facts(&run.join("resolved.net"), &[], &locations);
    (compiled, locations)
}
