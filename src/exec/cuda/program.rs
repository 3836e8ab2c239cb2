//! A plan bound to a device: memory for every replica, kernels, recorded phases.

use std::collections::BTreeMap;

use super::driver::{Argument, Call, Driver, GraphId, KernelId, MemoryId, Module};
use super::feed;
use crate::kernels::cuda::SOURCES;
use crate::lower::cuda::{CudaPhase, CudaPlan, PHASE_RESULTS, REPORT_DOUBLES};
use crate::lower::{
    Batch, ExecError, HostTensor, HyperValues, MeasuredStep, Motion, PhaseId, Phases, State,
    StateEntry, StepOutput,
};

/// Launches of a text that is compiled at once: enough to share the common functions, few enough to compile side by side.
const LAUNCHES_PER_MODULE: usize = 8;

/// A plan with its memory, on one device.
#[expect(missing_debug_implementations, reason = "a program holds a device")]
pub struct CudaProgram<D: Driver> {
    plan: CudaPlan,
    driver: D,
    /// The seed of each replica, for dropout masks.
    seeds: Vec<u64>,
    memory: MemoryId,
    feeds: MemoryId,
    reports: MemoryId,
    kernels: BTreeMap<String, KernelId>,
    /// Data sets on the device, with what tells them apart.
    data: Vec<(DataKey, MemoryId)>,
    /// Recorded phases, by the data that their first launch reads.
    recorded: Vec<(Recorded, MemoryId, GraphId)>,
    /// Stands in for a data set.
    no_data: MemoryId,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    Train,
    Eval,
    Size,
}

/// Tells data sets in the memory of the host apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DataKey {
    address: usize,
    len: usize,
    sample: u64,
}

/// The texts of a plan.
pub fn modules(plan: &CudaPlan) -> Vec<Module> {
    let launches: Vec<_> = plan.phases.iter().flat_map(|phase| &phase.launches).collect();
    let module = |launches: &[&crate::lower::cuda::Launch]| {
        let mut source = SOURCES.concat();
        for launch in launches {
            source.push('\n');
            source.push_str(&launch.source);
        }
        Module { source, kernels: launches.iter().map(|launch| launch.name.clone()).collect() }
    };
    launches.chunks(LAUNCHES_PER_MODULE).map(module).collect()
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
        let memory = driver.alloc(plan.memory.len * 4 * count)?;
        let feeds = driver.alloc(plan.feed.len * 4 * count)?;
        let reports = driver.alloc(REPORT_DOUBLES * 8 * count)?;
        let no_data = driver.alloc(16)?;
        let modules = modules(&plan);
        let compiled = driver.compile(&modules)?;
        let names = modules.iter().flat_map(|module| module.kernels.iter().cloned());
        let kernels = names.zip(compiled.into_iter().flatten()).collect();
        let seeds = replicas.iter().map(|(seed, _)| *seed).collect();
        let mut program = Self {
            plan,
            driver,
            seeds,
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
    fn address(&self, replica: usize, float: usize) -> usize {
        (replica * self.plan.memory.len + float) * 4
    }

    /// Sends what a step of every replica reads; the memory of the data.
    fn send(&mut self, batches: &[Batch<'_>], hyper: &HyperValues) -> Result<MemoryId, ExecError> {
        let len = self.plan.feed.len;
        let mut words = vec![0; len * self.count()];
        let mut data = self.no_data;
        for (replica, batch) in batches.iter().enumerate() {
            let of_replica = &mut words[replica * len..][..len];
            let seed = self.seeds[replica];
            if feed::fill(&self.plan, batch, hyper, seed, 0, of_replica)? {
                data = self.data_of(batch)?;
                continue;
            }
            let sample: usize = self.plan.input_dims.iter().product();
            let mut values = vec![0.0_f32; sample * batch.indices.len()];
            batch.samples.gather_f32(batch, &mut values);
            let to = self.address(replica, self.plan.memory.input);
            self.driver.upload(self.memory, to, &bytes_of_floats(&values))?;
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.driver.upload(self.feeds, 0, &bytes)?;
        Ok(data)
    }

    /// The bytes of a data set on the device; they are sent once.
    fn data_of(&mut self, batch: &Batch<'_>) -> Result<MemoryId, ExecError> {
        let Some(raw) = batch.samples.raw() else { return Ok(self.no_data) };
        let key = DataKey {
            address: raw.bytes.as_ptr().addr(),
            len: raw.bytes.len(),
            sample: fingerprint(raw.bytes),
        };
        if let Some((_, memory)) = self.data.iter().find(|(known, _)| *known == key) {
            return Ok(*memory);
        }
        let memory = self.driver.alloc(raw.bytes.len().max(16))?;
        self.driver.upload(memory, 0, raw.bytes)?;
        self.data.push((key, memory));
        Ok(memory)
    }

    /// Starts the phases that belong together.
    fn start(&mut self, what: Recorded, data: MemoryId) -> Result<(), ExecError> {
        let known = self.recorded.iter().find(|(known, of, _)| *known == what && *of == data);
        let graph = if let Some((_, _, graph)) = known {
            *graph
        } else {
            let calls = self.calls(what, data);
            let graph = self.driver.record(&calls)?;
            self.recorded.push((what, data, graph));
            graph
        };
        self.driver.run(graph)
    }

    fn calls(&self, what: Recorded, data: MemoryId) -> Vec<Call> {
        let Phases { train, eval, size } = &self.plan.phases;
        let phases: Vec<&CudaPhase> = match what {
            Recorded::Train => train.iter().collect(),
            Recorded::Eval => vec![eval],
            Recorded::Size => size.iter().collect(),
        };
        let launches = phases.into_iter().flat_map(|phase| &phase.launches);
        let call = |launch: &crate::lower::cuda::Launch| Call {
            kernel: self.kernels[&launch.name],
            grid: [launch.blocks as u32, 1, self.count() as u32],
            shared: launch.shared as u32,
            arguments: vec![
                Argument::Memory(self.memory),
                Argument::Size(self.plan.memory.len as u64),
                Argument::Memory(self.feeds),
                Argument::Size(self.plan.feed.len as u64),
                Argument::Memory(data),
                Argument::Memory(self.reports),
            ],
        };
        launches.map(call).collect()
    }

    /// The results of the phases at these positions in every replica.
    fn reports(&self, phases: &[PhaseId]) -> Result<Vec<Vec<StepOutput>>, ExecError> {
        let mut bytes = vec![0; REPORT_DOUBLES * 8 * self.count()];
        self.driver.download(self.reports, 0, &mut bytes)?;
        let doubles: Vec<f64> =
            bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let of_replica = |doubles: &[f64]| {
            let phases = phases.iter();
            phases.map(|id| self.output(*id, doubles)).collect()
        };
        Ok(doubles.chunks(REPORT_DOUBLES).map(of_replica).collect())
    }

    fn output(&self, id: PhaseId, doubles: &[f64]) -> StepOutput {
        let phase = self.plan.phases.get(id).expect("callers ask for phases of the plan");
        let results = &doubles[phase.position * PHASE_RESULTS..][..PHASE_RESULTS];
        let scalars = phase.scalars;
        let number = |place: Option<usize>, value: f64| place.map(|_| value);
        #[expect(clippy::cast_sign_loss, reason = "counts are not negative")]
        let count = |value: f64| value.abs().round() as u64;
        StepOutput {
            loss: number(scalars.loss, results[0]).unwrap_or(f64::NAN),
            correct: number(scalars.correct, results[1]).map_or(0, count),
            well: number(scalars.well, results[2]).map(count),
            size: number(scalars.size, results[3]),
        }
    }

    /// One training step of every replica.
    pub fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &HyperValues,
    ) -> Vec<Result<Vec<StepOutput>, ExecError>> {
        let reports = (|| {
            let data = self.send(batches, hyper)?;
            self.start(Recorded::Train, data)?;
            let phases: Vec<PhaseId> =
                (0..self.plan.phases.train.len()).map(PhaseId::Train).collect();
            self.reports(&phases)
        })();
        match reports {
            Ok(reports) => {
                let replicas = reports.into_iter().enumerate();
                replicas.map(|(replica, outputs)| self.checked(replica, outputs)).collect()
            }
            Err(error) => self.everywhere(&error),
        }
    }

    /// Refuses a loss that is not finite; the replica has not changed and may be stepped again.
    fn checked(
        &mut self,
        replica: usize,
        outputs: Vec<StepOutput>,
    ) -> Result<Vec<StepOutput>, ExecError> {
        let broken = outputs.iter().position(|output| !output.loss.is_finite());
        let Some(at) = broken else { return Ok(outputs) };
        self.driver.upload(self.memory, self.address(replica, 0), &[0; 8])?;
        Err(ExecError::NotFinite {
            what: "the loss".to_owned(),
            layer: None,
            origin: self.plan.phases.train[at].loss_origin,
        })
    }

    fn everywhere<T>(&self, error: &ExecError) -> Vec<Result<T, ExecError>> {
        (0..self.count()).map(|_| Err(error.clone())).collect()
    }

    /// As [`CudaProgram::step`], with how far each parameter moved.
    pub fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &HyperValues,
    ) -> Vec<Result<MeasuredStep, ExecError>> {
        let n_params = self.plan.tables.params.len();
        let before: Result<Vec<_>, _> = (0..self.count()).map(|r| self.kept(r, n_params)).collect();
        let before = match before {
            Ok(before) => before,
            Err(error) => return self.everywhere(&error),
        };
        let outputs = self.step(batches, hyper);
        let params = self.plan.tables.params.iter().map(|param| param.name.clone());
        let names: Vec<String> = params.collect();
        let replicas = outputs.into_iter().zip(before).enumerate();
        let measured = replicas.map(|(replica, (outputs, before))| {
            let (outputs, after) = (outputs?, self.kept(replica, n_params)?);
            let pairs = names.iter().zip(before.iter().zip(&after));
            let motions = pairs.map(|(name, (before, after))| Motion::of(name, before, after));
            Ok((outputs, motions.collect()))
        });
        measured.collect()
    }

    /// Logits and results of a batch in evaluation mode, the same in every replica; batches of any size.
    pub fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>> {
        let mut all: Vec<Option<(Vec<f32>, StepOutput)>> = vec![None; self.count()];
        for indices in batch.indices.chunks(self.plan.options.batch) {
            let part = Batch { indices, ..*batch };
            let parts = match self.eval_part(&part) {
                Ok(parts) => parts,
                Err(error) => return self.everywhere(&error),
            };
            for (all, (logits, output)) in all.iter_mut().zip(parts) {
                let share = indices.len() as f64 / batch.indices.len() as f64;
                let (rows, sum) = all.get_or_insert_with(|| {
                    (vec![], StepOutput { loss: 0.0, correct: 0, ..output })
                });
                let seen = if rows.is_empty() { None } else { sum.well };
                rows.extend(logits);
                sum.loss += output.loss * share;
                sum.correct += output.correct;
                sum.well = output.well.map(|well| well + seen.unwrap_or(0));
            }
        }
        let empty = || ExecError::Device { message: "a batch without samples".to_owned() };
        let result = |all: Option<(Vec<f32>, StepOutput)>| {
            all.map(|(rows, output)| (HostTensor::F32(rows), output)).ok_or_else(empty)
        };
        all.into_iter().map(result).collect()
    }

    fn eval_part(&mut self, batch: &Batch<'_>) -> Result<Vec<(Vec<f32>, StepOutput)>, ExecError> {
        let batches = vec![*batch; self.count()];
        let data = self.send(&batches, &HyperValues { lr: 0.0, step: 0 })?;
        self.start(Recorded::Eval, data)?;
        let reports = self.reports(&[PhaseId::Eval])?;
        let logits = self.plan.phases.eval.logits.expect("graphs of evaluation give logits");
        let len = logits.len * batch.indices.len();
        let mut results = vec![];
        for (replica, mut outputs) in reports.into_iter().enumerate() {
            let rows = self.floats(self.address(replica, logits.offset), len)?;
            results.push((rows, outputs.remove(0)));
        }
        Ok(results)
    }

    /// R of every replica, where defined.
    pub fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>> {
        if self.plan.phases.size.is_none() {
            return (0..self.count()).map(|_| Ok(None)).collect();
        }
        let reports =
            self.start(Recorded::Size, self.no_data).and_then(|()| self.reports(&[PhaseId::Size]));
        match reports {
            Ok(reports) => reports.into_iter().map(|outputs| Ok(outputs[0].size)).collect(),
            Err(error) => self.everywhere(&error),
        }
    }

    fn floats(&self, offset: usize, len: usize) -> Result<Vec<f32>, ExecError> {
        let mut bytes = vec![0; len * 4];
        self.driver.download(self.memory, offset, &mut bytes)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The first `count` parameters and kept tensors of a replica.
    fn kept(&self, replica: usize, count: usize) -> Result<Vec<Vec<f32>>, ExecError> {
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

fn bytes_of_floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A number from bytes here and there, so that memory that is used again is not taken for what it held.
fn fingerprint(bytes: &[u8]) -> u64 {
    const LOOKS: usize = 1024;
    let step = (bytes.len() / LOOKS).max(1);
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().step_by(step).fold(0xcbf2_9ce4_8422_2325, mix)
}
