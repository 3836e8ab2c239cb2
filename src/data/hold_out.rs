//! The test part of data that comes in one piece.
//!
//! In: all samples, and which part of them is asked for. Out: two parts that are not empty, each in file order; of the same
//! samples always the same ones, whatever machine and whatever seed of the run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::error::DataError;
use super::spec::HeldOut;
use super::split::Split;
use crate::kernels::philox::{Philox, Stream};

/// What is held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The samples that measures are taken on.
    Test,
    /// The samples that are chosen by.
    Val,
}

impl Part {
    /// The setting that asks for it.
    fn setting(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Val => "val",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Val => "validation",
        }
    }

    /// Epoch of [`Stream::Data`] under which samples are drawn; generated samples use 0 to 2, wrong labels 4.
    fn epoch(self) -> u32 {
        match self {
            Self::Test => 3,
            Self::Val => 5,
        }
    }
}

/// Numbers of training and held-out samples out of `n`; both are at least 1.
pub(super) fn counts<F>(
    n: usize,
    held_out: &HeldOut<F>,
    part: Part,
) -> Result<(usize, usize), DataError> {
    let fraction = match held_out {
        HeldOut::Files(_) => return Ok((n, 0)),
        HeldOut::First(fraction)
        | HeldOut::Last(fraction)
        | HeldOut::Random { fraction, seed: _ } => *fraction,
    };
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(DataError::Setting {
            name: part.setting(),
            found: fraction.to_string(),
            expected: "a number between 0 and 1",
        });
    }
    #[expect(clippy::cast_sign_loss, reason = "the fraction is positive")]
    let n_test = (fraction * n as f64 + 0.5) as usize;
    nonempty(part.words(), n_test)?;
    nonempty("training", n.saturating_sub(n_test))?;
    Ok((n - n_test, n_test))
}

/// Splits samples of so many classes into training part and `part`.
pub(super) fn hold_out<F>(
    mut whole: Split,
    classes: usize,
    held_out: &HeldOut<F>,
    part: Part,
) -> Result<(Split, Split), DataError> {
    let (n_train, n_test) = counts(whole.len(), held_out, part)?;
    match held_out {
        HeldOut::First(_) => {
            let train = whole.split_off(n_test);
            Ok((train, whole))
        }
        HeldOut::Random { fraction: _, seed } => {
            let in_test = stratified(whole.meant_labels(), classes, n_test, (*seed, part));
            Ok(whole.partition(&in_test))
        }
        HeldOut::Files(_) | HeldOut::Last(_) => {
            let test = whole.split_off(n_train);
            Ok((whole, test))
        }
    }
}

/// # Errors
/// [`DataError::TooFew`] where there are no samples.
pub(super) fn nonempty(part: &'static str, found: usize) -> Result<(), DataError> {
    if found == 0 { Err(DataError::TooFew { part, asked: 1, found }) } else { Ok(()) }
}

/// Which samples are test samples: `n_test` of them, from each class its [`shares`].
///
/// The samples of a class are drawn without replacement, by the first steps of a Fisher–Yates shuffle over the class in file
/// order, with the draws of [`Stream::Data`] at the epoch of the part and the class as sample.
fn stratified(
    labels: &[u32],
    classes: usize,
    n_test: usize,
    (seed, part): (u64, Part),
) -> Vec<bool> {
    let mut samples: Vec<Vec<usize>> = vec![vec![]; classes];
    for (sample, &label) in labels.iter().enumerate() {
        samples[label as usize].push(sample);
    }
    let sizes: Vec<usize> = samples.iter().map(Vec::len).collect();
    let philox = Philox::new(seed, Stream::Data);
    let mut in_test = vec![false; labels.len()];
    for ((class, samples), share) in (0_u32..).zip(&mut samples).zip(shares(&sizes, n_test)) {
        let mut draws = philox.draws(part.epoch(), class);
        for taken in 0..share {
            let other = taken + draws.below((samples.len() - taken) as u32) as usize;
            samples.swap(taken, other);
            in_test[samples[taken]] = true;
        }
    }
    in_test
}

/// How many of each class are test samples, `n_test` in all: in proportion to the sizes, what is left over by the largest
/// remainder, equal remainders to the lower class.
///
/// Where `n_test` allows it, a class of two or more samples has at least one in each part, and a class of one sample has it in
/// training.
fn shares(sizes: &[usize], n_test: usize) -> Vec<usize> {
    let n: usize = sizes.iter().sum();
    let lowest = |size: usize| usize::from(size >= 2);
    let highest = |size: usize| size.saturating_sub(1);
    let least: usize = sizes.iter().copied().map(lowest).sum();
    let most: usize = sizes.iter().copied().map(highest).sum();
    let low = |size| if least <= n_test { lowest(size) } else { 0 };
    let high = |size| if n_test <= most { highest(size) } else { size };
    let quota = |size: usize| size * n_test / n.max(1);
    let mut shares: Vec<usize> =
        sizes.iter().map(|&size| quota(size).clamp(low(size), high(size))).collect();
    // What a class lacks of its exact quota, in samples times n.
    let lack = |class: usize, share: usize| {
        sizes[class] as i128 * n_test as i128 - share as i128 * n as i128
    };
    let mut total: usize = shares.iter().sum();
    if total < n_test {
        let open = |class: usize, share: usize| {
            (share < high(sizes[class])).then(|| (lack(class, share), Reverse(class)))
        };
        let mut lacking: BinaryHeap<_> =
            (0..sizes.len()).filter_map(|class| open(class, shares[class])).collect();
        while total < n_test
            && let Some((_, Reverse(class))) = lacking.pop()
        {
            shares[class] += 1;
            total += 1;
            lacking.extend(open(class, shares[class]));
        }
    } else {
        let open = |class: usize, share: usize| {
            (share > low(sizes[class])).then(|| (-lack(class, share), Reverse(class)))
        };
        let mut above: BinaryHeap<_> =
            (0..sizes.len()).filter_map(|class| open(class, shares[class])).collect();
        while total > n_test
            && let Some((_, Reverse(class))) = above.pop()
        {
            shares[class] -= 1;
            total -= 1;
            above.extend(open(class, shares[class]));
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_reach_every_class() {
        assert_eq!(shares(&[50, 50, 50], 30), [10, 10, 10]);
        assert_eq!(shares(&[10, 10, 10], 10), [4, 3, 3], "equal remainders go to the lower class");
        assert_eq!(shares(&[100, 2, 1], 26), [25, 1, 0], "a rare class is in both parts");
        assert_eq!(shares(&[2, 2, 2, 94], 10), [1, 1, 1, 7]);
        assert_eq!(shares(&[3, 0, 3], 5), [3, 0, 2], "more than leaves one of each in training");
        assert_eq!(shares(&[2; 10], 3), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0], "too few for every class");
        for n_test in 1..40 {
            let sizes = [7, 1, 0, 19, 2, 11];
            let found = shares(&sizes, n_test);
            assert_eq!(found.iter().sum::<usize>(), n_test);
            assert!(found.iter().zip(sizes).all(|(&share, size)| share <= size));
            if (4..=35).contains(&n_test) {
                let both = |(&share, size)| size < 2 || (1..size).contains(&share);
                assert!(found.iter().zip(sizes).all(both), "{n_test}: {found:?}");
            }
        }
    }

    #[test]
    fn the_drawn_samples_are_pinned() {
        // From an independent program.
        let labels: Vec<u32> = (0..24).map(|i| [0, 0, 1, 2][i % 4]).collect();
        let drawn = |seed| -> Vec<usize> {
            let in_test = stratified(&labels, 3, 8, (seed, Part::Test));
            (0..labels.len()).filter(|&i| in_test[i]).collect()
        };
        assert_eq!(drawn(0), [1, 2, 11, 12, 16, 18, 19, 20]);
        assert_eq!(drawn(1), [2, 3, 4, 5, 9, 18, 19, 21]);
    }
}
