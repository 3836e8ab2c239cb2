//! The points at which logits are measured, and those that tell nothing.

use super::Wanted;
use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::measure::{HistogramBins, Request};
use crate::model::Analyze;

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

/// Ranks of top-k that every sample reaches, since there are no more classes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Vacuous {
    n_classes: usize,
    ranks: Vec<usize>,
}

impl Vacuous {
    /// Those among the ranks that the user asks for.
    pub(super) fn of(wanted: &Wanted, asked: &Analyze, n_classes: usize) -> Option<Self> {
        let asked = ranks(wanted, asked)?.iter().copied();
        let ranks: Vec<usize> = asked.filter(|rank| *rank >= n_classes).collect();
        (!ranks.is_empty()).then_some(Self { n_classes, ranks })
    }
}

impl ToDiagnostic for Vacuous {
    fn to_diagnostic(&self) -> Diagnostic {
        let Self { n_classes, ranks } = self;
        let ranks: Vec<String> = ranks.iter().map(ToString::to_string).collect();
        let found = format!("found: k = {}, for {n_classes} classes", ranks.join(", "));
        Diagnostic::new(Code::W0651, "top-k takes every class")
            .note(found)
            .expected(format!("k from 1 to {}", n_classes.saturating_sub(1).max(1)))
            .note("such a top-k is 1 whatever the logits are")
            .help("ask for a smaller k")
    }
}
