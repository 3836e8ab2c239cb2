//! Launches of the phases of a plan, recorded once for each slot of feeds and reports.

use super::driver::{Argument, Call, Driver, GraphId, MemoryId};
use super::program::{CudaProgram, SLOTS};
use crate::lower::cuda::{CudaPhase, Launch, REPORT_DOUBLES};
use crate::lower::{ExecError, Phases};

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Train,
    Eval,
    Size,
}

/// Slots that are run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    first: usize,
    count: usize,
}

impl<D: Driver> CudaProgram<D> {
    /// Starts the phases for the first `n` slots: for all slots together, else one by one.
    pub(super) fn start(
        &mut self,
        what: Recorded,
        n: usize,
        data: MemoryId,
    ) -> Result<(), ExecError> {
        if n == SLOTS {
            return self.start_slots(what, Slots { first: 0, count: n }, data);
        }
        (0..n).try_for_each(|first| self.start_slots(what, Slots { first, count: 1 }, data))
    }

    /// Starts the phases that belong together, for each slot in order.
    fn start_slots(
        &mut self,
        what: Recorded,
        slots: Slots,
        data: MemoryId,
    ) -> Result<(), ExecError> {
        let is_this = |known: &&(Recorded, Slots, MemoryId, GraphId)| {
            (known.0, known.1, known.2) == (what, slots, data)
        };
        let graph = if let Some((.., graph)) = self.recorded.iter().find(is_this) {
            *graph
        } else {
            let range = slots.first..slots.first + slots.count;
            let calls: Vec<Call> = range.flat_map(|slot| self.calls(what, slot, data)).collect();
            let graph = self.driver.record(&calls)?;
            self.recorded.push((what, slots, data, graph));
            graph
        };
        self.driver.run(graph)
    }

    fn calls(&self, what: Recorded, slot: usize, data: MemoryId) -> Vec<Call> {
        let Phases { train, eval, size } = &self.plan.phases;
        let phases: Vec<&CudaPhase> = match what {
            Recorded::Train => train.iter().collect(),
            Recorded::Eval => vec![eval],
            Recorded::Size => size.iter().collect(),
        };
        let before = slot * self.count();
        let launches = phases.into_iter().flat_map(|phase| &phase.launches);
        let call = |launch: &Launch| Call {
            kernel: self.kernels[&launch.name],
            grid: [launch.blocks as u32, 1, self.count() as u32],
            shared: launch.shared as u32,
            arguments: vec![
                Argument::Memory(self.memory, 0),
                Argument::Size(self.plan.memory.len as u64),
                Argument::Memory(self.feeds, before * self.plan.feed.len * 4),
                Argument::Size(self.plan.feed.len as u64),
                Argument::Memory(data, 0),
                Argument::Memory(self.reports, before * REPORT_DOUBLES * 8),
            ],
        };
        launches.map(call).collect()
    }
}
