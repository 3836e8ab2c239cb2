//! The table of codes: one row per code, its page in `explain/`.

use std::fmt;
use std::str::FromStr;

use super::Severity;

macro_rules! codes {
    ($($code:ident $summary:literal,)*) => {
        /// A code such as `E0304`; `specc explain E0304` prints its page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = $summary]
                $code,
            )*
        }

        impl Code {
            /// Every code in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// The code as written: `E0304`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }

            /// One line on what the code means.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$code => $summary,)* }
            }

            /// What `specc explain` prints below the code and its summary, in Markdown.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$code => include_str!(concat!("explain/", stringify!($code), ".md")),)*
                }
            }
        }
    };
}

codes! {
    // E01: syntax.
    E0101 "unexpected text",
    E0102 "unknown item",
    E0103 "space between a name and its `(`",
    E0104 "a number that cannot be read",
    E0105 "a spec too large or nested too deeply",
    E0106 "a bracket that is never closed",
    E0107 "a bracket that closes nothing",
    E0108 "`=` in a condition",
    E0109 "`:` and `=` mixed up",
    E0110 "a comment in the style of another language",
    E0111 "a string that cannot be read",
    E0112 "a reserved word used as a name",
    E0113 "a character that is not part of the language",
    E0114 "a comma or semicolon too many or too few",
    E0115 "an override that is not `key=value`",
    // E02: names and values.
    E0201 "unknown name",
    E0202 "unknown argument",
    E0203 "argument given twice",
    E0204 "missing argument",
    E0205 "value of another type",
    E0206 "value out of range",
    E0207 "item declared twice",
    E0208 "missing item",
    E0209 "name exists already",
    E0210 "arguments that do not go together",
    E0211 "starting values of scales need each other",
    E0212 "import that cannot be had",
    E0213 "imports form a cycle",
    E0214 "unknown override key",
    E0215 "expression without a value",
    E0216 "loss definition without a value",
    E0217 "blocks use each other without end",
    W0201 "unused definition",
    W0202 "unreachable statement",
    W0203 "option without effect",
    W0204 "the warm-up is longer than the run",
    W0205 "a milestone lies behind the end of the run",
    W0206 "the batch is larger than the training set",
    W0207 "the command line replaces the seeds of the spec",
    W0208 "a batch gives a normalisation a single value",
    // E03: shapes and layers.
    E0301 "network too large",
    E0302 "expansion too long",
    E0303 "window does not fit the picture",
    E0304 "input of another rank",
    E0305 "branches of different shapes",
    E0306 "channels do not divide into groups",
    E0307 "logits of another shape",
    E0308 "reshape to another number of elements",
    E0309 "layer name used twice",
    E0310 "value where a layer belongs",
    E0311 "shape query without an answer",
    // E03: losses.
    E0350 "a loss does not give one value per sample",
    E0351 "a name or function is not known in a loss",
    E0352 "an operand does not fit a function or operator of a loss",
    E0353 "a statement does not belong in a loss",
    E0354 "the starting value of a scale cannot be computed",
    E0355 "a loss needs a size R that the net does not have",
    E0356 "a loss needs one logit per class",
    E0357 "a loss needs one weight for each class",
    // E04: scaling.
    E0401 "a layer breaks degree one under a scale-based loss",
    E0402 "the net has no size R",
    E0403 "an assertion does not hold",
    E0404 "an assertion cannot be understood",
    W0401 "a layer breaks degree one",
    W0402 "the size R does not follow every symmetry",
    W0403 "the logits have no degree in the weights",
    // E05: devices and kernels.
    E0501 "no CUDA driver",
    E0502 "a CUDA driver too old",
    E0503 "no GPU of that number",
    E0504 "no compiler for kernels",
    E0505 "a kernel that does not compile",
    E0506 "too little memory on the GPU",
    E0507 "a library of CUDA is not there",
    // E06: data.
    E0601 "data not found",
    E0602 "a data file is truncated or too long",
    E0603 "a data file is of another format",
    E0604 "a label is out of range",
    E0605 "a data file cannot be read",
    E0606 "a path leaves its folder",
    E0607 "a data file is missing",
    E0608 "a value in a data file cannot be used",
    E0609 "too few samples",
    E0610 "declared data is too large",
    E0611 "samples do not fit together",
    E0612 "a data setting cannot be used",
    E0613 "augmentation does not fit the samples",
    E0614 "a download failed",
    E0615 "downloaded bytes are not the published ones",
    E0616 "fetching is not possible here",
    E0617 "a downloaded archive is damaged",
    E0618 "data cannot be written",
    E0619 "a data file is not the published one",
    E0620 "the data has no coarse labels",
    E0621 "coarse labels contradict each other",
    E0622 "a table has another delimiter",
    W0601 "labels count from 1",
    W0602 "classes without a sample",
    W0603 "test samples occur in training",
    W0604 "equal samples have different labels",
    W0605 "features without variation",
    W0606 "classes are very unequal",
    W0607 "whole numbers become one in single precision",
    // E065: stored logits.
    E0650 "a logits file is damaged or of another format",
    E0651 "a tensor is missing in a logits file",
    E0652 "a tensor has a dtype that does not fit",
    E0653 "a tensor has a shape that does not fit",
    E0654 "a label names no class",
    E0655 "a logit is not finite",
    E0656 "a scale of the logits is not defined",
    E0657 "a run directory holds no whole set of logits",
    E0658 "a file cannot be read",
    W0651 "top-k takes every class",
    // E07: runs and checkpoints.
    E0701 "the output directory holds something else",
    E0702 "the output directory holds another run",
    E0703 "the run is in use by another process",
    E0704 "a file of the run cannot be read or written",
    E0705 "a file of the run is damaged",
    E0706 "not a run directory",
    E0707 "the device is not available",
    E0708 "the file of `--init` cannot be used",
    E0709 "there is no run to resume",
    E0710 "logits cannot be divided by R of the initial weights",
    E0711 "a tensor is missing from the file of initial weights",
    E0712 "a tensor has another shape in the file of initial weights",
    E0713 "training diverged",
    E0714 "the device failed",
    E0715 "the spec cannot be read",
    E0716 "no Python that can run an exported file",
    E0717 "an exported file gives other logits",
    E0718 "a net is too large for a format",
    E0719 "the file of initial weights has other names",
    E0720 "the file of `--init-map` cannot be used",
    E0721 "the run keeps no weights of a best epoch",
    W0701 "tensors of the `--init` file are not used",
    W0702 "no unit of a layer is active",
    W0703 "weights do not move",
    W0704 "the loss does not change",
    W0705 "the accuracy is that of chance",
    W0706 "a delta tells no samples apart",
}

impl Code {
    /// Error for `E…`, warning for `W…`.
    pub fn severity(self) -> Severity {
        if self.id().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The text is no known code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a known code")]
pub struct UnknownCode(pub String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.id().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCode(text.to_owned()))
    }
}
