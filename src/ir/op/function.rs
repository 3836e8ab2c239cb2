//! Element-wise functions: their names, their values, and how they take a positive factor. What the compiler and every analysis
//! know of one stands here; its gradient, its kernels and its layer name it besides.

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

/// What an element-wise function does to a positive factor of its operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Homogeneity {
    /// f(c x) = cᵈ f(x).
    Degree(f64),
    /// f(c x) = f(x): only the sign matters.
    Sign,
    /// No power of c comes out.
    None,
}

impl Unary {
    /// The activation that a layer of this name applies; `slope` is the argument of `leaky_relu`.
    pub fn activation(name: &str, slope: Option<f64>) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "leaky_relu" => Self::LeakyRelu(slope?),
            "abs" => Self::Abs,
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            "gelu" => Self::Gelu,
            "silu" => Self::Silu,
            _ => return None,
        })
    }

    /// The value in double precision, by library functions that give the same bits everywhere. NaN stays NaN, but where only
    /// the sign matters.
    pub fn eval(self, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
        let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        match self {
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Exp => libm::exp(x),
            Self::Log => libm::log(x),
            Self::Sqrt => x.sqrt(),
            Self::Square => x * x,
            Self::Power(power) => libm::pow(x, power),
            Self::Sign => f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
            Self::Step => f64::from(u8::from(x > 0.0)),
            Self::Relu if x > 0.0 || x.is_nan() => x,
            Self::Relu => 0.0,
            Self::LeakyRelu(_) if x > 0.0 => x,
            Self::LeakyRelu(slope) => slope * x,
            Self::LeakyStep(_) if x > 0.0 => 1.0,
            Self::LeakyStep(slope) => slope,
            Self::Tanh => libm::tanh(x),
            Self::Sigmoid => sigmoid(x),
            Self::Gelu => x * normal(x),
            Self::GeluGrad => {
                let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
                normal(x) + x * density
            }
            Self::Silu => x * sigmoid(x),
            Self::SiluGrad => sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
        }
    }

    /// What it does to a positive factor.
    pub fn homogeneity(self) -> Homogeneity {
        match self {
            Self::Neg | Self::Abs | Self::Relu | Self::LeakyRelu(_) => Homogeneity::Degree(1.0),
            Self::Sqrt => Homogeneity::Degree(0.5),
            Self::Square => Homogeneity::Degree(2.0),
            Self::Power(power) => Homogeneity::Degree(power),
            Self::Sign | Self::Step | Self::LeakyStep(_) => Homogeneity::Sign,
            Self::Exp
            | Self::Log
            | Self::Tanh
            | Self::Sigmoid
            | Self::Gelu
            | Self::GeluGrad
            | Self::Silu
            | Self::SiluGrad => Homogeneity::None,
        }
    }

    /// Whether it is 0 at 0, whatever its attributes.
    pub fn keeps_zero(self) -> bool {
        !matches!(self, Self::Power(_) | Self::LeakyStep(_)) && self.eval(0.0) == 0.0
    }

    /// Whether it is an activation of a layer that has no degree.
    pub fn is_smooth_activation(self) -> bool {
        let of_layer = Self::activation(self.name(), Some(0.0)).is_some();
        of_layer && self.homogeneity() == Homogeneity::None
    }

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

    /// The exponent or slope of those that have one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Power(number) | Self::LeakyRelu(number) | Self::LeakyStep(number) => Some(number),
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
            | Self::SiluGrad => None,
        }
    }

    /// The attributes after the word.
    pub(super) fn attributes(self) -> String {
        let name = if matches!(self, Self::Power(_)) { "exponent" } else { "slope" };
        self.number().map_or_else(String::new, |number| format!("{name}={number}"))
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
    /// The value in double precision. A NaN wins over every number in `Max` and `Min`.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Max if a >= b || a.is_nan() => a,
            Self::Min if a <= b || a.is_nan() => a,
            Self::Max | Self::Min => b,
            Self::Pow => libm::pow(a, b),
            Self::Ge => truth(a >= b),
            Self::Gt => truth(a > b),
            Self::Eq => truth((a - b).abs() <= 0.0 || a.to_bits() == b.to_bits()),
        }
    }

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
