//! How PyTorch writes the functions of one operand.

use super::text::float;
use crate::ir::Unary;

/// How a function is written.
pub(super) enum Written {
    /// `-x`.
    Sign,
    /// `x ** exponent`.
    Power(f64),
    /// A mask: `x > 0` as numbers.
    Positive,
    /// A method of the tensor, as `x.exp()`, which is a function of torch too.
    Method(&'static str),
    /// A function with what follows its operand, as `F.relu(x)`.
    Call(&'static str, String),
}

/// How `function` is written.
pub(super) fn written(function: Unary) -> Written {
    let call = |name| Written::Call(name, String::new());
    match function {
        Unary::Neg => Written::Sign,
        Unary::Power(exponent) => Written::Power(exponent),
        Unary::Step => Written::Positive,
        Unary::Abs | Unary::Exp | Unary::Log | Unary::Sqrt | Unary::Square => {
            Written::Method(function.name())
        }
        Unary::Sign => call("torch.sign"),
        Unary::Relu => call("F.relu"),
        Unary::LeakyRelu(slope) => Written::Call("F.leaky_relu", format!(", {}", float(slope))),
        Unary::Tanh => call("torch.tanh"),
        Unary::Sigmoid => call("torch.sigmoid"),
        Unary::Gelu => call("F.gelu"),
        Unary::Silu => call("F.silu"),
        Unary::LeakyStep(_) | Unary::GeluGrad | Unary::SiluGrad => {
            unreachable!("it is a derivative")
        }
    }
}
