//! The steps of a phase, booked: a row for each layer, and for what belongs to none.

use crate::experiment::timing::{Call, PhaseCosts};
use crate::ir::{Layer, LayerId, Part};

/// Steps taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sum {
    /// Milliseconds.
    pub(super) ms: f64,
    /// Floating-point operations.
    pub(super) flops: u64,
    /// Bytes read.
    pub(super) read: u64,
    /// Bytes written.
    pub(super) written: u64,
    /// Calls of kernels.
    pub(super) calls: usize,
}

impl Sum {
    /// One more.
    pub(super) fn add(&mut self, other: &Self) {
        self.ms += other.ms;
        self.flops += other.flops;
        self.read += other.read;
        self.written += other.written;
        self.calls += other.calls;
    }

    /// The sum of one step.
    pub(super) fn of(call: &Call) -> Self {
        let Call { ms, flops, read, written, calls, .. } = *call;
        Self { ms, flops, read, written, calls }
    }

    /// Operations in 10⁹ a second, where there are any.
    pub(super) fn gflops(&self) -> Option<f64> {
        (self.flops > 0 && self.ms > 0.0).then(|| self.flops as f64 / self.ms / 1e6)
    }
}

/// A layer of the net.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerRow {
    /// Steps booked on its forward pass.
    pub(super) forward: Sum,
    /// Steps booked on its backward pass.
    pub(super) backward: Sum,
    /// Operations that the layer itself asks for, forward and backward, whichever steps do them.
    pub(super) own: [u64; 2],
    /// Layers whose steps do operations of this one, where it has no steps of its own.
    pub(super) computed_in: Vec<LayerId>,
}

/// A phase by layers.
#[derive(Clone, Debug, Default)]
pub(super) struct PhaseRows {
    /// In the order of the net.
    pub(super) layers: Vec<LayerRow>,
    /// Gathering of samples.
    pub(super) input: Sum,
    /// Loss, measures and R, forward and backward.
    pub(super) loss: [Sum; 2],
    /// The optimiser.
    pub(super) updates: Sum,
    /// Everything above.
    pub(super) total: Sum,
    /// Milliseconds that no step accounts for: filling labels, copies, the way from stage to stage.
    pub(super) rest: f64,
}

/// Books the steps of `phase`.
pub(super) fn rows(phase: &PhaseCosts, layers: &[Layer], batch: usize) -> PhaseRows {
    let mut rows =
        PhaseRows { layers: vec![LayerRow::default(); layers.len()], ..PhaseRows::default() };
    for call in &phase.calls {
        let sum = Sum::of(call);
        rows.total.add(&sum);
        let row = if call.is_input {
            &mut rows.input
        } else {
            match (call.work.part, call.work.layer) {
                (Part::Update, _) => &mut rows.updates,
                (Part::Forward, None) => &mut rows.loss[0],
                (Part::Backward, None) => &mut rows.loss[1],
                (Part::Forward, Some(layer)) => &mut rows.layers[layer.0 as usize].forward,
                (Part::Backward, Some(layer)) => &mut rows.layers[layer.0 as usize].backward,
            }
        };
        row.add(&sum);
        for share in &call.work.shares {
            let Some(layer) = share.layer else { continue };
            let own = match share.part {
                Part::Forward => 0,
                Part::Backward => 1,
                Part::Update => continue,
            };
            let row = &mut rows.layers[layer.0 as usize];
            row.own[own] = row.own[own].saturating_add(share.flops.of_batch(batch));
            if let Some(main) = call.work.layer.filter(|main| *main != layer)
                && !row.computed_in.contains(&main)
            {
                row.computed_in.push(main);
            }
        }
    }
    for row in &mut rows.layers {
        if row.forward.calls > 0 {
            row.computed_in.clear();
        }
    }
    rows.rest = (phase.ms - rows.total.ms - phase.waiting).max(0.0);
    rows
}

/// A place where no fast kernel fits.
#[derive(Clone, Debug)]
pub(super) struct Fallback<'a> {
    /// The step.
    pub(super) call: &'a Call,
    /// Why.
    pub(super) reason: &'static str,
    /// The phases that have it.
    pub(super) phases: Vec<&'a str>,
}

/// Where fusion was refused: each layer, kernel and reason once.
pub(super) fn fallbacks(phases: &[PhaseCosts]) -> Vec<Fallback<'_>> {
    let mut found: Vec<Fallback<'_>> = vec![];
    for phase in phases {
        for call in &phase.calls {
            let Some(reason) = call.fallback else { continue };
            let known = found.iter_mut().find(|known| {
                known.reason == reason
                    && known.call.kernel == call.kernel
                    && known.call.work.layer == call.work.layer
            });
            match known {
                Some(known) if known.phases.last() == Some(&phase.name.as_str()) => {}
                Some(known) => known.phases.push(&phase.name),
                None => found.push(Fallback { call, reason, phases: vec![&phase.name] }),
            }
        }
    }
    found
}
