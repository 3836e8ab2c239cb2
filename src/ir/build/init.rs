//! How weights start: the names of the language as distributions with their numbers.

use crate::ir::Init;
use crate::model::Value;

/// Sizes that an initialisation depends on, counted as PyTorch does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fans {
    /// Inputs of one output.
    pub(super) inputs: usize,
    /// Outputs that one input reaches.
    pub(super) outputs: usize,
}

/// Starting distributions of weight and bias. A named initialisation lets biases start at 0.
pub(super) fn initial(init: &Value, fans: Fans) -> (Init, Init) {
    let inputs = fans.inputs as f64;
    let both = inputs + fans.outputs as f64;
    let (name, args) = match init {
        Value::Word(word) => (word.as_str(), &[][..]),
        Value::Call(call) => (call.name.as_str(), call.args.as_slice()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Text(_) | Value::List(_) => {
            ("default", &[][..])
        }
    };
    let number = args.first().and_then(|(_, value)| value.number()).unwrap_or(0.0);
    let weight = match name {
        "he_normal" => Init::Normal { deviation: (2.0 / inputs).sqrt() },
        "he_uniform" => Init::Uniform { bound: (6.0 / inputs).sqrt() },
        "xavier_uniform" => Init::Uniform { bound: (6.0 / both).sqrt() },
        "xavier_normal" => Init::Normal { deviation: (2.0 / both).sqrt() },
        "lecun_normal" => Init::Normal { deviation: (1.0 / inputs).sqrt() },
        "orthogonal" => Init::Orthogonal { gain: number },
        "truncated_normal" => Init::TruncatedNormal { deviation: number },
        "normal" => Init::Normal { deviation: number },
        "uniform" => Init::Uniform { bound: number },
        "zeros" => Init::Constant(0.0),
        "ones" => Init::Constant(1.0),
        "constant" => Init::Constant(number),
        _ => {
            let uniform = Init::Uniform { bound: 1.0 / inputs.sqrt() };
            return (uniform, uniform);
        }
    };
    (weight, Init::Constant(0.0))
}
