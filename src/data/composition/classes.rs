//! How many samples each class has.

use super::finding::{Absent, Finding, Remedy, Share};
use crate::data::dataset::Dataset;
use crate::data::spec::{DataSpec, HeldOut, Source};
use crate::data::split::Split;

/// Times that the largest class may have the training samples of the smallest: where published studies of long-tailed data
/// begin. The published sets at hand have at most 1.3.
const UNEQUAL: usize = 10;

pub(super) fn findings(data: &Dataset, spec: &DataSpec) -> Vec<Finding> {
    let (train, test) = (sizes(&data.train, data.classes), sizes(&data.test, data.classes));
    let mut findings = absent(&train, &test, spec);
    findings.extend(unequal(&train, &test));
    findings
}

fn sizes(split: &Split, classes: usize) -> Vec<usize> {
    let mut sizes = vec![0; classes];
    for &label in split.labels() {
        sizes[label as usize] += 1;
    }
    sizes
}

fn absent(train: &[usize], test: &[usize], spec: &DataSpec) -> Vec<Finding> {
    let mut absent = Absent { classes: train.len(), remedy: remedy(spec), ..Absent::default() };
    for ((class, &in_train), &in_test) in (0_u32..).zip(train).zip(test) {
        match (in_train, in_test) {
            (0, 0) => absent.nowhere.push(class),
            (0, _) => absent.train.push(class),
            (_, 0) => absent.test.push(class),
            _ => {}
        }
    }
    let mut findings = vec![];
    let own = match &spec.source {
        Source::Csv(source) => Some((source.classes, source.label_base)),
        Source::Npy(source) => Some((source.classes, source.label_base)),
        Source::Named(_) | Source::Synthetic(_) => None,
    };
    if let (Some((stated, 0)), [0]) = (own, absent.nowhere.as_slice()) {
        let stated = stated.is_some();
        findings.push(Finding::CountsFromOne { classes: train.len(), stated });
        absent.nowhere.clear();
    }
    if !(absent.nowhere.is_empty() && absent.train.is_empty() && absent.test.is_empty()) {
        findings.push(Finding::Absent(absent));
    }
    findings
}

fn remedy(spec: &DataSpec) -> Remedy {
    fn of<F>(test: &HeldOut<F>) -> Remedy {
        match test {
            HeldOut::First(fraction) | HeldOut::Last(fraction) => {
                #[expect(clippy::cast_sign_loss, reason = "the fraction lies between 0 and 1")]
                let thousandths = (1000.0 * fraction).round().clamp(1.0, 999.0) as u16;
                Remedy::Random(Share(thousandths))
            }
            HeldOut::Files(_) | HeldOut::Random { .. } => Remedy::OtherData,
        }
    }
    if spec.subset.is_some() || spec.test_subset.is_some() {
        return Remedy::MoreSamples;
    }
    match &spec.source {
        Source::Csv(source) => of(&source.test),
        Source::Npy(source) => of(&source.test),
        Source::Named(_) | Source::Synthetic(_) => Remedy::OtherData,
    }
}

fn unequal(train: &[usize], test: &[usize]) -> Option<Finding> {
    let classes = || (0_u32..).zip(train.iter().copied()).filter(|(_, size)| *size > 0);
    let largest = classes().max_by_key(|&(class, size)| (size, std::cmp::Reverse(class)))?;
    let smallest = classes().min_by_key(|&(_, size)| size)?;
    let n_test = test.iter().sum::<usize>().max(1);
    let chance = test[largest.0 as usize] as f64 / n_test as f64;
    (largest.1 >= UNEQUAL * smallest.1).then_some(Finding::Unequal { largest, smallest, chance })
}
