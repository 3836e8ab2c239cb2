//! The figures of the paper: which spec makes each, and what is drawn.

use crate::study::Study;

/// A figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// `03`.
    pub number: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Its spec and how it is made.
    pub made: Made,
}

/// How a figure is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// By the sweep of this text on a CPU.
    Here {
        /// The text of the spec.
        spec: &'static str,
        /// What is drawn.
        shown: Shown,
        /// What a quick run changes in the file: text, and what takes its place.
        quick: &'static [(&'static str, &'static str)],
    },
    /// Runs so long that it wants a GPU: about so many hours on one core.
    OnGpu {
        /// Core hours.
        hours: u32,
    },
}

/// What is drawn of the runs of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Accuracy on both sets over the epochs.
    Accuracy,
    /// Accuracy of the batches over the steps.
    Steps,
    /// Close-enough accuracy over a.
    CloseEnough,
    /// The same on super-classes, in both readings.
    SuperClasses,
    /// Top-k accuracy over k.
    TopK,
    /// Histogram of the largest probability.
    MaxProbability,
    /// Histogram of the probability of the correct class.
    LabelProbability,
    /// Histogram of δp over misclassified samples.
    Confidence,
}

const SEEDS: (&str, &str) = ("seeds in 0..10", "seeds in 0..2");
const EPOCHS: (&str, &str) = ("epochs = 128", "epochs = 20");
const LENET: &[(&str, &str)] = &[SEEDS, EPOCHS];
const CIFAR10: &[(&str, &str)] = &[SEEDS, ("epochs = 50", "epochs = 20")];
const SHORT: &[(&str, &str)] = &[("seeds in 0..10", "seeds in 0..4")];

macro_rules! here {
    ($number:literal, $title:literal, $shown:ident, $quick:ident) => {
        Figure {
            number: $number,
            title: $title,
            made: Made::Here {
                spec: include_str!(concat!("../../specs/paper/fig", $number, ".net")),
                shown: Shown::$shown,
                quick: $quick,
            },
        }
    };
}

const fn on_gpu(number: &'static str, title: &'static str) -> Figure {
    // A step of WRN-16-4 takes two seconds on a core; 391 steps, 200 epochs, 5 seeds, 2 losses, twice for ASAM.
    Figure { number, title, made: Made::OnGpu { hours: 870 } }
}

/// All figures with data, in order.
pub const FIGURES: [Figure; 15] = [
    on_gpu("01", "CIFAR-100, wide residual net with ASAM: test accuracy"),
    on_gpu("02", "CIFAR-100, wide residual net with ASAM: close-enough accuracy"),
    here!("03", "CIFAR-100, LeNet-5: accuracy", Accuracy, LENET),
    here!("04", "CIFAR-100, LeNet-5: close-enough accuracy", CloseEnough, LENET),
    here!("05", "CIFAR-100, LeNet-5: top-k accuracy", TopK, LENET),
    here!("06", "CIFAR-100, LeNet-5: largest probability", MaxProbability, LENET),
    here!("07", "CIFAR-100, LeNet-5: probability of the correct class", LabelProbability, LENET),
    here!("08", "CIFAR-100, LeNet-5: δp of misclassified samples", Confidence, LENET),
    here!("09", "CIFAR-100, LeNet-5: close-enough on super-classes", SuperClasses, LENET),
    here!("10", "CIFAR-10, LeNet-5: accuracy", Accuracy, CIFAR10),
    on_gpu("11", "CIFAR-10, wide residual net with ASAM: accuracy"),
    on_gpu("12", "CIFAR-10, wide residual net with ASAM: close-enough accuracy"),
    here!("13", "MNIST, two layers: accuracy", Steps, SHORT),
    here!("14", "CIFAR-10, LeNet-5: fixed scales", Accuracy, SHORT),
    here!("15", "CIFAR-10, LeNet-5: separation of the scales", Accuracy, CIFAR10),
];

/// How much is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Fewer epochs and seeds: minutes a figure.
    Quick,
    /// As published, with ten seeds.
    Full,
}

impl Figure {
    /// The figure of a name: `3`, `03`, `fig03`, `fig03.net`.
    pub fn named(name: &str) -> Option<Self> {
        let number = name.trim_start_matches("fig").trim_end_matches(".net");
        let number: u32 = number.parse().ok()?;
        FIGURES.into_iter().find(|figure| figure.number.parse() == Ok(number))
    }

    /// The text of its spec at a scale; `None` where it wants a GPU.
    pub fn spec(&self, scale: Scale) -> Option<String> {
        let Made::Here { spec, quick, .. } = self.made else { return None };
        let mut text = spec.to_owned();
        if scale == Scale::Quick {
            for (old, new) in quick {
                text = text.replace(old, new);
            }
        }
        Some(text)
    }

    /// What a quick run does in place of the paper's setting; nothing at full scale.
    pub fn shortened(&self, scale: Scale) -> Vec<&'static str> {
        match (self.made, scale) {
            (Made::Here { quick, .. }, Scale::Quick) => quick.iter().map(|(_, new)| *new).collect(),
            (Made::Here { .. }, Scale::Full) | (Made::OnGpu { .. }, _) => vec![],
        }
    }

    /// What is trained at a scale, in a sentence.
    pub fn setting(&self, scale: Scale, study: &Study) -> String {
        let seeds = study.cells.iter().map(|cell| cell.seeds.len()).max().unwrap_or(0);
        let shortened = self.shortened(scale);
        if shortened.is_empty() {
            return format!(
                "{} losses, {seeds} seeds, the paper's length of training.",
                study.cells.len()
            );
        }
        format!(
            "{} losses, {seeds} seeds; a quick run: {} in place of the paper's setting.",
            study.cells.len(),
            shortened.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_changes_what_it_names() {
        for figure in FIGURES {
            let Made::Here { spec, quick, .. } = figure.made else { continue };
            for (old, new) in quick {
                assert!(spec.contains(old) && !spec.contains(new), "{}: {old}", figure.number);
            }
        }
        assert_eq!(Figure::named("3").map(|f| f.number), Some("03"));
        assert_eq!(Figure::named("fig13.net").map(|f| f.number), Some("13"));
        assert_eq!(Figure::named("16").map(|f| f.number), None);
    }
}
