//! `specc check --emit`: one stage of the compiler as text.

use super::emit::facts;
use crate::compile::Compiled;
use crate::diag::Diagnostics;
use crate::grad::{self, Joint};
use crate::kernels::isa::Isa;
use crate::lower::cpu::PlanOptions;
use crate::lower::cuda::CudaPlan;
use crate::lower::{self, Target};
use crate::report::picture;
use crate::{ir, model, syntax};

/// What a spec becomes on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// The spec as parsed, in canonical layout.
    Ast,
    /// The spec with every default stated.
    Model,
    /// The operations from the input to the logits.
    Ir,
    /// The operations with their degrees, and the costs of the layers.
    Facts,
    /// Forward, backward and updates.
    Joint,
    /// The steps that run.
    Plan,
    /// The CUDA C++ that runs on a GPU.
    Kernels,
    /// The net as a Graphviz graph.
    Dot,
}

/// One stage as text; a plan is that of `target`. `None` where the spec did not come so far.
///
/// # Errors
/// What keeps the loss from being attached.
pub fn emitted(
    compiled: &Compiled,
    what: Emitted,
    target: Target,
) -> Result<Option<String>, Diagnostics> {
    Ok(match (what, &compiled.model, &compiled.checked) {
        (Emitted::Ast, _, _) => Some(syntax::print(&compiled.ast)),
        (Emitted::Model, Some(spec), _) => Some(syntax::print(&model::to_ast(spec))),
        (Emitted::Ir, _, Some(checked)) => Some(ir::text(checked.graph())),
        (Emitted::Facts, _, Some(checked)) => Some(facts(checked)),
        (Emitted::Dot, _, Some(checked)) => Some(picture::dot(&picture::picture(checked, false))),
        (Emitted::Joint | Emitted::Plan | Emitted::Kernels, Some(spec), Some(checked)) => {
            let joint = grad::joint(checked, &spec.loss, &spec.train)?;
            let batch = spec.train.batch;
            Some(match what {
                Emitted::Joint => joint.to_string(),
                Emitted::Kernels => cuda_plan(&joint, batch).source(),
                Emitted::Ast
                | Emitted::Model
                | Emitted::Ir
                | Emitted::Facts
                | Emitted::Dot
                | Emitted::Plan => plan(&joint, target, batch),
            })
        }
        (
            Emitted::Model
            | Emitted::Ir
            | Emitted::Facts
            | Emitted::Dot
            | Emitted::Joint
            | Emitted::Plan
            | Emitted::Kernels,
            _,
            _,
        ) => None,
    })
}

/// The plan of a target as text.
fn plan(joint: &Joint, target: Target, batch: usize) -> String {
    match target {
        Target::Reference => lower::reference::plan(joint).to_string(),
        Target::Cpu => {
            let options = PlanOptions { isa: Isa::detect(), batch };
            lower::cpu::plan(joint, &options).to_string()
        }
        Target::Cuda => cuda_plan(joint, batch).to_string(),
    }
}

/// The plan of one run on a GPU.
fn cuda_plan(joint: &Joint, batch: usize) -> CudaPlan {
    lower::cuda::plan(joint, &lower::cuda::PlanOptions::of_one(batch))
}
