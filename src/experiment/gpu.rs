//! Programs on a GPU.

use std::path::PathBuf;

use super::{Experiment, ExperimentError};
#[cfg(feature = "candle-cuda")]
use crate::lower::{ExecError, Target};
use crate::lower::{Replicas, State};

/// What a GPU needs of the machine that is no part of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuPlaces {
    /// Folders that may have NVRTC.
    pub libraries: Vec<PathBuf>,
    /// The folder of compiled kernels; they are compiled anew where `None`.
    pub kernels: Option<PathBuf>,
}

/// Programs of these seeds in these states on GPU `number`.
#[cfg(feature = "cuda")]
pub(super) fn programs(
    experiment: &Experiment<'_>,
    number: u16,
    runs: &[(u64, &State)],
) -> Result<Box<dyn Replicas>, ExperimentError> {
    use std::sync::Arc;

    use crate::exec::cuda::gpu::{Cache, Gpu};
    use crate::exec::cuda::{CudaProgram, Watched};
    use crate::lower::cuda::{PlanOptions, plan};
    use crate::store::KernelFolder;

    /// Compiled kernels in the user cache.
    struct Kept(KernelFolder);

    impl Cache for Kept {
        fn get(&self, key: &str) -> Option<Vec<u8>> {
            self.0.get(key)
        }

        fn put(&self, key: &str, image: &[u8]) {
            self.0.put(key, image);
        }
    }

    let GpuPlaces { libraries, kernels } = &experiment.options().gpu;
    let cache =
        kernels.as_ref().map(|folder| Arc::new(Kept(KernelFolder::new(folder))) as Arc<dyn Cache>);
    #[cfg(feature = "candle-cuda")]
    if experiment.target() == Target::Reference {
        use crate::exec::{CandleGpu, ReferenceProgram};
        use crate::lower::{Program, reference};
        let gpu = CandleGpu::open(number, libraries, cache).map_err(ExperimentError::Gpu)?;
        let program = |(seed, state): &(u64, &State)| {
            let (plan, options) = (reference::plan(experiment.joint()), experiment.binding(*seed));
            let program = ReferenceProgram::on_gpu(plan, state, options, gpu.clone())?;
            Ok(Box::new(program) as Box<dyn Program>)
        };
        let programs: Vec<_> = runs.iter().map(program).collect::<Result<_, ExecError>>()?;
        return Ok(Box::new(programs));
    }
    let gpu = Gpu::open(number, libraries, cache).map_err(ExperimentError::Gpu)?;
    let options = PlanOptions { batch: experiment.spec().train.batch, replicas: runs.len() };
    let plan = plan(experiment.joint(), &options);
    let program = CudaProgram::new(plan, gpu, runs)?;
    let seed = runs.first().map_or(0, |(seed, _)| *seed);
    Ok(Box::new(Watched::new(program, experiment.joint(), experiment.binding(seed))))
}

#[cfg(not(feature = "cuda"))]
pub(super) fn programs(
    _: &Experiment<'_>,
    number: u16,
    _: &[(u64, &State)],
) -> Result<Box<dyn Replicas>, ExperimentError> {
    Err(ExperimentError::Device(super::Device::Cuda(number)))
}
