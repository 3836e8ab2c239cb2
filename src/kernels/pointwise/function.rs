//! The functions that chains are made of.

/// An element-wise function; operands a, b, c in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// a.
    Copy,
    /// −a.
    Neg,
    /// |a|.
    Abs,
    /// eᵃ.
    Exp,
    /// ln a.
    Log,
    /// √a.
    Sqrt,
    /// a².
    Square,
    /// aᵖ with a constant exponent, element by element in double precision.
    Power(f64),
    /// −1, 0 or 1; NaN stays.
    Sign,
    /// 1 where a > 0, else 0.
    Step,
    /// max(a, 0); NaN stays.
    Relu,
    /// a where a > 0, else slope · a.
    LeakyRelu(f32),
    /// 1 where a > 0, else slope.
    LeakyStep(f32),
    /// tanh a.
    Tanh,
    /// 1 / (1 + e⁻ᵃ).
    Sigmoid,
    /// a Φ(a).
    Gelu,
    /// Φ(a) + a φ(a).
    GeluGrad,
    /// a · sigmoid(a).
    Silu,
    /// Derivative of silu.
    SiluGrad,
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// aᵇ, element by element in double precision.
    Pow,
    /// 1 where a ≥ b, else 0.
    Ge,
    /// 1 where a > b, else 0.
    Gt,
    /// 1 where a = b, else 0.
    Eq,
    /// b where a is not 0, else c.
    Select,
}

/// Operands that a function has.
pub fn arity(function: Function) -> usize {
    match function {
        Function::Copy
        | Function::Neg
        | Function::Abs
        | Function::Exp
        | Function::Log
        | Function::Sqrt
        | Function::Square
        | Function::Power(_)
        | Function::Sign
        | Function::Step
        | Function::Relu
        | Function::LeakyRelu(_)
        | Function::LeakyStep(_)
        | Function::Tanh
        | Function::Sigmoid
        | Function::Gelu
        | Function::GeluGrad
        | Function::Silu
        | Function::SiluGrad => 1,
        Function::Add
        | Function::Sub
        | Function::Mul
        | Function::Div
        | Function::Max
        | Function::Min
        | Function::Pow
        | Function::Ge
        | Function::Gt
        | Function::Eq => 2,
        Function::Select => 3,
    }
}
