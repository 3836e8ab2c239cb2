//! Layers, initialisations and the options of a net.

use super::Default::{Bool, Float, Int, Like, None, Required, Word};
use super::{CallRow, ParamRow, Range, Type};

/// Sizes: positive, and small enough that products of a few of them stay in range of the checks.
const SIZE: Range = Range::Within(1.0, 9e18);

const FEATURES: ParamRow = ParamRow::new("features", Type::Int, Required, "features of the result")
    .positional()
    .within(SIZE);
const CHANNELS: ParamRow = ParamRow::new("channels", Type::Int, Required, "channels of the result")
    .positional()
    .within(SIZE);
const BIAS: ParamRow = ParamRow::new("bias", Type::Bool, Bool(true), "whether a bias is added");
const INIT: ParamRow = ParamRow::new(
    "init",
    Type::Init,
    Word("default"),
    "how weights start; see the initialisations",
);
const STRIDE: ParamRow =
    ParamRow::new("stride", Type::Pair, Int(1), "step between windows").within(SIZE);
const PAD: ParamRow = ParamRow::new(
    "pad",
    Type::Pad,
    Int(0),
    "zeros added on each side; `same` keeps the size at stride 1 and needs odd kernels",
)
.within(Range::AtLeast(0.0));
const KERNEL: ParamRow =
    ParamRow::new("kernel", Type::Pair, Required, "size of the window").within(SIZE);
const EPS: ParamRow = ParamRow::new("eps", Type::Float, Float(1e-5), "added to the variance")
    .within(Range::AtLeast(0.0));
const AFFINE: ParamRow =
    ParamRow::new("affine", Type::Bool, Bool(true), "whether a gain and a shift follow");
const POOL: &[ParamRow] = &[
    KERNEL.positional(),
    ParamRow::new("stride", Type::Pair, Like("kernel"), "step between windows").within(SIZE),
    ParamRow::new("pad", Type::Pair, Int(0), "padding on each side, at most half the window")
        .within(Range::AtLeast(0.0)),
];

pub(super) const LAYERS: &[CallRow] = &[
    CallRow {
        name: "linear",
        doc: "Fully connected layer: x Wᵀ + b.",
        params: &[FEATURES, BIAS, INIT],
    },
    CallRow {
        name: "conv",
        doc: "Cross-correlation over rows and columns with zero padding.",
        params: &[
            CHANNELS,
            KERNEL,
            STRIDE,
            PAD,
            ParamRow::new("groups", Type::Int, Int(1), "groups of channels that do not meet")
                .within(SIZE),
            BIAS,
            INIT,
        ],
    },
    CallRow {
        name: "depthwise_conv",
        doc: "Convolution of each channel on its own.",
        params: &[
            KERNEL.positional(),
            ParamRow::new("multiplier", Type::Int, Int(1), "results per channel").within(SIZE),
            STRIDE,
            PAD,
            BIAS,
            INIT,
        ],
    },
    CallRow {
        name: "batch_norm",
        doc: "Normalises each channel over the batch; running statistics in evaluation.",
        params: &[
            EPS,
            ParamRow::new(
                "momentum",
                Type::Float,
                Float(0.1),
                "share of the batch in the new running statistics",
            )
            .within(Range::Within(0.0, 1.0)),
            AFFINE,
        ],
    },
    CallRow {
        name: "layer_norm",
        doc: "Normalises all elements of a sample together.",
        params: &[EPS, AFFINE],
    },
    CallRow {
        name: "group_norm",
        doc: "Normalises groups of channels of a sample.",
        params: &[
            ParamRow::new("groups", Type::Int, Required, "number of groups")
                .positional()
                .within(SIZE),
            EPS,
            AFFINE,
        ],
    },
    CallRow { name: "relu", doc: "max(x, 0).", params: &[] },
    CallRow {
        name: "leaky_relu",
        doc: "x where x > 0, else slope · x.",
        params: &[ParamRow::new("slope", Type::Float, Float(0.01), "slope below 0").positional()],
    },
    CallRow { name: "abs", doc: "Absolute value.", params: &[] },
    CallRow {
        name: "prelu",
        doc: "leaky_relu with a trained slope.",
        params: &[
            ParamRow::new("slope", Type::Float, Float(0.25), "slope at the start").positional(),
            ParamRow::new("per_channel", Type::Bool, Bool(false), "one slope per channel"),
        ],
    },
    CallRow { name: "tanh", doc: "Hyperbolic tangent.", params: &[] },
    CallRow { name: "sigmoid", doc: "1 / (1 + e⁻ˣ).", params: &[] },
    CallRow { name: "gelu", doc: "x Φ(x), exact.", params: &[] },
    CallRow { name: "silu", doc: "x · sigmoid(x).", params: &[] },
    CallRow { name: "softmax", doc: "Softmax over the features.", params: &[] },
    CallRow { name: "identity", doc: "x itself.", params: &[] },
    CallRow { name: "max_pool", doc: "Maximum of each window.", params: POOL },
    CallRow {
        name: "avg_pool",
        doc: "Mean of each window, padding counted as zeros.",
        params: POOL,
    },
    CallRow {
        name: "global_avg_pool",
        doc: "Mean over rows and columns: [n, c, h, w] to [n, c].",
        params: &[],
    },
    CallRow { name: "flatten", doc: "All elements of a sample in a row.", params: &[] },
    CallRow {
        name: "reshape",
        doc: "The same elements under another shape.",
        params: &[ParamRow::new("shape", Type::Shape, Required, "shape of one sample")
            .positional()
            .within(SIZE)],
    },
    CallRow {
        name: "dropout",
        doc: "Zeroes elements at random while training and scales the others up.",
        params: &[ParamRow::new("p", Type::Float, Float(0.5), "probability of a zero")
            .positional()
            .within(Range::From(0.0, 1.0))],
    },
    CallRow { name: "add", doc: "Sum of branches of equal shape; `+` is the same.", params: &[] },
    CallRow {
        name: "mul",
        doc: "Elementwise product of branches of equal shape; `*` is the same.",
        params: &[],
    },
    CallRow { name: "concat", doc: "Branches joined along channels or features.", params: &[] },
];

const STD: ParamRow = ParamRow::new("std", Type::Float, Float(0.02), "standard deviation")
    .positional()
    .within(Range::AtLeast(0.0));

pub(super) const INITS: &[CallRow] = &[
    CallRow {
        name: "default",
        doc: "PyTorch's: weights and biases uniform on ±1/√fan_in.",
        params: &[],
    },
    CallRow { name: "he_normal", doc: "Normal, deviation √(2/fan_in).", params: &[] },
    CallRow { name: "he_uniform", doc: "Uniform on ±√(6/fan_in).", params: &[] },
    CallRow { name: "xavier_uniform", doc: "Uniform on ±√(6/(fan_in + fan_out)).", params: &[] },
    CallRow {
        name: "xavier_normal",
        doc: "Normal, deviation √(2/(fan_in + fan_out)).",
        params: &[],
    },
    CallRow { name: "lecun_normal", doc: "Normal, deviation √(1/fan_in).", params: &[] },
    CallRow {
        name: "orthogonal",
        doc: "A (semi-)orthogonal matrix, seen as out × rest.",
        params: &[ParamRow::new("gain", Type::Float, Float(1.0), "factor").positional()],
    },
    CallRow {
        name: "truncated_normal",
        doc: "Normal, redrawn beyond two deviations.",
        params: &[STD],
    },
    CallRow { name: "normal", doc: "Normal.", params: &[STD] },
    CallRow {
        name: "uniform",
        doc: "Uniform on ±bound.",
        params: &[ParamRow::new("bound", Type::Float, Required, "the bound")
            .positional()
            .within(Range::AtLeast(0.0))],
    },
    CallRow { name: "zeros", doc: "All 0.", params: &[] },
    CallRow { name: "ones", doc: "All 1.", params: &[] },
    CallRow {
        name: "constant",
        doc: "All equal.",
        params: &[ParamRow::new("value", Type::Float, Required, "the value").positional()],
    },
];

/// One row: the options that a net hands to its layers, and its permissions.
pub(super) const NET: &[CallRow] = &[CallRow {
    name: "net",
    doc: "Defaults for the layers of the net, and what the net allows itself.",
    params: &[
        INIT,
        BIAS,
        EPS,
        ParamRow::new("momentum", Type::Float, Float(0.1), "momentum of `batch_norm`")
            .within(Range::Within(0.0, 1.0)),
        AFFINE,
        ParamRow::new(
            "allow",
            Type::Permissions,
            None,
            "`[nonhomogeneous]`: layers that break degree one under a scale-based loss",
        ),
    ],
}];
