//! Element-wise functions.

/// Element-wise functions of one operand; derivative values at kinks are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// −x.
    Neg,
    /// |x|; derivative 0 at 0.
    Abs,
    /// eˣ.
    Exp,
    /// ln x.
    Log,
    /// √x.
    Sqrt,
    /// x².
    Square,
    /// xᵖ with a constant exponent.
    Power(f64),
    /// −1, 0 or 1.
    Sign,
    /// 1 where x > 0, else 0.
    Step,
    /// max(x, 0); derivative 0 at 0.
    Relu,
    /// x where x > 0, else slope · x; derivative slope at 0.
    LeakyRelu(f64),
    /// 1 where x > 0, else slope.
    LeakyStep(f64),
    /// tanh x.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x Φ(x), exact.
    Gelu,
    /// Φ(x) + x φ(x).
    GeluGrad,
    /// x · sigmoid(x).
    Silu,
    /// Derivative of silu.
    SiluGrad,
}

/// Element-wise functions of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger; a tie gives the gradient to a.
    Max,
    /// The smaller; a tie gives the gradient to a.
    Min,
    /// aᵇ for a ≥ 0, or integer b; no gradient in b.
    Pow,
    /// 1 where a ≥ b; no gradient.
    Ge,
    /// 1 where a > b; no gradient.
    Gt,
    /// 1 where a = b; no gradient.
    Eq,
}

impl Unary {
    /// The word for the function in texts of graphs and plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Square => "square",
            Self::Power(_) => "power",
            Self::Sign => "sign",
            Self::Step => "step",
            Self::Relu => "relu",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::LeakyStep(_) => "leaky_step",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Gelu => "gelu",
            Self::GeluGrad => "gelu_grad",
            Self::Silu => "silu",
            Self::SiluGrad => "silu_grad",
        }
    }

    /// The attributes after the word.
    pub(super) fn attributes(self) -> String {
        match self {
            Self::Power(exponent) => format!("exponent={exponent}"),
            Self::LeakyRelu(slope) | Self::LeakyStep(slope) => format!("slope={slope}"),
            Self::Neg
            | Self::Abs
            | Self::Exp
            | Self::Log
            | Self::Sqrt
            | Self::Square
            | Self::Sign
            | Self::Step
            | Self::Relu
            | Self::Tanh
            | Self::Sigmoid
            | Self::Gelu
            | Self::GeluGrad
            | Self::Silu
            | Self::SiluGrad => String::new(),
        }
    }

    /// The word users know the function by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Neg => "`-`",
            Self::Abs => "`abs`",
            Self::Exp => "`exp`",
            Self::Log => "`log`",
            Self::Sqrt => "`sqrt`",
            Self::Square => "a square",
            Self::Power(_) => "a power",
            Self::Sign | Self::Step | Self::LeakyStep(_) => "a step",
            Self::Relu => "`relu`",
            Self::LeakyRelu(_) => "`leaky_relu`",
            Self::Tanh => "`tanh`",
            Self::Sigmoid => "`sigmoid`",
            Self::Gelu | Self::GeluGrad => "`gelu`",
            Self::Silu | Self::SiluGrad => "`silu`",
        }
    }
}

impl Binary {
    /// The word for the function in texts of graphs and plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Max => "max",
            Self::Min => "min",
            Self::Pow => "pow",
            Self::Ge => "ge",
            Self::Gt => "gt",
            Self::Eq => "eq",
        }
    }

    /// The word users know the function by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "`+`",
            Self::Sub => "`-`",
            Self::Mul => "`*`",
            Self::Div => "`/`",
            Self::Max => "`max`",
            Self::Min => "`min`",
            Self::Pow => "`^`",
            Self::Ge | Self::Gt | Self::Eq => "a comparison",
        }
    }
}
