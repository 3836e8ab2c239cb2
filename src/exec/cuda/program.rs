//! A plan bound to a device: memory for every replica, kernels, recorded phases.

use std::collections::BTreeMap;

use super::driver::{Driver, GraphId, KernelId, MemoryId, Module};
use super::recorded::{Recorded, Slots};
use super::sending::DataKey;
use crate::kernels::cuda::SOURCES;
use crate::lower::cuda::{CudaPlan, Launch, REPORT_DOUBLES};
use crate::lower::{ExecError, Fits, HostTensor, State, StateEntry};

/// Launches of a text that is compiled at once: enough to share the common functions, few enough to compile side by side.
const LAUNCHES_PER_MODULE: usize = 8;

/// Steps whose feeds and reports have a place of their own: they are sent, run and read at once.
pub(super) const SLOTS: usize = 16;

/// A plan with its memory, on one device.
#[expect(missing_debug_implementations, reason = "a program holds a device")]
pub struct CudaProgram<D: Driver> {
    pub(super) plan: CudaPlan,
    pub(super) driver: D,
    /// The seed of each replica, for dropout masks.
    pub(super) seeds: Vec<u64>,
    /// The settings of each replica.
    pub(super) settings: Vec<Vec<f64>>,
    pub(super) memory: MemoryId,
    pub(super) feeds: MemoryId,
    pub(super) reports: MemoryId,
    pub(super) kernels: BTreeMap<String, KernelId>,
    /// Data sets on the device, with what tells them apart.
    pub(super) data: Vec<(DataKey, MemoryId)>,
    /// Recorded phases, by the data that their first launch reads.
    pub(super) recorded: Vec<(Recorded, Slots, MemoryId, GraphId)>,
    /// Stands in for a data set.
    pub(super) no_data: MemoryId,
}

/// The texts of a plan.
pub fn modules(plan: &CudaPlan) -> Vec<Module> {
    modules_of(plan.phases.iter().flat_map(|phase| &phase.launches))
}

/// The texts of launches whose names differ.
pub fn modules_of<'a>(launches: impl Iterator<Item = &'a Launch>) -> Vec<Module> {
    let launches: Vec<_> = launches.collect();
    let module = |launches: &[&Launch]| {
        let mut source = SOURCES.concat();
        for launch in launches {
            source.push('\n');
            source.push_str(&launch.source);
        }
        Module { source, kernels: launches.iter().map(|launch| launch.name.clone()).collect() }
    };
    launches.chunks(LAUNCHES_PER_MODULE).map(module).collect()
}

/// The kernels of texts by their names.
pub(super) fn compiled(
    driver: &mut impl Driver,
    modules: Vec<Module>,
) -> Result<BTreeMap<String, KernelId>, ExecError> {
    let kernels = driver.compile(&modules)?;
    let names = modules.into_iter().flat_map(|module| module.kernels);
    Ok(names.zip(kernels.into_iter().flatten()).collect())
}

impl<D: Driver> CudaProgram<D> {
    /// Binds a plan to a device, with a replica for each seed and state.
    ///
    /// # Errors
    /// [`ExecError::Shape`] when a tensor of the plan is missing from a state or has another shape,
    /// [`ExecError::Device`] when a kernel does not compile or the memory does not suffice.
    pub fn new(
        plan: CudaPlan,
        mut driver: D,
        replicas: &[(u64, &State)],
    ) -> Result<Self, ExecError> {
        let count = replicas.len().max(1);
        let per_run = plan.memory.len * 4;
        let batch = plan.options.batch;
        let memory = driver.alloc(per_run * count).map_err(|error| match error {
            ExecError::Memory { needed, free, .. } => {
                let fits = Some(Fits::of(free, per_run, batch));
                ExecError::Memory { needed, free, fits }
            }
            other @ (ExecError::NotFinite { .. }
            | ExecError::Device { .. }
            | ExecError::Shape { .. }) => other,
        })?;
        let feeds = driver.alloc(plan.feed.len * 4 * count * SLOTS)?;
        let reports = driver.alloc(REPORT_DOUBLES * 8 * count * SLOTS)?;
        let no_data = driver.alloc(16)?;
        let kernels = compiled(&mut driver, modules(&plan))?;
        let seeds = replicas.iter().map(|(seed, _)| *seed).collect();
        let mut program = Self {
            plan,
            driver,
            seeds,
            settings: vec![vec![]; count],
            memory,
            feeds,
            reports,
            kernels,
            data: vec![],
            recorded: vec![],
            no_data,
        };
        for (replica, (_, state)) in replicas.iter().enumerate() {
            program.load(replica, state)?;
        }
        Ok(program)
    }

    /// The same with the settings of each replica, which stand for constants in which they differ.
    #[must_use]
    pub fn with_settings(mut self, settings: Vec<Vec<f64>>) -> Self {
        let feed = self.plan.feed;
        let n = (feed.scales - feed.settings) / 2;
        assert!(
            settings.len() == self.count() && settings.iter().all(|own| own.len() == n),
            "every replica has a value for each of the {n} settings"
        );
        self.settings = settings;
        self
    }

    /// The plan.
    pub fn plan(&self) -> &CudaPlan {
        &self.plan
    }

    /// The device.
    pub fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    /// How many replicas there are.
    pub fn count(&self) -> usize {
        self.seeds.len()
    }

    /// The seed of a replica.
    pub fn seed(&self, replica: usize) -> u64 {
        self.seeds[replica]
    }

    /// The device in words.
    pub fn name(&self) -> String {
        self.driver.name()
    }

    /// Byte offset of a float of a replica's memory.
    pub(super) fn address(&self, replica: usize, float: usize) -> usize {
        (replica * self.plan.memory.len + float) * 4
    }

    pub(super) fn floats(&self, offset: usize, len: usize) -> Result<Vec<f32>, ExecError> {
        let mut bytes = vec![0; len * 4];
        self.driver.download(self.memory, offset, &mut bytes)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The first `count` parameters and kept tensors of a replica.
    pub(super) fn kept(&self, replica: usize, count: usize) -> Result<Vec<Vec<f32>>, ExecError> {
        let lens = self.lens();
        let offsets = &self.plan.memory.kept;
        let Some(last) = count.checked_sub(1) else { return Ok(vec![]) };
        let begin = offsets[0];
        let all = self.floats(self.address(replica, begin), offsets[last] + lens[last] - begin)?;
        let part = |at: usize| all[offsets[at] - begin..][..lens[at]].to_vec();
        Ok((0..count).map(part).collect())
    }

    /// Elements of each parameter and kept tensor.
    fn lens(&self) -> Vec<usize> {
        let tables = &self.plan.tables;
        let params = tables.params.iter().map(|param| param.shape.elements());
        params.chain(tables.buffers.iter().map(|buffer| buffer.shape.elements())).collect()
    }

    /// Parameters and kept tensors of a replica.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    pub fn state(&self, replica: usize) -> Result<State, ExecError> {
        let tables = &self.plan.tables;
        let mut values =
            self.kept(replica, tables.params.len() + tables.buffers.len())?.into_iter();
        let mut entry = |name: &str, shape: &crate::ir::Shape| StateEntry {
            name: name.to_owned(),
            shape: shape.dims.clone(),
            values: HostTensor::F32(values.next().unwrap_or_default()),
        };
        Ok(State {
            params: tables.params.iter().map(|p| entry(&p.name, &p.shape)).collect(),
            buffers: tables.buffers.iter().map(|b| entry(&b.name, &b.shape)).collect(),
        })
    }

    /// Replaces parameters and kept tensors of a replica.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails or a shape differs.
    pub fn load(&mut self, replica: usize, state: &State) -> Result<(), ExecError> {
        let found = self.plan.tables.floats_of(state)?;
        let offsets = self.plan.memory.kept.clone();
        for (offset, values) in offsets.into_iter().zip(found) {
            let to = self.address(replica, offset);
            self.driver.upload(self.memory, to, &bytes_of_floats(&values))?;
        }
        self.driver.upload(self.memory, self.address(replica, 0), &[0; 8])
    }
}

pub(super) fn bytes_of_floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
