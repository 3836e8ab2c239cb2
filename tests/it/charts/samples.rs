//! One chart of each kind, with data like those of runs.

use specc::chart::{
    Axis, BarGroup, Bars, Bin, BinGroup, Categories, Chart, Difference, Estimate, Forest, Group,
    Heat, Meaning, Multiples, Palette, Panel, Reliability, Rule, Series, Shade, Spread, Strip,
    Wanted, edges,
};

/// Numbers that look random, the same everywhere.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    /// From 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, standard deviation 1, from sums: only exact operations.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

const LABELS: [&str; 4] = ["single-scale", "two-scale", "two-scale, delta", "truncated"];

const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn palette() -> Palette {
    Palette::new(LABELS)
}

/// A curve that rises to its level, for each of `seeds` runs.
fn runs(level: f64, pace: f64, seeds: usize, epochs: usize) -> Vec<Vec<(f64, f64)>> {
    let mut noise = Noise::new((level * 1000.0) as u64);
    (0..seeds)
        .map(|_| {
            let level = level + 0.012 * noise.normal();
            (1..=epochs)
                .map(|epoch| {
                    let x = epoch as f64;
                    (x, level * x / (x + pace) + 0.006 * noise.normal())
                })
                .collect()
        })
        .collect()
}

/// Mean and standard deviation over runs.
fn summary(runs: &[Vec<(f64, f64)>]) -> Vec<Estimate> {
    let n = runs.len() as f64;
    (0..runs[0].len())
        .map(|i| {
            let mean = runs.iter().map(|run| run[i].1).sum::<f64>() / n;
            let square = runs.iter().map(|run| (run[i].1 - mean) * (run[i].1 - mean)).sum::<f64>();
            let sd = (square / (n - 1.0)).sqrt();
            Estimate { x: runs[0][i].0, y: mean, interval: Some((mean - sd, mean + sd)) }
        })
        .collect()
}

pub(crate) fn curves() -> Chart {
    let palette = palette();
    let levels = [0.62, 0.81, 0.76, 0.55];
    let spread = Spread { meaning: Meaning::Deviation, n: 5 };
    let mut panel = Panel::new(
        Axis::new("epoch").count(),
        Axis::new("close-enough test samples (δ = 0.05)").percent(),
    );
    for (label, level) in LABELS.iter().zip(levels) {
        let runs = runs(level, 12.0 + 20.0 * level, 5, 120);
        let slot = palette.slot(label);
        panel = panel.with(Series::band(*label, slot, summary(&runs), spread).over(runs));
    }
    Chart::new(
        "Two scales leave more samples close enough",
        "After 120 epochs, 66 % of the test samples are close enough under the two-scale loss, against 53 % under the single-scale one.",
        "LeNet, CIFAR-10, 10,000 test samples, 5 seeds.",
        panel,
    )
}

pub(crate) fn paper() -> Chart {
    let palette = palette();
    let spread = Spread { meaning: Meaning::Confidence(0.95), n: 10 };
    let mut panel =
        Panel::new(Axis::new("δ").log(), Axis::new("close-enough test samples").percent());
    for (label, level) in LABELS.iter().zip([0.2, 0.4]) {
        let at = |x: f64| level + (1.0 - level) * x.sqrt();
        let points = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
        let ours = points.map(|x| Estimate {
            x,
            y: at(x),
            interval: Some((at(x) - 0.03, (at(x) + 0.03).min(1.0))),
        });
        let slot = palette.slot(label);
        panel = panel.with(Series::band(*label, slot, ours.to_vec(), spread));
    }
    for (label, level) in LABELS.iter().zip([0.17, 0.44]) {
        let read = [0.003, 0.03, 0.3].map(|x: f64| {
            let y = level + (1.0 - level) * x.sqrt();
            Estimate { x, y, interval: Some((y - 0.02, y + 0.02)) }
        });
        let reading = Spread { meaning: Meaning::Reading, n: 0 };
        let name = format!("{label}, read off the paper");
        panel = panel.with(Series::points(name, palette.slot(label), read.to_vec(), reading));
    }
    panel = panel.rule(Rule::across("chance", 0.1));
    Chart::new(
        "Our close-enough curve follows the paper's",
        "All six values read off the paper lie within 5 points of ours.",
        "Paper: Fig. 4.",
        panel,
    )
}

pub(crate) fn ecdf() -> Chart {
    let palette = palette();
    let mut panel = Panel::new(
        Axis::new("margin of the test sample (logit difference)"),
        Axis::new("share of samples at or below").percent(),
    );
    for (i, label) in LABELS.iter().take(3).enumerate() {
        let mut noise = Noise::new(i as u64 + 7);
        let spread = 1.5 + i as f64;
        let mut values: Vec<f64> =
            (0..400).map(|_| 1.0 + i as f64 + spread * noise.normal()).collect();
        values.push(if i == 1 { f64::NAN } else { 0.0 });
        panel = panel.with(Series::ecdf(*label, palette.slot(label), &values));
    }
    Chart::new(
        "Margins grow with the second scale",
        "A quarter of the samples has a negative margin under the single-scale loss, a fifth under the others.",
        "One run a loss, 401 test samples.",
        panel.rule(Rule::up("boundary", 0.0)),
    )
}

pub(crate) fn histogram() -> Chart {
    let palette = palette();
    let groups: Vec<Vec<f64>> = (0..3)
        .map(|i| {
            let mut noise = Noise::new(i + 31);
            (0..2000)
                .map(|_| noise.uniform().max(noise.uniform() * (1.0 - 0.2 * i as f64)))
                .collect()
        })
        .collect();
    let all: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    let edges = edges(&all, 20);
    let mut panel = Panel::new(
        Axis::new("probability of the predicted class").percent(),
        Axis::new("share of samples").percent(),
    );
    for (label, values) in LABELS.iter().zip(&groups) {
        panel = panel.with(Series::histogram(*label, palette.slot(label), values, &edges));
    }
    Chart::new(
        "Predicted probabilities",
        "The single-scale loss has the most certain predictions.",
        "2,000 test samples each, 20 columns of equal width.",
        panel,
    )
}

pub(crate) fn single_histogram() -> Chart {
    let mut noise = Noise::new(99);
    let values: Vec<f64> = (0..5000).map(|_| 2.0 * noise.normal() + 3.0).collect();
    let edges = edges(&[&values], 32);
    let panel = Panel::new(Axis::new("margin"), Axis::new("share of samples").percent())
        .with(Series::histogram("", palette().slot("two-scale"), &values, &edges).filled());
    Chart::new(
        "Margins of the test samples",
        "Seven of a hundred samples are on the wrong side.",
        "One run.",
        panel,
    )
}

pub(crate) fn confusion() -> Chart {
    let mut noise = Noise::new(5);
    let values = (0..10)
        .map(|i| {
            let mut row: Vec<f64> =
                (0..10).map(|_| (noise.uniform() * noise.uniform() * 0.05).max(0.0)).collect();
            if i == 3 {
                row[5] = 0.16;
            }
            let rest: f64 = row.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, v)| v).sum();
            row[i] = 1.0 - rest;
            row
        })
        .collect();
    let names = || CLASSES.map(str::to_owned).to_vec();
    Chart::new(
        "Cats are taken for dogs",
        "16 % of the cats are predicted to be dogs, three times as many as any other confusion.",
        "10,000 test samples, shares of each true class in per cent.",
        Heat::new(
            Categories::new("true class", names()),
            Categories::new("predicted class", names()),
            Axis::new("share of the true class").percent().range(0.0, 1.0),
            Shade::Root,
            values,
        ),
    )
}

pub(crate) fn hundred_classes() -> Chart {
    let mut noise = Noise::new(6);
    let names: Vec<String> = (0..100).map(|i| format!("class {i}")).collect();
    let values = (0..100)
        .map(|i| {
            let mut row: Vec<f64> = (0..100)
                .map(|j| match noise.uniform() {
                    near if i / 5 == j / 5 => near * 0.09,
                    far if far < 0.02 => 0.03,
                    _ => 0.0,
                })
                .collect();
            row[i] = 0.55 + 0.3 * noise.uniform();
            row
        })
        .collect();
    Chart::new(
        "Confusion stays within super-classes",
        "Most errors lie in blocks of five classes along the diagonal.",
        "CIFAR-100, 10,000 test samples.",
        Heat::new(
            Categories::new("true class", names.clone()),
            Categories::new("predicted class", names),
            Axis::new("share of the true class").percent().range(0.0, 1.0),
            Shade::Root,
            values,
        ),
    )
}

pub(crate) fn forest() -> Chart {
    let palette = palette();
    let rows = [
        ("test accuracy", 0.001, 0.007, None),
        ("well classified", 0.034, 0.012, None),
        ("close enough, δ = 0.05", 0.188, 0.008, Some(Wanted::AtLeast(0.15))),
        ("close enough at equal sharpness", 0.021, 0.009, Some(Wanted::AtLeast(0.03))),
        ("calibration error", -0.042, 0.015, Some(Wanted::AtMost(0.0))),
        ("largest probability", 0.012, 0.011, Some(Wanted::Between(-0.02, 0.02))),
    ];
    let differences = rows.map(|(name, value, half, wanted)| Difference {
        name: name.to_owned(),
        slot: palette.slot("two-scale"),
        value,
        interval: (value - half, value + half),
        wanted,
    });
    Chart::new(
        "What the second scale changes",
        "Close-enough samples gain 19 points, accuracy nothing; 2 points of the gain are left at equal sharpness.",
        "LeNet, CIFAR-100, paired by seed.",
        Forest::new(
            Axis::new("difference, two-scale − single-scale"),
            Spread { meaning: Meaning::Confidence(0.95), n: 10 },
            differences.to_vec(),
        ),
    )
}

pub(crate) fn strip() -> Chart {
    let palette = palette();
    let groups =
        LABELS.iter().zip([0.61, 0.68, 0.665, 0.58]).enumerate().map(|(i, (label, level))| {
            let mut noise = Noise::new(i as u64 + 50);
            let values: Vec<f64> = (0..12).map(|_| level + 0.012 * noise.normal()).collect();
            let mean = values.iter().sum::<f64>() / 12.0;
            let estimate =
                Estimate { x: 0.0, y: mean, interval: Some((mean - 0.008, mean + 0.008)) };
            let spread = Spread { meaning: Meaning::Confidence(0.95), n: 12 };
            let slot = palette.slot(label);
            Group { name: (*label).to_owned(), slot, values, summary: Some((estimate, spread)) }
        });
    Chart::new(
        "Every seed of the two-scale loss beats every seed of the single-scale one",
        "The two-scale losses reach 68 % and 67 % on average, the single-scale loss 61 %.",
        "Each dot is a seed.",
        Strip::new(Axis::new("test accuracy").percent(), groups.collect()),
    )
}

pub(crate) fn bars() -> Chart {
    let palette = palette();
    let groups = LABELS.iter().take(2).enumerate().map(|(i, label)| {
        let mut noise = Noise::new(i as u64 + 70);
        let values = CLASSES.map(|_| {
            let value = 0.5 + 0.1 * i as f64 + 0.3 * noise.uniform();
            (value, Some((value - 0.03, value + 0.03)))
        });
        BarGroup { label: (*label).to_owned(), slot: palette.slot(label), values: values.to_vec() }
    });
    Chart::new(
        "Close-enough samples by class",
        "The two-scale loss has more of them in eight of the ten classes.",
        "1,000 test samples a class.",
        Bars::new(
            Axis::new("close-enough test samples").percent(),
            CLASSES.map(str::to_owned).to_vec(),
            groups.collect(),
            Some(Spread { meaning: Meaning::Range, n: 5 }),
        ),
    )
}

pub(crate) fn reliability() -> Chart {
    let palette = palette();
    let groups = LABELS.iter().take(2).enumerate().map(|(i, label)| {
        let bins = (0..15).map(|k| {
            let (low, high) = (f64::from(k) / 15.0, f64::from(k + 1) / 15.0);
            let confidence = f64::midpoint(low, high);
            let accuracy = confidence * (0.78 + 0.14 * i as f64) + 0.03;
            let n = if k == 0 {
                0
            } else if i == 0 {
                9 * k * k
            } else {
                60 * k - 3 * k * k
            };
            let n = n as usize;
            Bin { low, high, confidence, accuracy, n }
        });
        BinGroup { label: (*label).to_owned(), slot: palette.slot(label), bins: bins.collect() }
    });
    Chart::new(
        "The single-scale net is too sure of itself",
        "At 90 % confidence it is right in 73 % of the cases, the two-scale net in 86 %.",
        "15 bins of equal width.",
        Reliability::new(groups.collect()),
    )
}

pub(crate) fn multiples() -> Chart {
    let palette = palette();
    let spread = Spread { meaning: Meaning::Deviation, n: 5 };
    let names = ["lr = 0.01", "lr = 0.03", "lr = 0.1", "lr = 0.3", "lr = 1", "lr = 3"];
    let panels = names.iter().enumerate().map(|(i, name)| {
        let mut panel =
            Panel::new(Axis::new("epoch").count(), Axis::new("test accuracy").percent());
        for (label, level) in LABELS.iter().zip([0.55, 0.66, 0.62]) {
            let level = level - 0.04 * (i as f64 - 2.0) * (i as f64 - 2.0);
            let mut points = summary(&runs(level, 8.0, 5, 60));
            if i == 5 && *label == "single-scale" {
                points.iter_mut().skip(20).for_each(|point| point.y = f64::NAN);
            }
            panel = panel.with(Series::band(*label, palette.slot(label), points, spread));
        }
        ((*name).to_owned(), panel)
    });
    Chart::new(
        "Two scales tolerate larger steps",
        "The single-scale net diverges at a learning rate of 3 after epoch 20.",
        "LeNet, CIFAR-10, 5 seeds.",
        Multiples::new(panels.collect()),
    )
}

pub(crate) fn loss() -> Chart {
    let points = |scale: f64| {
        (1..=200).map(move |i| {
            let x = f64::from(i);
            (x, scale * 2.3 / (1.0 + x * x / 40.0))
        })
    };
    let palette = Palette::new(["training", "test"]);
    let panel = Panel::new(Axis::new("epoch").count(), Axis::new("loss").log())
        .with(Series::line("training", palette.slot("training"), points(1.0)))
        .with(Series::line("test", palette.slot("test"), points(1.8)));
    Chart::new("Loss", "The training loss falls by three orders of magnitude.", "One run.", panel)
}

/// Every sample by its name.
pub(crate) fn all() -> Vec<(&'static str, Chart)> {
    vec![
        ("curves", curves()),
        ("loss", loss()),
        ("paper", paper()),
        ("ecdf", ecdf()),
        ("histogram", histogram()),
        ("single_histogram", single_histogram()),
        ("confusion", confusion()),
        ("hundred_classes", hundred_classes()),
        ("forest", forest()),
        ("strip", strip()),
        ("bars", bars()),
        ("reliability", reliability()),
        ("multiples", multiples()),
    ]
}
