//! The rule table of the scaling analysis: what each operation asks of the degrees of its operands and what it gives.
//!
//! A value has degree d when it becomes c^d times itself under θ_p → c^{e_p} θ_p, for all c > 0.
//! A rule is sound: whenever its demands hold, the result has the stated degree.

use super::{Mode, Number, Unknown};
use crate::ir::{Binary, GradOp, Homogeneity, ModalOp, Norm, Op};

/// What one operation does to degrees.
#[derive(Clone, Debug, PartialEq)]
pub struct DegreeRule {
    /// Operands whose degree the rule looks at.
    pub operands: Vec<Operand>,
    /// What must hold between them.
    pub demands: Vec<Demand>,
    /// The degree of the result.
    pub result: ResultDegree,
}

/// An operand a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its position.
    pub port: usize,
    /// How exactly its value matters.
    pub view: View,
}

/// How exactly a value matters to the operation that takes it. A shift of a channel is the same for all samples and places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// As it is.
    Exact,
    /// Up to a shift per channel.
    Shift,
    /// Each channel up to a positive factor of its own.
    Channels,
    /// Each channel up to a positive factor and a shift of its own: what a batch norm without eps sees.
    ChannelsShift,
}

impl View {
    /// All views.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Shift, Self::Channels, Self::ChannelsShift];
}

/// A condition on degrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Both operands have the same degree.
    Equal(usize, usize),
    /// The operand has degree 0.
    Zero(usize),
}

/// The degree of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultDegree {
    /// An unknown of its own.
    Unknown(Unknown),
    /// It is identically 0 and has every degree.
    Nothing,
    /// Σ factor · degree of the operand; none for degree 0.
    Sum(Vec<(usize, Number)>),
}

/// How norms are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judgement {
    /// Which statistics a batch norm uses.
    pub mode: Mode,
    /// Take the limit eps → 0 instead of the net as it is.
    pub limit: bool,
}

/// The rule of an operation on so many operands, the first of which has so many channels.
pub fn rule(op: &Op, operands: usize, channels: usize, judgement: Judgement) -> DegreeRule {
    match op {
        Op::Input => leaf(ResultDegree::Unknown(Unknown::INPUT)),
        Op::Param(id) => leaf(ResultDegree::Unknown(Unknown::Param(*id))),
        Op::Const(0.0) => leaf(ResultDegree::Nothing),
        // Numbers that no scaling of the parameters touches. A dropout mask depends on its operand's shape alone.
        Op::Labels
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::DropoutMask { .. } => leaf(ResultDegree::Sum(vec![])),

        Op::Unary(function) => of_factor(function.homogeneity()),
        Op::Binary(function) => binary(*function),
        // Whether the mask is 0 does not change under a positive factor.
        Op::Select => DegreeRule {
            operands: exact(&[0, 1, 2]),
            demands: vec![Demand::Equal(1, 2)],
            result: sum(&[(1, 1)]),
        },
        // x where x > 0, else slope · x: one degree only if the slope has degree 0.
        Op::Prelu => DegreeRule {
            operands: exact(&[0, 1]),
            demands: vec![Demand::Zero(1)],
            result: sum(&[(0, 1)]),
        },
        Op::StopGradient
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::Slice { .. }
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Modal(ModalOp::Dropout { .. })
        | Op::SpectralNorm
        | Op::BatchMean => keep(),
        Op::BatchVar => DegreeRule {
            operands: vec![Operand { port: 0, view: View::Shift }],
            demands: vec![],
            result: sum(&[(0, 2)]),
        },
        Op::SumSquares => {
            DegreeRule { operands: exact(&[0]), demands: vec![], result: sum(&[(0, 2)]) }
        }
        Op::Concat { .. } => DegreeRule {
            operands: (0..operands).map(|port| Operand { port, view: View::Exact }).collect(),
            demands: (1..operands).map(|port| Demand::Equal(0, port)).collect(),
            result: sum(&[(0, 1)]),
        },

        Op::Linear | Op::Conv(_) => product(1),

        Op::Modal(ModalOp::BatchNorm { eps, .. }) => match judgement.mode {
            Mode::Train => normalize(Norm::Batch, *eps, channels, judgement),
            Mode::Eval => running(*eps, judgement),
        },
        Op::Normalize { norm, eps } => normalize(*norm, *eps, channels, judgement),
        Op::NormalizeRunning { eps } => running(*eps, judgement),

        Op::Class(op) => of_factor(op.homogeneity()),
        Op::Grad(op) => gradient(*op, channels, judgement),
    }
}

fn gradient(op: GradOp, channels: usize, judgement: Judgement) -> DegreeRule {
    match op {
        GradOp::PreluInput => DegreeRule {
            operands: exact(&[0, 1, 2]),
            demands: vec![Demand::Zero(1)],
            result: sum(&[(2, 1)]),
        },
        GradOp::PreluSlope => {
            DegreeRule { operands: exact(&[0, 2]), demands: vec![], result: sum(&[(0, 1), (2, 1)]) }
        }
        GradOp::Slice { .. } | GradOp::AvgPool { .. } => keep(),
        GradOp::LinearInput
        | GradOp::LinearWeight
        | GradOp::ConvInput { .. }
        | GradOp::ConvWeight { .. } => product(1),
        GradOp::MaxPool(_) => {
            DegreeRule { operands: exact(&[0, 1]), demands: vec![], result: sum(&[(1, 1)]) }
        }
        GradOp::Normalize { norm, eps } => {
            let mut rule = normalize(norm, eps, channels, judgement);
            rule.operands[0].view = View::Exact;
            rule.operands.push(Operand { port: 1, view: View::Exact });
            // The derivative in x of a function of degree 0 has degree −1.
            rule.result = sum(&[(1, 1), (0, -1)]);
            rule
        }
        GradOp::NormalizeRunning { eps } => DegreeRule {
            operands: exact(&[0, 1]),
            demands: if added(eps, judgement) { vec![Demand::Zero(1)] } else { vec![] },
            result: ResultDegree::Sum(vec![(0, Number::ONE), (1, Number::new(-1, 2))]),
        },
        // The direction of a singular vector ignores positive factors.
        GradOp::SpectralNorm => forget(),
    }
}

fn of_factor(homogeneity: Homogeneity) -> DegreeRule {
    match homogeneity {
        Homogeneity::Degree(1.0) => keep(),
        Homogeneity::Degree(degree) => Number::from_f64(degree).map_or_else(vanish, power),
        Homogeneity::Sign => forget(),
        Homogeneity::None => vanish(),
    }
}

fn binary(function: Binary) -> DegreeRule {
    match function {
        Binary::Add | Binary::Sub | Binary::Max | Binary::Min => DegreeRule {
            operands: exact(&[0, 1]),
            demands: vec![Demand::Equal(0, 1)],
            result: sum(&[(0, 1)]),
        },
        Binary::Mul => product(1),
        Binary::Div => product(-1),
        Binary::Pow => DegreeRule {
            operands: exact(&[0, 1]),
            demands: vec![Demand::Zero(0), Demand::Zero(1)],
            result: sum(&[]),
        },
        Binary::Ge | Binary::Gt | Binary::Eq => DegreeRule {
            operands: exact(&[0, 1]),
            demands: vec![Demand::Equal(0, 1)],
            result: sum(&[]),
        },
    }
}

fn normalize(norm: Norm, eps: f64, channels: usize, judgement: Judgement) -> DegreeRule {
    // Statistics of one channel subtract what it shares over samples and places and, without eps, divide by what is left of it;
    // statistics of several do so with what these channels share.
    let eps = added(eps, judgement);
    let alone = match norm {
        Norm::Batch => true,
        Norm::Layer => channels == 1,
        Norm::Group(groups) => channels == groups,
    };
    let view = match (alone, eps) {
        (true, false) => View::ChannelsShift,
        (true, true) => View::Shift,
        (false, _) => View::Exact,
    };
    DegreeRule {
        operands: vec![Operand { port: 0, view }],
        demands: if eps { vec![Demand::Zero(0)] } else { vec![] },
        result: sum(&[]),
    }
}

/// Given statistics do not follow the scale: x − mean needs equal degrees whatever eps is.
fn running(eps: f64, judgement: Judgement) -> DegreeRule {
    let mut demands = vec![Demand::Equal(0, 1)];
    if added(eps, judgement) {
        demands.push(Demand::Zero(2));
    }
    DegreeRule {
        operands: exact(&[0, 1, 2]),
        demands,
        result: ResultDegree::Sum(vec![(0, Number::ONE), (2, Number::new(-1, 2))]),
    }
}

fn added(eps: f64, judgement: Judgement) -> bool {
    eps != 0.0 && !judgement.limit
}

fn leaf(result: ResultDegree) -> DegreeRule {
    DegreeRule { operands: vec![], demands: vec![], result }
}

fn keep() -> DegreeRule {
    DegreeRule { operands: exact(&[0]), demands: vec![], result: sum(&[(0, 1)]) }
}

fn power(exponent: Number) -> DegreeRule {
    DegreeRule {
        operands: exact(&[0]),
        demands: vec![],
        result: ResultDegree::Sum(vec![(0, exponent)]),
    }
}

/// A function without a degree of its own: it takes degree 0 only.
fn vanish() -> DegreeRule {
    DegreeRule { operands: exact(&[0]), demands: vec![Demand::Zero(0)], result: sum(&[]) }
}

/// A function that ignores positive factors.
fn forget() -> DegreeRule {
    DegreeRule { operands: exact(&[0]), demands: vec![], result: sum(&[]) }
}

fn product(second: i64) -> DegreeRule {
    DegreeRule { operands: exact(&[0, 1]), demands: vec![], result: sum(&[(0, 1), (1, second)]) }
}

fn exact(ports: &[usize]) -> Vec<Operand> {
    ports.iter().map(|port| Operand { port: *port, view: View::Exact }).collect()
}

fn sum(terms: &[(usize, i64)]) -> ResultDegree {
    ResultDegree::Sum(terms.iter().map(|(port, factor)| (*port, Number::int(*factor))).collect())
}
