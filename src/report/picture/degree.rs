//! The degree that a picture shows: the strongest kind that the logits have.

use super::Note;
use crate::check::{Checked, Exponents, Number, Scaling};
use crate::ir::NodeId;

/// Degrees of one kind.
#[derive(Clone, Debug)]
pub struct Degrees {
    /// By node.
    pub(super) of: Vec<Option<Number>>,
    /// `degree`, `quasi-homogeneous degree`.
    noun: &'static str,
    /// Whether they hold in the limit eps → 0 only.
    limit: bool,
}

impl Degrees {
    /// Joint degrees where the logits have one, else quasi-homogeneous ones with every weight at 1, else the same in the limit
    /// eps → 0, else those of the exponents that some tensors have alone; `None` where nothing is known.
    pub fn of(checked: &Checked) -> Option<Self> {
        let (exact, limit) = (checked.exact(), checked.limit());
        joint(exact, checked, false)
            .or_else(|| quasi(exact, exact.weights_one.as_ref(), checked, false))
            .or_else(|| joint(limit, checked, true))
            .or_else(|| quasi(limit, limit.weights_one.as_ref(), checked, true))
            .or_else(|| quasi(exact, exact.general.as_ref(), checked, false))
            .or_else(|| quasi(limit, limit.general.as_ref(), checked, true))
    }

    /// The degree of a node in words; `None` where it has none.
    pub fn words(&self, node: NodeId) -> Option<String> {
        self.of[node.0 as usize].as_ref().map(|degree| self.note(degree).to_string())
    }

    /// `quasi-homogeneous degree 2 in the limit`.
    pub(super) fn note(&self, degree: &Number) -> Note {
        Note::degree(self.noun, degree, if self.limit { " in the limit" } else { "" })
    }
}

fn joint(scaling: &Scaling, checked: &Checked, limit: bool) -> Option<Degrees> {
    scaling.joint.as_ref()?;
    let of = scaling.joint_of_nodes(checked.graph());
    Some(Degrees { of, noun: "degree", limit })
}

fn quasi(
    scaling: &Scaling,
    exponents: Option<&Exponents>,
    checked: &Checked,
    limit: bool,
) -> Option<Degrees> {
    let exponents = exponents?;
    let of = scaling.of_nodes(checked.graph(), |id| exponents.of[id.0 as usize].clone());
    of[checked.logits().0 as usize].as_ref()?;
    Some(Degrees { of, noun: "quasi-homogeneous degree", limit })
}
