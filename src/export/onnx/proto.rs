//! The messages of ONNX, as far as they are written. Field numbers are those of the published schema, `onnx.proto`.

use prost::{Message, Oneof};

/// `onnx.ModelProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// The program that wrote it.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// Its version.
    #[prost(string, optional, tag = "3")]
    pub producer_version: Option<String>,
    /// What it is, in words.
    #[prost(string, optional, tag = "6")]
    pub doc_string: Option<String>,
    /// The net.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Versions of the operators.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Anything else, by name.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}

/// `onnx.OperatorSetIdProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OperatorSet {
    /// Empty for the operators of ONNX itself.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// The version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// `onnx.StringStringEntryProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entry {
    /// The name.
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    /// What it has.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// `onnx.GraphProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// Operators, operands first.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// The name of the net.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// Parameters and constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// What goes in.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// `onnx.NodeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of values.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of values.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// The layer.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// The operator.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// Its attributes.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

/// `onnx.AttributeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// The name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// A number.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// One of [`Attribute::FLOAT`], [`Attribute::INT`] and [`Attribute::INTS`].
    #[prost(int32, optional, tag = "20")]
    pub r#type: Option<i32>,
}

impl Attribute {
    /// `AttributeType.FLOAT`.
    pub const FLOAT: i32 = 1;
    /// `AttributeType.INT`.
    pub const INT: i32 = 2;
    /// `AttributeType.INTS`.
    pub const INTS: i32 = 7;

    fn new(name: &str, kind: i32) -> Self {
        Self { name: Some(name.to_owned()), r#type: Some(kind), ..Self::default() }
    }

    /// A number.
    pub fn float(name: &str, value: f64) -> Self {
        Self { f: Some(value as f32), ..Self::new(name, Self::FLOAT) }
    }

    /// A whole number.
    pub fn int(name: &str, value: usize) -> Self {
        Self { i: Some(value as i64), ..Self::new(name, Self::INT) }
    }

    /// Whole numbers.
    pub fn ints(name: &str, values: &[usize]) -> Self {
        let ints = values.iter().map(|value| *value as i64).collect();
        Self { ints, ..Self::new(name, Self::INTS) }
    }
}

/// `onnx.TensorProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Tensor {
    /// The shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// [`Tensor::FLOAT`] or [`Tensor::INT64`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// The name.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// The elements, little endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
}

impl Tensor {
    /// `DataType.FLOAT`.
    pub const FLOAT: i32 = 1;
    /// `DataType.INT64`.
    pub const INT64: i32 = 7;
}

/// `onnx.ValueInfoProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ValueInfo {
    /// The name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Element type and shape.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// `onnx.TypeProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Type {
    /// That of a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// `onnx.TypeProto.Tensor`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TensorType {
    /// As [`Tensor::data_type`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// The shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
}

/// `onnx.TensorShapeProto`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TensorShape {
    /// The sizes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// `onnx.TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Dimension {
    /// The size.
    #[prost(oneof = "Size", tags = "1, 2")]
    pub value: Option<Size>,
}

/// A size that is known, or has a name.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum Size {
    /// So many.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// Any number, the same wherever the name stands.
    #[prost(string, tag = "2")]
    Param(String),
}
