//! Data sources and augmentations.

use super::Default::{Bool, Float, Formula, Int, None, Required, Word};
use super::{CallRow, ParamRow, Range, Type};

const NORMALIZE: ParamRow = ParamRow::new(
    "normalize",
    Type::Word(&["unit", "half", "standard"]),
    Word("unit"),
    "x / 255, (x / 255 − 0.5) / 0.5, or minus the training mean and divided by its deviation",
);
const AUGMENT: ParamRow =
    ParamRow::new("augment", Type::Augment, None, "random changes of the training images");
const COUNT: Range = Range::Within(1.0, 4e9);
const SUBSET: ParamRow =
    ParamRow::new("subset", Type::Int, None, "only the first N training samples").within(COUNT);
const TEST_SUBSET: ParamRow =
    ParamRow::new("test_subset", Type::Int, None, "only the first N test samples").within(COUNT);
const SHUFFLE: ParamRow = ParamRow::new(
    "shuffle",
    Type::Bool,
    Bool(true),
    "a new order of the training samples each epoch",
);
const CLASSES: ParamRow =
    ParamRow::new("classes", Type::Int, None, "number of classes; else what the labels show")
        .within(Range::Within(2.0, 16_777_216.0));
const LABEL_BASE: ParamRow =
    ParamRow::new("label_base", Type::Int, Int(0), "the label of class 0: 0 or 1")
        .within(Range::Within(0.0, 1.0));
const VAL: ParamRow = ParamRow::new(
    "val",
    Type::Part,
    None,
    "part of the training samples that is held out to choose by",
)
.within(Range::Inside(0.0, 1.0));
const LABEL_NOISE: ParamRow =
    ParamRow::new("label_noise", Type::LabelNoise, None, "wrong labels among the training samples");
const PLAIN: &[ParamRow] = &[NORMALIZE, AUGMENT, SUBSET, TEST_SUBSET, VAL, LABEL_NOISE, SHUFFLE];

const RATE: ParamRow = ParamRow::new("rate", Type::Float, Required, "probability of another label")
    .positional()
    .within(Range::Until(0.0, 1.0));
const NOISE_SEED: ParamRow =
    ParamRow::new("seed", Type::Int, Int(0), "seed of the draws").within(Range::AtLeast(0.0));

pub(super) const NOISES: &[CallRow] = &[
    CallRow {
        name: "symmetric",
        doc: "Each sample gets, with this probability, one of the other classes.",
        params: &[RATE, NOISE_SEED],
    },
    CallRow {
        name: "pairs",
        doc: "Each sample gets, with this probability, the next class; behind the last comes the first.",
        params: &[RATE, NOISE_SEED],
    },
];

pub(super) const SOURCES: &[CallRow] = &[
    CallRow { name: "digits", doc: "1,797 digits of 8 × 8 pixels, built in.", params: PLAIN },
    CallRow { name: "mnist", doc: "MNIST, 28 × 28 pixels, 10 classes.", params: PLAIN },
    CallRow { name: "cifar10", doc: "CIFAR-10, 3 × 32 × 32, 10 classes.", params: PLAIN },
    CallRow {
        name: "cifar100",
        doc: "CIFAR-100, 3 × 32 × 32, 100 classes in 20 super-classes.",
        params: &[
            NORMALIZE,
            AUGMENT,
            SUBSET,
            TEST_SUBSET,
            VAL,
            LABEL_NOISE,
            SHUFFLE,
            ParamRow::new("coarse", Type::Bool, Bool(false), "the 20 super-classes as labels"),
        ],
    },
    CallRow {
        name: "csv",
        doc: "A table: one row a sample, one column the label.",
        params: &[
            ParamRow::new("file", Type::Text, Required, "the training rows").positional(),
            ParamRow::new(
                "test",
                Type::TestTable,
                Float(0.2),
                "the test rows: a file, or a part of the rows",
            )
            .within(Range::Inside(0.0, 1.0)),
            ParamRow::new("label", Type::Text, None, "label column by name; else the last"),
            ParamRow::new(
                "header",
                Type::Bool,
                None,
                "whether the first row is a header; else by its look",
            ),
            CLASSES,
            LABEL_BASE,
            ParamRow::new(
                "delimiter",
                Type::Text,
                Formula("\",\""),
                "what stands between two fields, such as `\";\"` or `\"\\t\"`",
            ),
            NORMALIZE,
            SUBSET,
            TEST_SUBSET,
            VAL,
            LABEL_NOISE,
            SHUFFLE,
        ],
    },
    CallRow {
        name: "npy",
        doc: "NumPy arrays of samples and labels.",
        params: &[
            ParamRow::new("images", Type::Text, Required, "training samples").positional(),
            ParamRow::new("labels", Type::Text, Required, "training labels").positional(),
            ParamRow::new(
                "test",
                Type::TestArrays,
                Float(0.2),
                "the test arrays, or a part of the samples",
            )
            .within(Range::Inside(0.0, 1.0)),
            CLASSES,
            LABEL_BASE,
            NORMALIZE,
            AUGMENT,
            SUBSET,
            TEST_SUBSET,
            VAL,
            LABEL_NOISE,
            SHUFFLE,
        ],
    },
    CallRow {
        name: "synthetic",
        doc: "Generated samples.",
        params: &[
            ParamRow::new(
                "kind",
                Type::Word(&["blobs", "spirals", "moons"]),
                Required,
                "the pattern",
            )
            .positional(),
            ParamRow::new("shape", Type::Shape, Formula("[2]"), "shape of one sample")
                .within(Range::Within(1.0, 1e6)),
            ParamRow::new("classes", Type::Int, Int(2), "number of classes")
                .within(Range::Within(2.0, 1e6)),
            ParamRow::new("n_train", Type::Int, Int(1000), "training samples")
                .within(Range::Within(1.0, 1e8)),
            ParamRow::new("n_test", Type::Int, Int(200), "test samples")
                .within(Range::Within(1.0, 1e8)),
            ParamRow::new("noise", Type::Float, Float(0.1), "deviation of the noise")
                .within(Range::AtLeast(0.0)),
            ParamRow::new("seed", Type::Int, Int(0), "seed of the data")
                .within(Range::AtLeast(0.0)),
            NORMALIZE,
            AUGMENT,
            SUBSET,
            TEST_SUBSET,
            VAL,
            LABEL_NOISE,
            SHUFFLE,
        ],
    },
];

const PIXELS: Range = Range::Within(1.0, 65_536.0);

pub(super) const AUGMENTATIONS: &[CallRow] = &[
    CallRow {
        name: "crop",
        doc: "Pads with zeros and takes a window of the old size.",
        params: &[ParamRow::new("pad", Type::Int, Required, "pixels on each side")
            .positional()
            .within(PIXELS)],
    },
    CallRow { name: "flip", doc: "Mirrors left and right with probability ½.", params: &[] },
    CallRow {
        name: "cutout",
        doc: "Blanks a square at a random place.",
        params: &[ParamRow::new("size", Type::Int, Required, "side of the square")
            .positional()
            .within(PIXELS)],
    },
];
