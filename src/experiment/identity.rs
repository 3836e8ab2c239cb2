//! What makes two runs the same run.

use sha2::{Digest, Sha256};

use super::{Device, Machine};
use crate::ir;
use crate::kernels::isa::{Isa, IsaKind};
use crate::lower::{DType, Precision, Target};
use crate::model;
use crate::store::Identity;
use crate::syntax::{self, ast};

/// SHA-256, in hex, of what makes results differ: the resolved spec without its seeds and without values that equal their
/// defaults, precision, executor and the hash of the file of initial weights.
pub fn spec_hash(spec: &model::Spec, machine: Machine, init: Option<&str>) -> String {
    let mut seedless = spec.clone();
    seedless.train.seeds = vec![0];
    hash(&model::to_ast(&seedless), &machine.dtype.to_string(), machine.executor(), init)
}

/// The [`spec_hash`] of the run with this `resolved.net`.
pub fn hash_of_resolved(
    resolved: &ast::Spec,
    dtype: &str,
    executor: &str,
    init: Option<&str>,
) -> String {
    let mut seedless = resolved.clone();
    for item in &mut seedless.items {
        if let ast::ItemKind::Train(train) = &mut item.kind {
            // Seed 0 is the default, and left out.
            train.entries.retain(|entry| entry.key.value != "seeds");
        }
    }
    // `cpu portable` is the target `cpu` on other instructions.
    hash(&seedless, dtype, executor.split(' ').next().unwrap_or(executor), init)
}

fn hash(written: &ast::Spec, dtype: &str, target: &str, init: Option<&str>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(syntax::print(&model::essential(written)));
    hasher.update(format!("\ndtype {dtype}\ntarget {target}\n"));
    if let Some(init) = init {
        hasher.update(format!("init {init}\n"));
    }
    ir::hex(&hasher.finalize())
}

/// The name of the directory of a run: the beginning of its hash, and its seed.
pub fn run_name(hash: &str, seed: u64) -> String {
    format!("{}-s{seed}", &hash[..12])
}

/// `resolved.net` of one seed, with every default stated: compiled again, it gives the same run.
pub fn resolved_text(spec: &model::Spec, seed: u64) -> String {
    let mut spec = spec.clone();
    spec.train.seeds = vec![seed];
    syntax::print(&model::to_ast(&spec))
}

/// The executor of the reference on a GPU, whose bits are not those of the processor.
const REFERENCE_ON_GPU: &str = "reference-cuda";

/// The executor of a GPU that takes products on tensor cores.
const TENSOR_CORES: &str = "cuda-tf32";

impl Machine {
    /// The executor by name: that of its target, but of the reference on a GPU and of tensor cores.
    pub fn executor(&self) -> &'static str {
        match (self.target(), self.device) {
            (Target::Reference, Device::Cuda(_)) => REFERENCE_ON_GPU,
            (Target::Cuda, _) if self.precision == Precision::Tf32 => TENSOR_CORES,
            (target, Device::Auto | Device::Cpu | Device::Cuda(_)) => target.name(),
        }
    }

    /// The same precision and executor as a run that is known, so that it gives the same bits.
    #[must_use]
    pub fn like(mut self, recorded: &Identity) -> Self {
        if recorded.dtype == DType::F64.to_string() {
            self.dtype = DType::F64;
        }
        let executor = recorded.executor.as_str();
        self.fused &= ![Target::Reference.name(), REFERENCE_ON_GPU].contains(&executor);
        if self.device == Device::Auto {
            let is_gpu = [Target::Cuda.name(), TENSOR_CORES, REFERENCE_ON_GPU].contains(&executor);
            self.device = if is_gpu { Device::Cuda(0) } else { Device::Cpu };
        }
        if executor == TENSOR_CORES && self.target() == Target::Cuda {
            self.precision = Precision::Tf32;
        }
        self
    }
}

/// The executor as `run.json` names it: instruction sets of equal bits have one name.
pub(super) fn executor(machine: Machine, isa: Isa) -> String {
    match (machine.target(), isa.kind()) {
        (Target::Cpu, IsaKind::Portable) => "cpu portable".to_owned(),
        (Target::Cpu, IsaKind::Avx512 | IsaKind::Avx2) | (Target::Reference | Target::Cuda, _) => {
            machine.executor().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_executor_is_taken_up_again() {
        let machine = |text: &str| {
            let executor = text.to_owned();
            let recorded = Identity {
                spec_hash: String::new(),
                edition: 2,
                seed: 0,
                dtype: "f32".to_owned(),
                executor,
                init: None,
                data: None,
                version: None,
            };
            Machine::default().like(&recorded)
        };
        for executor in ["cpu", "reference", "cuda", TENSOR_CORES, REFERENCE_ON_GPU] {
            assert_eq!(machine(executor).executor(), executor);
        }
        assert_eq!(machine("cpu portable").executor(), "cpu");
        let (plain, tensor) = (machine("cuda"), machine(TENSOR_CORES));
        assert_eq!(tensor.precision, Precision::Tf32);
        assert_eq!(Machine { precision: Precision::F32, ..tensor }, plain);
    }
}
