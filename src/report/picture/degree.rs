//! The degree that a picture shows: the strongest kind that the logits have.

use crate::check::{Checked, Number, Scaling};

/// Degrees of one kind.
#[derive(Clone, Debug)]
pub(super) struct Degrees {
    /// By node.
    pub(super) of: Vec<Option<Number>>,
    /// `degree`, `quasi-homogeneous degree`.
    noun: &'static str,
    /// Whether they hold in the limit eps → 0 only.
    limit: bool,
}

impl Degrees {
    /// Joint degrees where the logits have one, else quasi-homogeneous ones, else the same in the limit eps → 0; `None` where
    /// nothing is known.
    pub(super) fn of(checked: &Checked) -> Option<Self> {
        for (scaling, limit) in [(checked.exact(), false), (checked.limit(), true)] {
            let found = joint(scaling, checked).or_else(|| quasi(scaling, checked));
            if let Some(degrees) = found {
                return Some(Self { limit, ..degrees });
            }
        }
        None
    }

    /// `quasi-homogeneous degree 2 in the limit`.
    pub(super) fn words(&self, degree: &Number) -> String {
        let limit = if self.limit { " in the limit" } else { "" };
        format!("{} {degree}{limit}", self.noun)
    }
}

fn joint(scaling: &Scaling, checked: &Checked) -> Option<Degrees> {
    scaling.joint.as_ref()?;
    let of = scaling.joint_of_nodes(checked.graph());
    Some(Degrees { of, noun: "degree", limit: false })
}

fn quasi(scaling: &Scaling, checked: &Checked) -> Option<Degrees> {
    let exponents = scaling.weights_one.as_ref().or(scaling.general.as_ref())?;
    let of = scaling.of_nodes(checked.graph(), |id| exponents.of[id.0 as usize].clone());
    of[checked.logits().0 as usize].as_ref()?;
    Some(Degrees { of, noun: "quasi-homogeneous degree", limit: false })
}
