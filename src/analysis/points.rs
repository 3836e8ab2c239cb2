//! The points at which logits are measured, and those that tell nothing.

use super::Wanted;
use crate::measure::{HistogramBins, Request};
use crate::model::{Analyze, VacuousRanks};

/// The points that are wanted; where a list is left out, those of the run's spec, else those of the summary.
pub(super) fn request(wanted: &Wanted, asked: &Analyze, n_classes: usize) -> Request {
    let standard = Request::standard(n_classes);
    let or = |given: &Vec<f64>, asked: &Option<Vec<f64>>, standard: Vec<f64>| {
        let given = if given.is_empty() { asked.as_ref().unwrap_or(given) } else { given };
        // Adding 0 turns -0 into 0, which names the same point.
        if given.is_empty() { standard } else { given.iter().map(|value| value + 0.0).collect() }
    };
    Request {
        a: or(&wanted.a, &asked.a, standard.a),
        eta: or(&wanted.eta, &asked.eta, standard.eta),
        mu: or(&wanted.mu, &asked.mu, standard.mu),
        k: ranks(wanted, asked).map_or(standard.k, <[usize]>::to_vec),
        histograms: HistogramBins {
            n_bins: wanted.bins,
            probability: wanted.edges.clone(),
            margin: wanted.margin_edges.clone(),
            normalized_margin: wanted.normalized_margin_edges.clone(),
        },
    }
}

/// The ranks that the user asks for.
fn ranks<'a>(wanted: &'a Wanted, asked: &'a Analyze) -> Option<&'a [usize]> {
    let given = Some(wanted.k.as_slice()).filter(|given| !given.is_empty());
    given.or(asked.k.as_deref())
}

/// Those among the ranks that the user asks for which tell nothing.
pub(super) fn vacuous(wanted: &Wanted, asked: &Analyze, n_classes: usize) -> Option<VacuousRanks> {
    VacuousRanks::of(ranks(wanted, asked)?, n_classes)
}
