//! Findings as values, and as users read them.

use crate::data::rounding::Merged;
use crate::data::spec::Normalize;
use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// Most classes, features or rows that a message names.
const NAMED: usize = 8;

/// Something about a data set that deserves a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// No label is 0, and every other class has samples: labels count from 1.
    CountsFromOne {
        /// Classes that the net gets, class 0 among them.
        classes: usize,
        /// Whether the spec states `classes`.
        stated: bool,
    },
    /// Classes have no sample in one part or in both.
    Absent(Absent),
    /// Samples of the test part are also in the training part, value for value.
    Repeated {
        /// Test samples that are training samples as well.
        n: usize,
        /// Of these, those whose label is that of no equal training sample.
        other_label: usize,
        /// Test samples.
        n_test: usize,
        /// Different training samples.
        distinct: usize,
        /// Training samples.
        n_train: usize,
        /// Numbers, in their parts and from 0, of the first test samples concerned and of the training samples equal to them.
        first: Vec<(u32, u32)>,
    },
    /// Training samples with equal values have different labels.
    Contradicting {
        /// Samples that cannot be given their label because more of the equal ones have another.
        n: usize,
        /// Training samples.
        n_train: usize,
        /// Numbers, from 0, of the first two equal samples with different labels.
        first: (u32, u32),
    },
    /// Features have one value in all training samples.
    Constant {
        /// Number, from 0, and value before normalisation of each.
        features: Vec<(usize, f64)>,
        /// Features, or channels of images.
        of: usize,
        /// Whether samples are lists of features, not images.
        flat: bool,
        /// How values become inputs.
        normalize: Normalize,
        /// How many of them have another value in the test part.
        vary_in_test: usize,
    },
    /// Different whole numbers became one in features.
    Merged {
        /// The features.
        features: Vec<Merged>,
        /// Features of a sample.
        of: usize,
    },
    /// Some classes have many times the samples of others.
    Unequal {
        /// The largest class and its training samples.
        largest: (u32, usize),
        /// The smallest class that has any, and its training samples.
        smallest: (u32, usize),
        /// Share of the test samples that are of the largest class.
        chance: f64,
    },
}

/// Classes without a sample, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absent {
    /// Neither in training nor in test.
    pub nowhere: Vec<u32>,
    /// In test, not in training.
    pub train: Vec<u32>,
    /// In training, not in test.
    pub test: Vec<u32>,
    /// Number of classes.
    pub classes: usize,
    /// What can be done.
    pub remedy: Remedy,
}

/// What brings samples of all classes into both parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remedy {
    /// Drawing the test part from all classes, which is this share of the samples.
    Random(Share),
    /// Taking more samples than `subset` or `test_subset` do.
    MoreSamples,
    /// Nothing but other data.
    #[default]
    OtherData,
}

/// A share of the samples, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u16);

impl Finding {
    /// The code of the warning.
    pub fn code(&self) -> Code {
        match self {
            Self::CountsFromOne { .. } => Code::W0601,
            Self::Absent(_) => Code::W0602,
            Self::Repeated { .. } => Code::W0603,
            Self::Contradicting { .. } => Code::W0604,
            Self::Constant { .. } => Code::W0605,
            Self::Unequal { .. } => Code::W0606,
            Self::Merged { .. } => Code::W0607,
        }
    }
}

impl ToDiagnostic for Finding {
    fn to_diagnostic(&self) -> Diagnostic {
        let start = |title: String| Diagnostic::new(self.code(), title);
        match self {
            Self::CountsFromOne { classes, stated } => {
                let largest = classes.saturating_sub(1);
                let start = start("labels seem to count from 1".to_owned())
                    .note(format!("found: labels 1 to {largest}, and no sample of class 0"))
                    .expected(format!("labels 0 to {largest}, for {classes} classes"));
                start.help(if *stated {
                    format!("say `label_base=1, classes={largest}` if these are all classes")
                } else {
                    "say `label_base=1`; a class without samples distorts what counts as chance"
                        .to_owned()
                })
            }
            Self::Absent(absent) => absent.message(start(absent.title())),
            Self::Repeated { n, other_label, n_test, distinct, n_train, first } => {
                let rows: Vec<String> = first
                    .iter()
                    .map(|(test, train)| format!("test sample {test} = training sample {train}"))
                    .collect();
                let start = start("test samples occur in training".to_owned())
                    .note(format!(
                        "found: {n} of {n_test} test samples ({}), {other_label} of them with another label",
                        percent(*n, *n_test)
                    ))
                    .note(format!("for example (counted from 0): {}", rows.join(", ")))
                    .expected("test samples that training has not seen (at most 1 % of them)");
                if 2 * distinct < *n_train {
                    start.help(format!(
                        "only {distinct} of {n_train} training samples differ: where so few values exist, test accuracy says nothing on new ones"
                    ))
                } else {
                    start.help("drop the repeated rows, or read test accuracy as that of known samples")
                }
            }
            Self::Contradicting { n, n_train, first } => {
                start("equal samples have different labels".to_owned())
                    .note(format!(
                        "found: training samples {} and {} (counted from 0), and more",
                        first.0, first.1
                    ))
                    .note(format!(
                        "no net labels more than {} of the training samples rightly",
                        percent(n_train - n, *n_train)
                    ))
                    .expected("one label for equal samples (in 99 % of them)")
                    .help("correct the labels, or add the feature that tells these samples apart")
            }
            Self::Constant { features, of, flat, normalize, vary_in_test } => {
                constant(start, features, *of, *flat, *normalize, *vary_in_test)
            }
            Self::Merged { features, of } => {
                let names = features.iter().map(|Merged { feature, numbers: (first, second) }| {
                    format!("{feature} ({first} and {second})")
                });
                start("whole numbers become one in single precision".to_owned())
                    .note(format!(
                        "found: {} of {of} features, counted from 0: {}",
                        features.len(),
                        named(names, features.len())
                    ))
                    .expected("whole numbers up to 16777216, or with seven digits that matter")
                    .help("subtract an offset or divide before; an identifier is no feature")
            }
            Self::Unequal { largest, smallest, chance } => {
                start("classes are very unequal".to_owned())
                    .note(format!(
                        "found: {} of class {}, {} of class {}, a ratio of {:.1}",
                        samples(largest.1),
                        largest.0,
                        samples(smallest.1),
                        smallest.0,
                        largest.1 as f64 / smallest.1 as f64
                    ))
                    .expected("training classes within a factor of 10")
                    .help(format!(
                        "compare test accuracy with {:.1} %, what always answering {} reaches; margins by class say more",
                        100.0 * chance,
                        largest.0
                    ))
            }
        }
    }
}

impl Absent {
    fn title(&self) -> String {
        let part = match (self.nowhere.is_empty(), self.train.is_empty(), self.test.is_empty()) {
            (_, false, _) => "the training part",
            (false, true, _) => "both parts",
            (true, true, _) => "the test part",
        };
        format!("classes have no sample in {part}")
    }

    fn message(&self, start: Diagnostic) -> Diagnostic {
        let lists = [
            ("neither part", &self.nowhere),
            ("test, not in training", &self.train),
            ("training, not in test", &self.test),
        ];
        let start = lists.into_iter().filter(|(_, list)| !list.is_empty()).fold(
            start,
            |start, (part, list)| {
                let names = list.iter().map(ToString::to_string);
                start.note(format!(
                    "found: {} of {} classes in {part}: {}",
                    list.len(),
                    self.classes,
                    named(names, list.len())
                ))
            },
        );
        let start = start.expected("samples of every class in training and in test");
        match self.remedy {
            Remedy::Random(Share(share)) if self.nowhere.is_empty() => start.help(format!(
                "say `test=random({})`, which takes of every class; the file may be sorted by class",
                f64::from(share) / 1000.0
            )),
            Remedy::MoreSamples => {
                start.help("take more samples with `subset` and `test_subset`: they take the first ones of the file")
            }
            Remedy::Random(_) | Remedy::OtherData if !self.nowhere.is_empty() => start
                .help("number the classes 0 to K − 1 without gaps, or state with `classes` what there is"),
            Remedy::Random(_) | Remedy::OtherData => {
                start.help("add samples of these classes; accuracy says nothing on a class without test samples")
            }
        }
    }
}

fn constant(
    start: impl Fn(String) -> Diagnostic,
    features: &[(usize, f64)],
    of: usize,
    flat: bool,
    normalize: Normalize,
    vary_in_test: usize,
) -> Diagnostic {
    let noun = if flat { "features" } else { "channels" };
    let names = features.iter().map(|(number, value)| format!("{number} (always {value})"));
    let start = start(format!("{noun} have one value in all training samples"))
        .note(format!(
            "found: {} of {of} {noun}, counted from 0: {}",
            features.len(),
            named(names, features.len())
        ))
        .note(format!("{vary_in_test} of them have other values in the test part"))
        .expected(format!("{noun} that differ between training samples"));
    match normalize {
        Normalize::Standard => start
            .note("their deviation is 0, so `normalize=standard` divides by 1: they are 0 in training")
            .help("drop them: nothing can be learned from them, and their test values stay unscaled"),
        Normalize::Unit | Normalize::Half => {
            start.help("drop them: they act as a second bias that the net does not know of")
        }
    }
}

/// `1, 2, 3` and how many more of `n`.
fn named(names: impl Iterator<Item = String>, n: usize) -> String {
    let list = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if n > NAMED { format!("{list} and {} more", n - NAMED) } else { list }
}

fn samples(n: usize) -> String {
    if n == 1 { "1 sample".to_owned() } else { format!("{n} samples") }
}

fn percent(n: usize, of: usize) -> String {
    format!("{:.2} %", 100.0 * n as f64 / of as f64)
}
