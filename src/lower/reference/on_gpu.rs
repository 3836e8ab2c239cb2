//! The operations of a plan that kernels compute where the reference runs on a GPU, each lowered alone.

use super::{ReferencePhase, ReferencePlan, ReferenceStep, Way, way};
use crate::ir::{Op, Shape};
use crate::lower::cuda::{Alone, PlanOptions, Value, alone};

/// The operations of a plan; what computes equal steps is there once.
#[derive(Clone, Debug, Default)]
pub struct OnGpu {
    operations: Vec<(Op, Alone)>,
}

impl OnGpu {
    /// Lowers the operations of `plan` on at most `batch` samples. R is asked for in double precision and left out.
    pub fn of(plan: &ReferencePlan, batch: usize) -> Self {
        let mut all = Self::default();
        let phases = plan.phases.train.iter().chain([&plan.phases.eval]);
        for (phase, step) in phases.flat_map(|phase| phase.steps.iter().map(move |s| (phase, s))) {
            if phase.way(step) == Way::Kernel && all.get(phase, step).is_none() {
                let name = format!("operation{}", all.operations.len());
                let operands = phase.operands(step);
                let lowered =
                    alone(&name, &step.op, &operands, PlanOptions::of_one(batch), step.origin);
                all.operations.push((step.op.clone(), lowered));
            }
        }
        all
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Alone> + Clone {
        self.operations.iter().map(|(_, alone)| alone)
    }

    /// That of a step, where kernels compute it.
    pub fn get(&self, phase: &ReferencePhase, step: &ReferenceStep) -> Option<&Alone> {
        let operands = phase.operands(step);
        let computes = |(op, alone): &&(Op, Alone)| {
            *op == step.op && alone.operands.iter().map(|(own, _)| own).eq(&operands)
        };
        self.operations.iter().find(computes).map(|(_, alone)| alone)
    }
}

impl ReferencePhase {
    /// Who computes a step on a GPU.
    pub fn way(&self, step: &ReferenceStep) -> Way {
        let shapes: Vec<&Shape> = step.inputs.iter().map(|id| &self.value(*id).shape).collect();
        way(&step.op, &shapes, &self.value(step.output).shape)
    }

    fn operands(&self, step: &ReferenceStep) -> Vec<Value> {
        let values = step.inputs.iter().map(|id| self.value(*id));
        values.map(|value| Value { shape: value.shape.clone(), kind: value.kind }).collect()
    }
}
