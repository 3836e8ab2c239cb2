//! The update rules: from gradients to new parameters and new optimiser state.

use super::Slot;
use super::average::decayed;
use crate::ir::{
    Binary, BufferId, Emit, Graph, Hyper, NodeId, Op, ParamRole, Part, Unary, Update, Written,
};
use crate::model::Optimizer;

/// Learning rates of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Rate of the scales of the loss as a multiple of the learning rate.
    pub scale_lr: f64,
}

/// Adds the updates of one step: each parameter of `slots` moves along its gradient (`None` stays).
///
/// **What** PyTorch's SGD, Adam and `AdamW`, without dampening and without AMSGrad.
/// A slot with a saved value starts from that value and decays it, as the second phase of SAM wants;
/// weight decay applies to every parameter but the scales of the loss.
/// **Formula** g += decay · w ·
/// SGD: v ← momentum · v + g; w ← w − lr · (g + momentum · v if nesterov, else v) ·
/// Adam: m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) ·
/// `AdamW`: w ← w − lr · decay · w first, then Adam without decay.
pub fn attach(
    graph: &mut Graph,
    optimizer: &Optimizer,
    rates: Rates,
    slots: &[Slot],
    gradients: &[Option<NodeId>],
) {
    for (slot, gradient) in slots.iter().zip(gradients) {
        let Some(gradient) = *gradient else { continue };
        let (origin, layer, role) = {
            let param = graph.param(slot.param);
            (param.origin, param.layer, param.role)
        };
        let mut emit = Emit { graph, origin, layer, part: Part::Update };
        let param = match slot.saved {
            Some(saved) => emit.buffer(saved),
            None => emit.param(slot.param),
        };
        let mut rule = UpdateRule { emit, slot, param, gradient, role, rates };
        let value = match optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay } => {
                rule.sgd(*momentum, *nesterov, *weight_decay)
            }
            Optimizer::Adam { beta1, beta2, eps, weight_decay } => {
                rule.decay_gradient(*weight_decay);
                rule.adam(*beta1, *beta2, *eps)
            }
            Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
                rule.decay_param(*weight_decay);
                rule.adam(*beta1, *beta2, *eps)
            }
        };
        graph.updates.push(Update { target: Written::Param(slot.param), value });
    }
}

/// One parameter on its way; `param` and `gradient` are replaced as the rule goes on.
struct UpdateRule<'g, 's> {
    emit: Emit<'g>,
    slot: &'s Slot,
    param: NodeId,
    gradient: NodeId,
    role: ParamRole,
    rates: Rates,
}

impl UpdateRule<'_, '_> {
    fn sgd(&mut self, momentum: f64, nesterov: bool, weight_decay: f64) -> NodeId {
        self.decay_gradient(weight_decay);
        let mut direction = self.gradient;
        if let Some(buffer) = self.slot.momentum {
            let old = self.emit.buffer(buffer);
            let kept = self.emit.times(old, momentum);
            let velocity = self.emit.add(kept, self.gradient);
            self.store(buffer, velocity);
            direction = velocity;
            if nesterov {
                let ahead = self.emit.times(velocity, momentum);
                direction = self.emit.add(self.gradient, ahead);
            }
        }
        let lr = self.lr();
        let step = self.emit.scale(lr, direction);
        self.emit.sub(self.param, step)
    }

    fn adam(&mut self, beta1: f64, beta2: f64, eps: f64) -> NodeId {
        let square = self.emit.unary(Unary::Square, self.gradient);
        let first = self.average(self.slot.first, beta1, self.gradient);
        let second = self.average(self.slot.second, beta2, square);
        let correction = self.emit.op(Op::Hyper(Hyper::BiasCorrection { beta: beta2 }), &[]);
        let second = self.emit.scale_inverse(correction, second);
        let deviation = self.emit.unary(Unary::Sqrt, second);
        let eps = self.emit.number_like(eps, deviation);
        let deviation = self.emit.add(deviation, eps);
        let direction = self.emit.div(first, deviation);
        let correction = self.emit.op(Op::Hyper(Hyper::BiasCorrection { beta: beta1 }), &[]);
        let lr = self.lr();
        let lr = self.emit.div(lr, correction);
        let step = self.emit.scale(lr, direction);
        self.emit.sub(self.param, step)
    }

    /// β · old + (1 − β) · new, stored.
    fn average(&mut self, buffer: Option<BufferId>, beta: f64, new: NodeId) -> NodeId {
        match buffer {
            Some(buffer) => decayed(&mut self.emit, buffer, beta, new),
            None => self.emit.times(new, 1.0 - beta),
        }
    }

    fn decay_gradient(&mut self, weight_decay: f64) {
        if weight_decay != 0.0 && self.role != ParamRole::Scale {
            let decay = self.emit.times(self.param, weight_decay);
            self.gradient = self.emit.add(self.gradient, decay);
        }
    }

    fn decay_param(&mut self, weight_decay: f64) {
        if weight_decay != 0.0 && self.role != ParamRole::Scale {
            let lr = self.lr();
            let rate = self.emit.times(lr, weight_decay);
            let decay = self.emit.scale(rate, self.param);
            self.param = self.emit.binary(Binary::Sub, self.param, decay);
        }
    }

    fn lr(&mut self) -> NodeId {
        let lr = self.emit.op(Op::Hyper(Hyper::Lr), &[]);
        if self.role == ParamRole::Scale { self.emit.times(lr, self.rates.scale_lr) } else { lr }
    }

    fn store(&mut self, buffer: BufferId, value: NodeId) {
        self.emit.graph.updates.push(Update { target: Written::Buffer(buffer), value });
    }
}
