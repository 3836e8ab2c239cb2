//! Programs on a GPU.

use std::path::PathBuf;

use super::{Experiment, ExperimentError, Member};
use crate::lower::{Replicas, State};

/// What a GPU needs of the machine that is no part of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuPlaces {
    /// Folders that may have NVRTC.
    pub libraries: Vec<PathBuf>,
    /// The folder of compiled kernels; they are compiled anew where `None`.
    pub kernels: Option<PathBuf>,
}

/// Programs of runs in their states on GPU `number`; all are of experiments that may step together.
#[cfg(feature = "cuda")]
pub(super) fn programs(
    members: &[Member<'_, '_>],
    states: &[&State],
    number: u16,
) -> Result<Box<dyn Replicas>, ExperimentError> {
    use std::sync::Arc;

    use crate::exec::cuda::gpu::{Cache, Gpu};
    use crate::exec::cuda::{CudaProgram, Watched};
    use crate::experiment::together::distinct;
    use crate::grad::Joint;
    #[cfg(feature = "candle-cuda")]
    use crate::lower::Target;
    use crate::lower::cuda::{PlanOptions, plan};
    use crate::lower::{ExecError, Shared};
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

    let lead = members.first().expect("a program has at least one run").experiment;
    let runs: Vec<(u64, &State)> =
        members.iter().map(|member| member.seed).zip(states.iter().copied()).collect();
    let GpuPlaces { libraries, kernels } = &lead.options().gpu;
    let cache =
        kernels.as_ref().map(|folder| Arc::new(Kept(KernelFolder::new(folder))) as Arc<dyn Cache>);
    #[cfg(feature = "candle-cuda")]
    if lead.target() == Target::Reference {
        use crate::exec::{CandleGpu, ReferenceProgram};
        use crate::lower::{Program, reference};
        let gpu = CandleGpu::open(number, libraries, cache).map_err(ExperimentError::Gpu)?;
        let program = |(member, state): (&Member<'_, '_>, &&State)| {
            let Member { experiment, seed } = member;
            let (plan, options) = (reference::plan(experiment.joint()), experiment.binding(*seed));
            let program = ReferenceProgram::on_gpu(plan, state, options, gpu.clone())?;
            Ok(Box::new(program) as Box<dyn Program>)
        };
        let programs = members.iter().zip(states).map(program);
        let programs: Vec<_> = programs.collect::<Result<_, ExecError>>()?;
        return Ok(Box::new(programs));
    }
    let gpu = Gpu::open(number, libraries, cache).map_err(ExperimentError::Gpu)?;
    let (experiments, numbers) = distinct(members);
    let joints: Vec<&Joint> = experiments.iter().map(|experiment| experiment.joint()).collect();
    let shared = Shared::of(&joints).ok_or_else(|| ExecError::Device {
        message: "runs that step together differ in more than numbers".to_owned(),
    })?;
    let precision = lead.options().machine.precision;
    let options = PlanOptions { batch: lead.spec().train.batch, replicas: runs.len(), precision };
    let settings = numbers.iter().map(|at| shared.settings[*at].clone()).collect();
    let program = CudaProgram::new(plan(&shared.joint, &options), gpu, &runs)?;
    let joints: Vec<Arc<Joint>> = joints.into_iter().cloned().map(Arc::new).collect();
    let joints = numbers.into_iter().map(|at| Arc::clone(&joints[at])).collect();
    let program = program.with_settings(settings);
    Ok(Box::new(Watched::new(program, joints, lead.binding(runs[0].0))))
}

/// How many runs of an experiment the memory of GPU `number` holds, of which a fifth is left to others.
#[cfg(feature = "cuda")]
pub(super) fn room(experiment: &Experiment<'_>, number: u16) -> usize {
    use crate::exec::cuda::gpu::devices;
    use crate::lower::cuda::{PlanOptions, plan};

    let Ok(gpus) = devices() else { return 1 };
    let Some(gpu) = gpus.iter().find(|gpu| gpu.number == number) else { return 1 };
    let precision = experiment.options().machine.precision;
    let options = PlanOptions { batch: experiment.spec().train.batch, replicas: 1, precision };
    let bytes = plan(experiment.joint(), &options).memory.len * size_of::<f32>();
    (gpu.memory / 5 * 4 / bytes.max(1)).max(1)
}

#[cfg(not(feature = "cuda"))]
pub(super) fn room(_: &Experiment<'_>, _: u16) -> usize {
    1
}

#[cfg(not(feature = "cuda"))]
pub(super) fn programs(
    _: &[Member<'_, '_>],
    _: &[&State],
    number: u16,
) -> Result<Box<dyn Replicas>, ExperimentError> {
    Err(ExperimentError::Device(super::Device::Cuda(number)))
}
