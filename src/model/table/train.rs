//! Optimisers, schedules, and the keys of `train` and `analyze`.

use super::Default::{Bool, Float, Int, None, Required, Word};
use super::{CallRow, ParamRow, Range, Type};

const fn lr(default: f64) -> ParamRow {
    ParamRow::new("lr", Type::Float, Float(default), "learning rate before the schedule")
        .within(Range::Above(0.0))
}

const fn weight_decay(default: f64, doc: &'static str) -> ParamRow {
    ParamRow::new("weight_decay", Type::Float, Float(default), doc).within(Range::AtLeast(0.0))
}

const SCHEDULE: ParamRow =
    ParamRow::new("schedule", Type::Schedule, Word("constant"), "how the learning rate changes");
const WARMUP: ParamRow =
    ParamRow::new("warmup", Type::Int, Int(0), "steps over which the learning rate rises linearly")
        .within(Range::AtLeast(0.0));
const BETA1: ParamRow = ParamRow::new("beta1", Type::Float, Float(0.9), "decay of the mean")
    .within(Range::From(0.0, 1.0));
const BETA2: ParamRow = ParamRow::new("beta2", Type::Float, Float(0.999), "decay of the square")
    .within(Range::From(0.0, 1.0));
const ADAM_EPS: ParamRow =
    ParamRow::new("eps", Type::Float, Float(1e-8), "added to the root").within(Range::Above(0.0));
const INNER: ParamRow =
    ParamRow::new("optimizer", Type::Optimizer, Required, "the update rule").positional();

const fn rho(default: f64) -> ParamRow {
    ParamRow::new("rho", Type::Float, Float(default), "radius of the perturbation")
        .within(Range::Above(0.0))
}

pub(super) const OPTIMIZERS: &[CallRow] = &[
    CallRow {
        name: "sgd",
        doc: "Gradient descent with momentum in PyTorch's semantics.",
        params: &[
            lr(0.1),
            ParamRow::new("momentum", Type::Float, Float(0.0), "share of the last step kept")
                .within(Range::From(0.0, 1.0)),
            ParamRow::new("nesterov", Type::Bool, Bool(false), "look ahead; needs momentum"),
            weight_decay(0.0, "added to the gradient times w, not for scales of the loss"),
            SCHEDULE,
            WARMUP,
        ],
    },
    CallRow {
        name: "adam",
        doc: "Adam; weight decay in the gradient.",
        params: &[
            lr(0.001),
            BETA1,
            BETA2,
            ADAM_EPS,
            weight_decay(0.0, "added to the gradient times w"),
            SCHEDULE,
            WARMUP,
        ],
    },
    CallRow {
        name: "adamw",
        doc: "Adam with decoupled weight decay.",
        params: &[
            lr(0.001),
            BETA1,
            BETA2,
            ADAM_EPS,
            weight_decay(0.01, "w −= lr · weight_decay · w before the step"),
            SCHEDULE,
            WARMUP,
        ],
    },
    CallRow {
        name: "sam",
        doc: "Sharpness-aware minimisation around an optimiser.",
        params: &[INNER, rho(0.05)],
    },
    CallRow {
        name: "asam",
        doc: "Adaptive sharpness-aware minimisation around an optimiser.",
        params: &[
            INNER,
            rho(0.5),
            ParamRow::new("eta", Type::Float, Float(0.01), "added to |w|")
                .within(Range::AtLeast(0.0)),
        ],
    },
];

pub(super) const SCHEDULES: &[CallRow] = &[
    CallRow { name: "constant", doc: "lr.", params: &[] },
    CallRow { name: "cosine", doc: "½ (1 + cos(π t / T)) · lr.", params: &[] },
    CallRow {
        name: "step",
        doc: "gamma per milestone passed.",
        params: &[
            ParamRow::new(
                "milestones",
                Type::Ints,
                Required,
                "epochs after which the rate drops, ascending",
            )
            .positional()
            .within(Range::AtLeast(1.0)),
            ParamRow::new("gamma", Type::Float, Float(0.1), "the factor").within(Range::Above(0.0)),
        ],
    },
];

/// Seeds of one command: more is a slip of the keyboard.
pub(super) const MAX_SEEDS: f64 = 100_000.0;

pub(super) const TRAIN: &[CallRow] = &[CallRow {
    name: "train",
    doc: "How long, in which batches and from which seeds.",
    params: &[
        ParamRow::new("batch", Type::Int, Int(128), "samples per step")
            .within(Range::Within(1.0, 1e6)),
        ParamRow::new(
            "last_batch",
            Type::Word(&["keep", "drop"]),
            Word("keep"),
            "what becomes of the samples of an epoch that do not fill a batch",
        ),
        ParamRow::new("epochs", Type::Int, Int(10), "passes over the training set")
            .within(Range::Within(1.0, 1e9)),
        ParamRow::new("steps", Type::Int, None, "training steps, in place of `epochs`")
            .within(Range::Within(1.0, 1e12)),
        ParamRow::new(
            "clip",
            Type::Float,
            None,
            "largest norm of the gradient; a longer one is shortened",
        )
        .within(Range::Above(0.0)),
        ParamRow::new("ema", Type::Float, None, "share of the averaged weights that a step keeps")
            .within(Range::Inside(0.0, 1.0)),
        ParamRow::new(
            "keep",
            Type::Keep,
            Word("last"),
            "which weights are kept: those of the end, or beside them those of the best epoch",
        ),
        ParamRow::new(
            "patience",
            Type::Int,
            None,
            "epochs without a better one behind which training ends; needs `keep = best(…)`",
        )
        .within(Range::Within(1.0, 1e9)),
        ParamRow::new("seeds", Type::Seeds, Int(0), "seeds to run one after the other")
            .within(Range::Within(0.0, MAX_SEEDS)),
        ParamRow::new(
            "well_delta",
            Type::Float,
            None,
            "margin of the `well` column for losses without a delta",
        )
        .within(Range::AtLeast(0.0)),
    ],
}];

pub(super) const ANALYZE: &[CallRow] = &[CallRow {
    name: "analyze",
    doc: "What is measured besides the summary.",
    params: &[
        ParamRow::new("a", Type::Floats, None, "gaps of close-enough")
            .within(Range::Within(0.0, 1.0)),
        ParamRow::new("eta", Type::Floats, None, "thresholds of the margin"),
        ParamRow::new("mu", Type::Floats, None, "thresholds of the normalised margin")
            .within(Range::AtLeast(0.0)),
        ParamRow::new("k", Type::Ints, None, "ranks of top-k").within(Range::AtLeast(1.0)),
        ParamRow::new("conserved", Type::Flag, None, "log conserved quantities while training"),
    ],
}];
