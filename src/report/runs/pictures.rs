//! The samples that the net gets most wrong, and those about which it can hardly decide; pictures of samples.

use std::collections::BTreeMap;

use super::material::Named;
use super::taken::Samples;
use super::words::{number, percent};
use crate::data::Dataset;
use crate::report::Image;
use crate::report::page::{Block, SampleCard, Section, Tone};

/// Samples of each kind.
const SHOWN: usize = 16;

/// Pictures of test samples by their place, as PNG files.
#[derive(Clone, Debug, Default)]
pub struct Pictures(BTreeMap<usize, Vec<u8>>);

impl Pictures {
    /// Of these samples with their classes; none where a sample is no image, or of another class.
    pub(super) fn new(data: &Dataset, samples: impl Iterator<Item = (usize, usize)>) -> Self {
        Self(samples.filter_map(|(i, label)| Some((i, picture(data, i, label)?))).collect())
    }

    /// Of one sample.
    pub(super) fn of(&self, sample: usize) -> Option<&Vec<u8>> {
        self.0.get(&sample)
    }
}

/// The section; without the data the samples are told by their numbers.
pub(super) fn section(
    samples: &Samples,
    data: Option<&Dataset>,
    named: &Named,
    why: Option<&str>,
) -> Section {
    let finite: Vec<usize> =
        (0..samples.margins.len()).filter(|i| samples.margins[*i].is_finite()).collect();
    let first = |mut order: Vec<usize>, by: &dyn Fn(usize) -> f64| {
        order.sort_by(|a, b| by(*a).total_cmp(&by(*b)).then(a.cmp(b)));
        order.truncate(SHOWN);
        order
    };
    let wrong = finite.iter().copied().filter(|i| samples.margins[*i] < 0.0).collect();
    let worst = first(wrong, &|i| samples.margins[i]);
    let marginal = first(finite, &|i| samples.margins[i].abs());
    let mut section = Section::new("samples", "Samples", "");
    if let (None, Some(why)) = (data, why) {
        section = section.with(Block::Note(Tone::Plain, why.to_owned()));
    }
    let cards = |order: Vec<usize>| {
        Block::Samples(order.into_iter().map(|i| card(i, samples, data, named)).collect())
    };
    if !worst.is_empty() {
        section = section
            .with(Block::Heading("The worst: the most negative margins".to_owned()))
            .with(cards(worst));
    }
    if !marginal.is_empty() {
        section = section
            .with(Block::Heading("The most marginal: margins next to zero".to_owned()))
            .with(cards(marginal));
    }
    section
}

/// A test sample as PNG file; none where it is no image, or of another class.
fn picture(data: &Dataset, i: usize, label: usize) -> Option<Vec<u8>> {
    let is_same = data.test.labels().get(i).is_some_and(|own| *own as usize == label);
    let image = is_same.then(|| Image::of_sample(&data.test, &data.shape, i)).flatten();
    image?.png().ok()
}

fn card(i: usize, samples: &Samples, data: Option<&Dataset>, named: &Named) -> SampleCard {
    let (label, predicted) = (samples.labels[i], samples.predictions[i]);
    let png = data.and_then(|data| picture(data, i, label));
    let title = if label == predicted {
        named.class(label)
    } else {
        format!("{} → {}", named.class(label), named.class(predicted))
    };
    let mut lines = vec![format!("margin {}", number(Some(samples.margins[i])))];
    if let Some(size) = samples.size {
        lines.push(format!("m / R {}", number(Some(samples.margins[i] / size))));
    }
    let (own, most) = (percent(Some(samples.p_label[i])), percent(Some(samples.p_max[i])));
    lines.push(format!("label {own}, largest {most}"));
    lines.push(format!("sample {i}"));
    SampleCard { png, title, lines }
}
