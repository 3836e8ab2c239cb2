//! Sample by sample over the seeds: who moved between well, marginally and poorly classified.

use serde::Serialize;

use super::{Incomparable, RunGroup};
use crate::measure::margins;
use crate::stats::mcnemar;

/// Samples that are named.
const MOST: usize = 32;

/// How the test samples of a group moved against the baseline, over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moves {
    /// The group.
    pub group: String,
    /// The threshold: well above it, poor below its negative.
    pub mu: f64,
    /// What mu is compared with: `normalized_margin` where R is known on both sides, else `margin`.
    pub margin: &'static str,
    /// Mean share of samples by class in the baseline (row) and in the group (column): well, marginal, poor.
    pub transitions: [[f64; 3]; 3],
    /// For each seed.
    pub seeds: Vec<SeedMoves>,
    /// The samples that moved most, by the size of the mean change.
    pub most: Vec<MovedSample>,
}

/// The samples of one seed that are right on one side alone: two models, not two methods.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SeedMoves {
    /// The seed.
    pub seed: u64,
    /// Right in the group alone.
    pub gained: u64,
    /// Right in the baseline alone.
    pub lost: u64,
    /// McNemar's exact p for these two models.
    pub p: f64,
}

/// A sample over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MovedSample {
    /// Its place in the test set.
    pub sample: usize,
    /// Its class.
    pub label: usize,
    /// Mean margin in the baseline.
    pub baseline: f64,
    /// Mean margin in the group.
    pub group: f64,
}

impl Moves {
    /// The names of the rows and columns of the transitions.
    pub const STATES: [&'static str; 3] = ["well", "marginal", "poor"];

    /// What mu is compared with, in words.
    pub fn margin_name(&self) -> String {
        self.margin.replace('_', " ")
    }
}

impl MovedSample {
    /// How much larger its margin is in the group.
    pub fn change(&self) -> f64 {
        self.group - self.baseline
    }
}

/// Moves of every group against the first one.
///
/// # Errors
/// [`Incomparable`] where groups share no seed, or their logits cannot be read.
pub fn moved(groups: &[RunGroup], mu: f64) -> Result<Vec<Moves>, Incomparable> {
    let [baseline, others @ ..] = groups else { return Err(Incomparable::One) };
    others.iter().map(|group| between(baseline, group, mu)).collect()
}

fn between(baseline: &RunGroup, group: &RunGroup, mu: f64) -> Result<Moves, Incomparable> {
    let mut pairs = vec![];
    for member in &group.members {
        let other = baseline.members.iter().find(|other| other.seed == member.seed);
        let Some(other) = other else { continue };
        if let (Some((left, _)), Some((right, _))) = (other.logits("test")?, member.logits("test")?)
        {
            pairs.push((member.seed, left, right));
        }
    }
    let Some((_, first, _)) = pairs.first() else {
        let names = (&baseline.name, &group.name);
        return Err(Incomparable::Usage(format!(
            "`{}` and `{}` share no seed with stored logits",
            names.0, names.1
        )));
    };
    let labels = first.labels().to_vec();
    let n = labels.len();
    let has_size = |pair: &(u64, crate::measure::Logits, crate::measure::Logits)| {
        pair.1.scalars().size.is_some() && pair.2.scalars().size.is_some()
    };
    let is_normalized = pairs.iter().all(has_size);
    let mut transitions = [[0.0; 3]; 3];
    let mut seeds = vec![];
    let (mut before, mut after) = (vec![0.0; n], vec![0.0; n]);
    for (seed, left, right) in &pairs {
        if left.labels() != labels || right.labels() != labels {
            let (a, b) = (baseline.name.clone(), group.name.clone());
            return Err(Incomparable::Data(a, b, "the labels of the samples differ".to_owned()));
        }
        let of = |logits: &crate::measure::Logits| {
            let size = logits.scalars().size.filter(|_| is_normalized).unwrap_or(1.0);
            margins(logits).into_iter().map(|margin| margin / size).collect::<Vec<f64>>()
        };
        let (old, new) = (of(left), of(right));
        let (mut gained, mut lost) = (0, 0);
        for (sample, (old, new)) in old.into_iter().zip(new).enumerate() {
            transitions[state(old, mu)][state(new, mu)] += 1.0;
            gained += u64::from(old <= 0.0 && new > 0.0);
            lost += u64::from(old > 0.0 && new <= 0.0);
            before[sample] += old;
            after[sample] += new;
        }
        seeds.push(SeedMoves { seed: *seed, gained, lost, p: mcnemar(gained, lost) });
    }
    let all = (n * pairs.len()).max(1) as f64;
    transitions.iter_mut().flatten().for_each(|count| *count /= all);
    let mean = |sums: &[f64], sample: usize| sums[sample] / pairs.len() as f64;
    let mut most: Vec<MovedSample> = (0..n)
        .map(|sample| MovedSample {
            sample,
            label: labels[sample],
            baseline: mean(&before, sample),
            group: mean(&after, sample),
        })
        .collect();
    most.sort_by(|a, b| b.change().abs().total_cmp(&a.change().abs()));
    most.truncate(MOST);
    let margin = if is_normalized { "normalized_margin" } else { "margin" };
    Ok(Moves { group: group.name.clone(), mu, margin, transitions, seeds, most })
}

/// 0 well, 1 marginal, 2 poor.
fn state(margin: f64, mu: f64) -> usize {
    match margin {
        margin if margin > mu => 0,
        margin if margin < -mu => 2,
        _ => 1,
    }
}
