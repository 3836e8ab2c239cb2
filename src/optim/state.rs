//! What an optimiser keeps between steps, and between the two phases of SAM.

use crate::ir::{Buffer, BufferId, BufferRole, Graph, Param, ParamId, ParamRole};
use crate::model::{Kept, Train};

/// The state of one trained parameter; every buffer has its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The parameter.
    pub param: ParamId,
    /// `<param>/momentum`: v of SGD with momentum.
    pub momentum: Option<BufferId>,
    /// `<param>/m`: first moment of Adam.
    pub first: Option<BufferId>,
    /// `<param>/v`: second moment of Adam.
    pub second: Option<BufferId>,
    /// `<param>/saved`: the value before SAM moved it; `None` for scales, which are not moved.
    pub saved: Option<BufferId>,
}

/// Adds the buffers of `train` for each parameter to the tables of `graph`; all start at 0.
pub fn declare(graph: &mut Graph, train: &Train, trained: &[ParamId]) -> Vec<Slot> {
    trained.iter().map(|param| slot(graph, train, *param)).collect()
}

fn slot(graph: &mut Graph, train: &Train, param: ParamId) -> Slot {
    let mut slot = Slot { param, momentum: None, first: None, second: None, saved: None };
    let mut kept = |what| Some(buffer(graph, param, what, BufferRole::Optimizer(param)));
    match train.optimizer.keeps() {
        Kept::Nothing => {}
        Kept::Momentum => slot.momentum = kept("momentum"),
        Kept::Moments => (slot.first, slot.second) = (kept("m"), kept("v")),
    }
    if train.sharpness.is_some() && graph.param(param).role != ParamRole::Scale {
        slot.saved = Some(buffer(graph, param, "saved", BufferRole::Saved(param)));
    }
    slot
}

fn buffer(graph: &mut Graph, param: ParamId, what: &str, role: BufferRole) -> BufferId {
    let Param { name, shape, .. } = graph.param(param);
    let (name, shape) = (format!("{name}/{what}"), shape.clone());
    graph.keep(Buffer { name, shape, role, initial: 0.0, min_samples: 0 })
}
