//! Compile-time values.

/// A compile-time value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A word such as `he_normal`.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// An initialisation with its arguments.
    Call(CallValue),
    /// A list, or a range.
    List(Vec<Value>),
}

/// A call that stays a value: `truncated_normal(std=0.02)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallValue {
    /// The name.
    pub name: String,
    /// All arguments with their keys, in the order of the table.
    pub args: Vec<(String, Value)>,
}

impl Value {
    /// The number, of an integer or a real.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bool(_) | Self::Word(_) | Self::Text(_) | Self::Call(_) | Self::List(_) => None,
        }
    }

    /// As short as it can be told: `160`, `he_normal`, `[3, 3]`.
    pub fn short(&self) -> String {
        match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Word(text) | Self::Text(text) => text.clone(),
            Self::Call(call) => call.name.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::short).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }

    /// The items of a list, or the value alone.
    pub fn items(&self) -> Vec<&Self> {
        if let Self::List(items) = self { items.iter().collect() } else { vec![self] }
    }

    /// The integer.
    pub fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// The integer as a size, unless it is negative.
    pub fn size(&self) -> Option<usize> {
        self.int().and_then(|value| usize::try_from(value).ok())
    }

    /// The boolean.
    pub fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The word.
    pub fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }

    /// The text in quotes.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}
