//! What makes two runs the same run.

use sha2::{Digest, Sha256};

use crate::ir;
use crate::kernels::isa::{Isa, IsaKind};
use crate::lower::{DType, Target};
use crate::model;
use crate::syntax;

/// SHA-256, in hex, of what makes results differ: the resolved spec without its seeds, precision, executor and the hash of
/// the file of initial weights.
pub fn spec_hash(spec: &model::Spec, dtype: DType, target: Target, init: Option<&str>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(resolved_text(spec, 0));
    hasher.update(format!("\ndtype {dtype}\ntarget {}\n", target.name()));
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

/// The executor as `run.json` names it: instruction sets of equal bits have one name.
pub(super) fn executor(target: Target, isa: Isa) -> String {
    match (target, isa.kind()) {
        (Target::Cpu, IsaKind::Portable) => "cpu portable".to_owned(),
        (Target::Cpu, IsaKind::Avx512 | IsaKind::Avx2) | (Target::Reference | Target::Cuda, _) => {
            target.name().to_owned()
        }
    }
}
