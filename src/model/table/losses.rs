//! Losses: plain ones, and the forms that scale the logits first.

use super::Default::{Float, Formula, None, Required, Word};
use super::{CallRow, ParamRow, Range, Type};

const SIZE: ParamRow = ParamRow::new(
    "size",
    Type::Word(&["weights", "layer", "spectral", "derived"]),
    Word("derived"),
    "what R is made of",
);
const DIVISOR: ParamRow = ParamRow::new(
    "divisor",
    Type::Word(&["current", "detached", "initial"]),
    Word("current"),
    "which R divides the logits",
);
const SCALE_LR: ParamRow = ParamRow::new(
    "scale_lr",
    Type::Float,
    Float(1.0),
    "learning rate of the scales as a multiple of `lr`",
)
.within(Range::AtLeast(0.0));
const BASE: ParamRow =
    ParamRow::new("base", Type::Loss, Word("cross_entropy"), "the loss of the scaled logits");
const R1: ParamRow =
    ParamRow::new("r1", Type::Scale, Formula("trainable(R)"), "scale of the logits")
        .within(Range::Above(0.0));

pub(super) const LOSSES: &[CallRow] = &[
    CallRow {
        name: "cross_entropy",
        doc: "−log p_y (4); −Σ w_c q_c log p_c over the sum of w_y with smoothed targets q or weights w.",
        params: &[
            ParamRow::new(
                "label_smoothing",
                Type::Float,
                Float(0.0),
                "share of the target that all classes divide between them",
            )
            .within(Range::From(0.0, 1.0)),
            ParamRow::new("weights", Type::Floats, None, "one number for each class; else 1")
                .within(Range::Above(0.0)),
        ],
    },
    CallRow {
        name: "weighted_cross_entropy",
        doc: "−w_y log p_y, the mean over samples.",
        params: &[ParamRow::new("weights", Type::Floats, Required, "one number for each class")
            .positional()
            .within(Range::Above(0.0))],
    },
    CallRow {
        name: "truncated",
        doc: "−log max(p_y, k) (12); no gradient where p_y < k.",
        params: &[ParamRow::new("k", Type::Float, Required, "floor of the probability")
            .positional()
            .within(Range::Inside(0.0, 1.0))],
    },
    CallRow { name: "mse", doc: "Σ (p_i − [i = y])².", params: &[] },
    CallRow { name: "hinge", doc: "max(0, 1 − margin).", params: &[] },
    CallRow { name: "sparsemax", doc: "Sparsemax loss (Martins and Astudillo 2016).", params: &[] },
    CallRow {
        name: "focal",
        doc: "−(1 − p_y)^gamma log p_y.",
        params: &[ParamRow::new("gamma", Type::Float, Float(2.0), "weight of hard samples")
            .positional()
            .within(Range::AtLeast(0.0))],
    },
    CallRow {
        name: "generalized_cross_entropy",
        doc: "(1 − p_y^q) / q: from cross-entropy (q → 0) to mean absolute error (q = 1).",
        params: &[ParamRow::new("q", Type::Float, Float(0.7), "how little hard samples count")
            .positional()
            .within(Range::Until(0.0, 1.0))],
    },
    CallRow {
        name: "tamed_cross_entropy",
        doc: "((1 − log p_y)^(1 − alpha) − 1) / (1 − alpha); log(1 − log p_y) at alpha = 1.",
        params: &[ParamRow::new("alpha", Type::Float, Required, "0 is cross-entropy")
            .positional()
            .within(Range::AtLeast(0.0))],
    },
    CallRow {
        name: "mellowmax",
        doc: "log(mean exp(omega a)) / omega − a_y: mellowmax in place of log-sum-exp.",
        params: &[ParamRow::new(
            "omega",
            Type::Float,
            Float(1.0),
            "towards the mean at 0, the maximum at ∞",
        )
        .positional()
        .within(Range::Above(0.0))],
    },
    CallRow {
        name: "taylor_softmax",
        doc: "−log p_y with p in proportion to 1 + a + a²/2.",
        params: &[],
    },
    CallRow {
        name: "spherical_softmax",
        doc: "−log p_y with p in proportion to a² + eps.",
        params: &[ParamRow::new(
            "eps",
            Type::Float,
            Float(0.001),
            "keeps logits of 0 from probability 0",
        )
        .positional()
        .within(Range::Above(0.0))],
    },
    CallRow {
        name: "single_scale",
        doc: "base(r1 z / R): (13) with R2 := R1.",
        params: &[R1, BASE, SIZE, DIVISOR, SCALE_LR],
    },
    CallRow {
        name: "two_scale",
        doc: "base(r z / R) with r = r2 on well-classified samples, else r1 (13); with `lambda`, base(λ z) on those, else base(z) (17).",
        params: &[
            ParamRow::new(
                "delta",
                Type::Float,
                Required,
                "margin from which a sample is well classified",
            )
            .positional()
            .within(Range::AtLeast(0.0)),
            R1,
            ParamRow::new(
                "r2",
                Type::Scale,
                Formula("trainable(10 * r1)"),
                "scale on well-classified samples",
            )
            .within(Range::Above(0.0)),
            ParamRow::new(
                "lambda",
                Type::Scale,
                None,
                "selects the separation form; 10 at the start",
            )
            .within(Range::Above(0.0)),
            BASE,
            ParamRow::new(
                "on",
                Type::Word(&["raw", "normalized"]),
                Word("raw"),
                "what delta is compared with: m, or m / R",
            ),
            SIZE,
            DIVISOR,
            SCALE_LR,
        ],
    },
];
