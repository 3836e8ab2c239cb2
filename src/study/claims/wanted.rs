//! What a line wants, as bounds of one value.

use serde::Serialize;

use crate::model::sweep::{Line, Quantity};
use crate::syntax::ast::BinaryOp;

/// Bounds of the value of a line: its left side less its right one, without the numbers that are added to either, which make
/// the threshold. `a - b >= 0.01` wants a - b from 0.01 on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wanted {
    /// What the value is less the difference of the sides.
    pub threshold: f64,
    /// The lower bound.
    pub from: Option<f64>,
    /// The upper bound.
    pub to: Option<f64>,
    /// Whether the value is a share of samples, or a difference of shares.
    pub share: bool,
}

impl Wanted {
    #[expect(clippy::wildcard_enum_match_arm, reason = "claims compare by these or by `==`")]
    pub(super) fn of(line: &Line) -> Self {
        let threshold = added(&line.right) - added(&line.left);
        let (from, to) = match line.op {
            BinaryOp::Lt | BinaryOp::Le => (None, Some(threshold)),
            BinaryOp::Gt | BinaryOp::Ge => (Some(threshold), None),
            _ => (Some(threshold - line.within), Some(threshold + line.within)),
        };
        Self { threshold, from, to, share: is_share(&line.left) && is_share(&line.right) }
    }
}

/// The numbers that are added to measures.
fn added(of: &Quantity) -> f64 {
    match of {
        Quantity::Number(number) => *number,
        Quantity::Binary(BinaryOp::Add, left, right) => added(left) + added(right),
        Quantity::Binary(BinaryOp::Sub, left, right) => added(left) - added(right),
        Quantity::Measured(..) | Quantity::Binary(..) | Quantity::Extreme { .. } => 0.0,
    }
}

fn is_share(of: &Quantity) -> bool {
    let is_number = |of: &Quantity| matches!(of, Quantity::Number(_));
    match of {
        Quantity::Number(_) => true,
        Quantity::Measured(measure, _) => measure.counted().is_some(),
        Quantity::Binary(BinaryOp::Add | BinaryOp::Sub, left, right) => {
            is_share(left) && is_share(right)
        }
        Quantity::Binary(_, left, right) => {
            is_share(left) && is_share(right) && (is_number(left) || is_number(right))
        }
        Quantity::Extreme { operands, .. } => operands.iter().all(is_share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beside_measures_are_the_threshold() {
        let measure = || Quantity::Measured("test.accuracy".parse().unwrap(), vec![]);
        let less = |left, right| Quantity::Binary(BinaryOp::Sub, Box::new(left), Box::new(right));
        let bounds = |left, op, right, within| {
            let wanted = Wanted::of(&Line { text: String::new(), left, op, right, within });
            assert!(wanted.share);
            (wanted.from, wanted.to)
        };
        let both = || less(measure(), measure());
        let number = Quantity::Number;
        assert_eq!(bounds(both(), BinaryOp::Ge, number(0.25), 0.0), (Some(0.25), None));
        assert_eq!(bounds(number(0.25), BinaryOp::Lt, both(), 0.0), (None, Some(-0.25)));
        let shifted = less(measure(), number(0.5));
        assert_eq!(bounds(measure(), BinaryOp::Gt, shifted, 0.0), (Some(-0.5), None));
        let equal = bounds(measure(), BinaryOp::Eq, measure(), 0.125);
        assert_eq!(equal, (Some(-0.125), Some(0.125)));
        let loss = Quantity::Measured("test.loss".parse().unwrap(), vec![]);
        assert!(!is_share(&less(loss, number(1.0))));
    }
}
