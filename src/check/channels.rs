//! Degrees that differ from channel to channel: ranges of channels, and how operations carry them.
//!
//! A `concat` puts values of any degrees side by side. Whether they must agree is decided where channels meet again, not before.
//! Invariant: a list of ranges has at least two, covers all channels, and neighbours differ.

use std::sync::Arc;

use super::Linear;
use crate::ir::{Graph, ModalOp, NodeId, Norm, Op};

/// The degree of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Degree {
    /// The value is identically 0 and has every degree.
    Nothing,
    /// One form.
    Linear(Arc<Linear>),
    /// A form for each range of channels.
    Ranges(Arc<[Range]>),
}

/// Neighbouring channels of one degree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// How many, ≥ 1.
    pub channels: usize,
    /// Their degree; `None` where they are identically 0.
    pub form: Option<Arc<Linear>>,
    /// What put them beside the range before; of no meaning for the first one.
    pub seam: Seam,
}

/// The operation that joined two ranges, and the operands on its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seam {
    /// The operation.
    pub node: NodeId,
    /// The operand that ends there.
    pub left: NodeId,
    /// The operand that begins there.
    pub right: NodeId,
}

impl Degree {
    /// From a degree without ranges.
    pub(super) fn uniform(form: Option<Arc<Linear>>) -> Self {
        form.map_or(Self::Nothing, Self::Linear)
    }

    /// The forms in it, in the order of channels.
    pub fn forms(&self) -> Vec<Arc<Linear>> {
        match self {
            Self::Nothing => vec![],
            Self::Linear(form) => vec![Arc::clone(form)],
            Self::Ranges(ranges) => ranges.iter().filter_map(|range| range.form.clone()).collect(),
        }
    }

    /// As ranges over `channels`; `node` stands for a seam that is not there.
    fn ranges(&self, channels: usize, node: NodeId) -> Vec<Range> {
        let seam = Seam { node, left: node, right: node };
        match self {
            Self::Nothing => vec![Range { channels, form: None, seam }],
            Self::Linear(form) => vec![Range { channels, form: Some(Arc::clone(form)), seam }],
            Self::Ranges(ranges) => ranges.to_vec(),
        }
    }

    /// Ranges side by side; neighbours of one degree become one.
    pub(super) fn of(ranges: impl IntoIterator<Item = Range>) -> Self {
        let mut kept: Vec<Range> = vec![];
        for range in ranges {
            match kept.last_mut() {
                Some(last) if last.form == range.form => last.channels += range.channels,
                Some(_) | None => kept.push(range),
            }
        }
        match kept.as_slice() {
            [] => Self::Nothing,
            [only] => Self::uniform(only.form.clone()),
            [_, _, ..] => Self::Ranges(kept.into()),
        }
    }

    /// The channels `start .. start + len`.
    pub(super) fn part(&self, start: usize, len: usize) -> Self {
        let Self::Ranges(ranges) = self else { return self.clone() };
        let mut from = 0;
        Self::of(ranges.iter().filter_map(|range| {
            let (first, end) = (from, from + range.channels);
            from = end;
            let channels = end.min(start + len).checked_sub(first.max(start))?;
            (channels > 0).then(|| Range { channels, ..range.clone() })
        }))
    }

    /// The same values when each of `channels` channels of `places` elements is cut or joined into channels of `into` elements;
    /// `None` where a new channel would cross a seam.
    pub(super) fn regrouped(&self, places: usize, into: usize) -> Option<Self> {
        let Self::Ranges(ranges) = self else { return Some(self.clone()) };
        let resized = ranges.iter().map(|range| {
            let elements = range.channels * places;
            let whole = into > 0 && elements.is_multiple_of(into);
            whole.then(|| Range { channels: elements / into.max(1), ..range.clone() })
        });
        resized.collect::<Option<Vec<Range>>>().map(Self::of)
    }

    /// Operands of a `concat` along the channels, each with its node and its number of channels.
    pub(super) fn joined(node: NodeId, parts: &[(Self, NodeId, usize)]) -> Self {
        let mut ranges: Vec<Range> = vec![];
        for (i, (degree, operand, channels)) in parts.iter().enumerate() {
            let mut own = degree.ranges(*channels, node);
            if let (Some(first), Some((_, before, _))) =
                (own.first_mut(), i.checked_sub(1).map(|i| &parts[i]))
            {
                first.seam = Seam { node, left: *before, right: *operand };
            }
            ranges.extend(own);
        }
        Self::of(ranges)
    }
}

/// Channels over which every operand has one degree: how many, the degrees in the order of the operands, and the seam before them.
pub(super) type Common = (usize, Vec<Degree>, Seam);

/// Cuts operands of equally many channels where any of them has a seam.
pub(super) fn common(operands: &[Degree], channels: usize, node: NodeId) -> Vec<Common> {
    let all: Vec<Vec<Range>> = operands.iter().map(|d| d.ranges(channels, node)).collect();
    let mut ends: Vec<usize> = vec![];
    for ranges in &all {
        let mut end = 0;
        ends.extend(ranges.iter().map(|range| {
            end += range.channels;
            end
        }));
    }
    ends.sort_unstable();
    ends.dedup();
    let mut places = vec![(0, 0); all.len()];
    let mut start = 0;
    let mut cut = vec![];
    for end in ends {
        let mut seam = Seam { node, left: node, right: node };
        let mut degrees = vec![];
        for (ranges, (idx, from)) in all.iter().zip(&mut places) {
            let Some(range) = ranges.get(*idx) else {
                degrees.push(Degree::Nothing);
                continue;
            };
            if *from == start && *idx > 0 {
                seam = range.seam;
            }
            degrees.push(Degree::uniform(range.form.clone()));
            if *from + range.channels == end {
                (*idx, *from) = (*idx + 1, end);
            }
        }
        cut.push((end - start, degrees, seam));
        start = end;
    }
    cut
}

/// How the channels of operands become those of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Each channel from the same channel of every operand.
    Apart,
    /// Each from the channels of its group of so many.
    Groups(usize),
    /// One operand behind the other.
    Joined,
    /// Some channels of the operand.
    Part {
        /// The first.
        start: usize,
        /// How many.
        len: usize,
    },
    /// The same elements in other channels.
    Regrouped,
    /// Each from all.
    Mixed,
}

/// How an operation carries channels. Values without a batch have none.
pub(super) fn flow(graph: &Graph, id: NodeId) -> Flow {
    let node = &graph[id];
    if !node.shape.batched || node.shape.dims.is_empty() {
        return Flow::Mixed;
    }
    match &node.op {
        Op::Normalize { norm: Norm::Group(groups), .. } => Flow::Groups(*groups),
        Op::Conv(conv) => Flow::Groups(conv.groups),
        Op::Concat { axis: 1 } => Flow::Joined,
        Op::Slice { axis: 1, start, len } => Flow::Part { start: *start, len: *len },
        Op::Reshape(_) => Flow::Regrouped,
        Op::Sum { axes } if axes.iter().any(|axis| *axis < 2) => Flow::Mixed,
        Op::Expand { axes, .. } if !axes.starts_with(&[0, 1]) => Flow::Mixed,
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Select
        | Op::Prelu
        | Op::DropoutMask { .. }
        | Op::StopGradient
        | Op::Sum { .. }
        | Op::Expand { .. }
        | Op::Concat { .. }
        | Op::Slice { .. }
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Modal(ModalOp::BatchNorm { .. } | ModalOp::Dropout { .. })
        | Op::Normalize { norm: Norm::Batch, .. }
        | Op::NormalizeRunning { .. } => Flow::Apart,
        Op::SumSquares
        | Op::Linear
        | Op::Normalize { norm: Norm::Layer, .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::SpectralNorm
        | Op::Class(_)
        | Op::Grad(_) => Flow::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unknown;
    use super::*;
    use crate::ir::ParamId;

    fn form(i: u32) -> Arc<Linear> {
        Arc::new(Linear::unknown(Unknown::Param(ParamId(i))))
    }

    fn joined(parts: &[(u32, usize)]) -> Degree {
        let parts: Vec<_> = (0..)
            .zip(parts)
            .map(|(i, (unknown, channels))| (Degree::Linear(form(*unknown)), NodeId(i), *channels))
            .collect();
        Degree::joined(NodeId(9), &parts)
    }

    fn sizes(degree: &Degree) -> Vec<usize> {
        match degree {
            Degree::Ranges(ranges) => ranges.iter().map(|range| range.channels).collect(),
            Degree::Nothing | Degree::Linear(_) => vec![],
        }
    }

    #[test]
    fn neighbours_of_one_degree_are_one_range() {
        assert_eq!(sizes(&joined(&[(1, 2), (1, 3), (2, 1)])), [5, 1]);
        assert_eq!(joined(&[(1, 2), (1, 3)]), Degree::Linear(form(1)));
    }

    #[test]
    fn parts_and_new_groups_keep_the_order() {
        let degree = joined(&[(1, 2), (2, 3), (3, 1)]);
        assert_eq!(sizes(&degree.part(1, 3)), [1, 2]);
        assert_eq!(degree.part(2, 3), Degree::Linear(form(2)));
        assert_eq!(sizes(&degree.regrouped(4, 1).unwrap()), [8, 12, 4]);
        assert_eq!(sizes(&degree.regrouped(4, 4).unwrap()), [2, 3, 1]);
        assert_eq!(degree.regrouped(1, 2), None, "a new channel would hold two degrees");
    }

    #[test]
    fn operands_are_cut_where_any_has_a_seam() {
        let (a, b) = (joined(&[(1, 2), (2, 4)]), joined(&[(3, 5), (4, 1)]));
        let cut = common(&[a, b, Degree::Nothing], 6, NodeId(7));
        let lengths: Vec<usize> = cut.iter().map(|(len, _, _)| *len).collect();
        assert_eq!(lengths, [2, 3, 1]);
        assert_eq!(cut[1].1, [Degree::Linear(form(2)), Degree::Linear(form(3)), Degree::Nothing]);
        assert_eq!(cut[1].2.node, NodeId(9));
    }
}
