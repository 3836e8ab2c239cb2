//! One arena shared by the tasks of a parallel region.
//!
//! In: a table of buffers and who owns which part of them. Out: for each task, slices of the parts that are its own.
//! Invariant, checked when a [`Region`] is made and when a task takes slices: what one task may write, no other task of
//! the region can reach, so tasks may run on any thread in any order.

use super::threads::{SharedSlice, ThreadPool};

/// Whose memory a buffer is, and how its length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// One copy for all; tasks of a region only read it.
    Fixed,
    /// One part for each block of the batch.
    Batch,
    /// One part for each group of blocks.
    Partial,
    /// One part for each block of the group a worker is at.
    Group,
    /// One part for each worker.
    Worker,
}

/// A buffer; offset and length in floats, counted in the unit of its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Whose memory it is.
    pub area: Area,
    /// Where it starts, in units of its area.
    pub offset: usize,
    /// Floats of one part.
    pub len: usize,
}

/// Sizes of the areas, for a number of blocks and workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Floats of [`Area::Fixed`].
    pub fixed: usize,
    /// Floats of [`Area::Batch`] for one block.
    pub batch: usize,
    /// Floats of [`Area::Partial`] for one group.
    pub partial: usize,
    /// Floats of [`Area::Group`] for one block.
    pub group: usize,
    /// Floats of [`Area::Worker`].
    pub worker: usize,
    /// Blocks that fit.
    pub n_blocks: usize,
    /// Blocks of a group, at least 1.
    pub group_blocks: usize,
    /// Threads.
    pub n_workers: usize,
}

impl Frame {
    /// Groups that fit.
    pub fn n_groups(&self) -> usize {
        self.n_blocks.div_ceil(self.group_blocks.max(1))
    }

    /// Floats of all areas together; saturates.
    pub fn total(&self) -> usize {
        let batch = self.batch.saturating_mul(self.n_blocks);
        let partial = self.partial.saturating_mul(self.n_groups());
        let workers = self.worker_len().saturating_mul(self.n_workers);
        self.fixed.saturating_add(batch).saturating_add(partial).saturating_add(workers)
    }

    fn worker_len(&self) -> usize {
        self.group.saturating_mul(self.group_blocks).saturating_add(self.worker)
    }

    /// The part of a buffer for block `block`, which is block `local` of group `group` at worker `worker`.
    fn range(
        &self,
        buffer: &Buffer,
        at: &Position,
        block: Option<usize>,
    ) -> std::ops::Range<usize> {
        let batch = self.fixed;
        let partial = batch + self.batch * self.n_blocks;
        let workers = partial + self.partial * self.n_groups();
        let worker = workers + at.worker * self.worker_len();
        let (first, n_blocks) = match block {
            Some(local) => (local, 1),
            None => (0, at.n_blocks),
        };
        let start_and_len = match buffer.area {
            Area::Fixed => (buffer.offset, buffer.len),
            Area::Batch => (
                batch + buffer.offset * self.n_blocks + (at.first_block + first) * buffer.len,
                buffer.len * n_blocks,
            ),
            Area::Partial => {
                (partial + buffer.offset * self.n_groups() + at.group * buffer.len, buffer.len)
            }
            Area::Group => (
                worker + buffer.offset * self.group_blocks + first * buffer.len,
                buffer.len * n_blocks,
            ),
            Area::Worker => (worker + self.group * self.group_blocks + buffer.offset, buffer.len),
        };
        start_and_len.0..start_and_len.0 + start_and_len.1
    }

    /// The whole of a buffer that lies in one piece: all blocks of [`Area::Batch`], all groups of [`Area::Partial`].
    pub fn whole(&self, buffer: &Buffer, n_blocks: usize) -> std::ops::Range<usize> {
        let n_groups = n_blocks.div_ceil(self.group_blocks.max(1));
        let at = Position { worker: 0, group: 0, first_block: 0, n_blocks };
        let range = self.range(buffer, &at, None);
        match buffer.area {
            Area::Partial => range.start..range.start + buffer.len * n_groups,
            Area::Fixed | Area::Batch | Area::Group | Area::Worker => range,
        }
    }
}

/// Where a task is.
#[derive(Clone, Copy, Debug)]
struct Position {
    worker: usize,
    group: usize,
    first_block: usize,
    n_blocks: usize,
}

/// The buffers that tasks of one region may reach, checked against a frame.
#[derive(Clone, Debug)]
pub struct Region {
    frame: Frame,
    /// By index of the buffer; `None` for those out of reach.
    buffers: Vec<Option<Buffer>>,
}

impl Region {
    /// Checks that parts of different tasks cannot overlap: buffers lie inside their area, and those of
    /// [`Area::Batch`] and [`Area::Partial`] do not overlap each other.
    ///
    /// `None` when they do.
    pub fn new(frame: Frame, buffers: Vec<Option<Buffer>>) -> Option<Self> {
        if frame.group_blocks == 0 || frame.total() == usize::MAX {
            return None;
        }
        let mut taken: Vec<(Area, usize, usize)> = vec![];
        for buffer in buffers.iter().flatten() {
            let size = match buffer.area {
                Area::Fixed => frame.fixed,
                Area::Batch => frame.batch,
                Area::Partial => frame.partial,
                Area::Group => frame.group,
                Area::Worker => frame.worker,
            };
            let end = buffer.offset.checked_add(buffer.len)?;
            if end > size {
                return None;
            }
            if matches!(buffer.area, Area::Batch | Area::Partial) && buffer.len > 0 {
                taken.push((buffer.area, buffer.offset, end));
            }
        }
        taken.sort_unstable();
        taken.dedup();
        let is_disjoint = taken.windows(2).all(|pair| {
            let [(area, _, end), (next_area, next, _)] = pair else { return true };
            area != next_area || end <= next
        });
        is_disjoint.then_some(Self { frame, buffers })
    }

    /// Runs `body` for each group of the first `n_blocks` blocks, on any thread.
    ///
    /// # Panics
    /// When the arena is smaller than the frame, the blocks or the threads do not fit, and as [`ThreadPool::run`].
    pub fn run(
        &self,
        pool: &ThreadPool,
        arena: &mut [f32],
        n_blocks: usize,
        body: impl Fn(&mut Task<'_>) + Sync,
    ) {
        let frame = &self.frame;
        assert!(arena.len() >= frame.total(), "an arena as large as the frame");
        assert!(n_blocks <= frame.n_blocks, "blocks that fit the frame");
        assert!(pool.n_threads() <= frame.n_workers, "threads that fit the frame");
        let shared = SharedSlice::new(arena);
        let n_groups = n_blocks.div_ceil(frame.group_blocks);
        pool.run(n_groups, |group, worker| {
            let first_block = group * frame.group_blocks;
            let n_blocks = frame.group_blocks.min(n_blocks - first_block);
            let at = Position { worker, group, first_block, n_blocks };
            body(&mut Task { region: self, shared: &shared, at });
        });
    }
}

/// The view of one task: its group of blocks and the memory of its worker.
pub struct Task<'a> {
    region: &'a Region,
    shared: &'a SharedSlice<'a, f32>,
    at: Position,
}

impl std::fmt::Debug for Task<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Task<'_> {
    /// The group, from 0.
    pub fn group(&self) -> usize {
        self.at.group
    }

    /// The worker that runs the task.
    pub fn worker(&self) -> usize {
        self.at.worker
    }

    /// The first block of the group.
    pub fn first_block(&self) -> usize {
        self.at.first_block
    }

    /// Blocks of the group.
    pub fn n_blocks(&self) -> usize {
        self.at.n_blocks
    }

    /// Gives `put` the task's parts of the buffers `reads` and `writes`: those of block `block` of the group, or of all its
    /// blocks.
    ///
    /// # Panics
    /// When a buffer is out of reach, one that is written is fixed, one that is written overlaps another, or there are
    /// too many.
    pub fn with<T>(
        &mut self,
        block: Option<usize>,
        reads: &[usize],
        writes: &[usize],
        put: impl FnOnce(&[&[f32]], &mut [&mut [f32]]) -> T,
    ) -> T {
        assert!(reads.len() <= MAX_OPERANDS && writes.len() <= MAX_OUTPUTS, "operands that fit");
        assert!(block.is_none_or(|block| block < self.at.n_blocks), "a block of the group");
        let mut read_array: [&[f32]; MAX_OPERANDS] = [&[]; MAX_OPERANDS];
        let mut write_array: [&mut [f32]; MAX_OUTPUTS] = std::array::from_fn(|_| &mut [][..]);
        let frame = &self.region.frame;
        let find = |idx: usize| {
            let buffer = self.region.buffers.get(idx).copied().flatten();
            buffer.expect("steps only use buffers of their region")
        };
        for (i, idx) in writes.iter().enumerate() {
            let buffer = find(*idx);
            assert!(buffer.area != Area::Fixed, "fixed buffers are only read");
            let range = frame.range(&buffer, &self.at, block);
            let others = reads.iter().chain(&writes[..i]);
            for other in others {
                let other = frame.range(&find(*other), &self.at, block);
                let apart = range.end <= other.start || other.end <= range.start;
                assert!(
                    apart || range.is_empty() || other.is_empty(),
                    "operands that do not overlap"
                );
            }
            // SAFETY: the range belongs to this task alone: it is a part of a group (`Region::new` checked that buffers of
            // an area coincide or lie apart) or of its worker, which runs one task at a time. It overlaps no other
            // operand, as just checked, and `&mut self` ends earlier slices.
            write_array[i] = unsafe { self.shared.range(range) };
        }
        for (to, idx) in read_array.iter_mut().zip(reads) {
            // SAFETY: ranges of fixed buffers are only read in a region; all others belong to this task, and no written
            // one overlaps them.
            *to = unsafe { &*self.shared.range(frame.range(&find(*idx), &self.at, block)) };
        }
        put(&read_array[..reads.len()], &mut write_array[..writes.len()])
    }
}

/// Most buffers that one step reads.
pub const MAX_OPERANDS: usize = 32;

/// Most buffers that one step writes.
pub const MAX_OUTPUTS: usize = 48;

/// Slices of `arena`: `writes` exclusively, `reads` shared. The counterpart of [`Task::with`] outside regions.
///
/// # Panics
/// When a range is outside the arena, one that is written overlaps another, or there are too many.
pub fn with_ranges<T>(
    arena: &mut [f32],
    reads: &[std::ops::Range<usize>],
    writes: &[std::ops::Range<usize>],
    put: impl FnOnce(&[&[f32]], &mut [&mut [f32]]) -> T,
) -> T {
    assert!(reads.len() <= MAX_OPERANDS && writes.len() <= MAX_OUTPUTS, "operands that fit");
    let shared = SharedSlice::new(arena);
    let mut read_array: [&[f32]; MAX_OPERANDS] = [&[]; MAX_OPERANDS];
    let mut write_array: [&mut [f32]; MAX_OUTPUTS] = std::array::from_fn(|_| &mut [][..]);
    for (i, range) in writes.iter().enumerate() {
        for other in reads.iter().chain(&writes[..i]) {
            let apart = range.end <= other.start || other.end <= range.start;
            assert!(apart || range.is_empty() || other.is_empty(), "operands that do not overlap");
        }
        // SAFETY: this range overlaps no other one, as just checked.
        write_array[i] = unsafe { shared.range(range.clone()) };
    }
    for (to, range) in read_array.iter_mut().zip(reads) {
        // SAFETY: no written range overlaps it; shared slices may overlap each other.
        *to = unsafe { &*shared.range(range.clone()) };
    }
    put(&read_array[..reads.len()], &mut write_array[..writes.len()])
}

/// The floats as bytes, four for each float.
pub fn words8(floats: &mut [f32]) -> &mut [u8] {
    let len = floats.len() * 4;
    // SAFETY: the same bytes; `u8` has a smaller alignment and no invalid values, and neither has `f32`.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast::<u8>(), len) }
}

/// The floats as words of 16 bits, two for each float.
pub fn words16(floats: &mut [f32]) -> &mut [u16] {
    let len = floats.len() * 2;
    // SAFETY: the same bytes; `u16` has a smaller alignment and no invalid values, and neither has `f32`.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast::<u16>(), len) }
}

/// The floats as words of 16 bits, two for each float.
pub fn as_words16(floats: &[f32]) -> &[u16] {
    // SAFETY: as in `words16`.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast::<u16>(), floats.len() * 2) }
}

/// The floats as words of 32 bits.
pub fn words32(floats: &mut [f32]) -> &mut [u32] {
    let len = floats.len();
    // SAFETY: the same bytes, size and alignment; neither type has invalid values.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast::<u32>(), len) }
}

/// The floats as words of 32 bits.
pub fn as_words32(floats: &[f32]) -> &[u32] {
    // SAFETY: as in `words32`.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast::<u32>(), floats.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            fixed: 32,
            batch: 48,
            partial: 16,
            group: 16,
            worker: 32,
            n_blocks: 5,
            group_blocks: 2,
            n_workers: 3,
        }
    }

    #[test]
    fn every_part_is_reached_once() {
        let buffers = vec![
            Some(Buffer { area: Area::Batch, offset: 0, len: 16 }),
            Some(Buffer { area: Area::Batch, offset: 16, len: 32 }),
            Some(Buffer { area: Area::Partial, offset: 0, len: 16 }),
            Some(Buffer { area: Area::Fixed, offset: 0, len: 16 }),
        ];
        let region = Region::new(frame(), buffers).unwrap();
        let mut arena = vec![0.0; frame().total()];
        arena[..32].fill(2.0);
        let pool = ThreadPool::new(3);
        region.run(&pool, &mut arena, 5, |task| {
            for block in 0..task.n_blocks() {
                task.with(Some(block), &[3], &[0, 1], |reads, writes| {
                    writes[0].iter_mut().for_each(|x| *x += reads[0][0]);
                    writes[1].iter_mut().for_each(|x| *x += 3.0);
                });
            }
            task.with(None, &[], &[2], |_, writes| writes[0].iter_mut().for_each(|x| *x += 4.0));
        });
        let batch = &arena[32..32 + 48 * 5];
        assert!(batch[..80].iter().all(|x| *x == 2.0) && batch[80..].iter().all(|x| *x == 3.0));
        assert!(arena[32 + 240..32 + 240 + 48].iter().all(|x| *x == 4.0));
    }

    #[test]
    fn overlapping_buffers_are_refused() {
        let part = |offset, len| Some(Buffer { area: Area::Batch, offset, len });
        assert!(Region::new(frame(), vec![part(0, 16), part(15, 16)]).is_none());
        assert!(Region::new(frame(), vec![part(40, 16)]).is_none());
        assert!(Region::new(frame(), vec![part(0, 16), part(0, 16)]).is_some());
    }
}
