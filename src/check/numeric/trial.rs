//! All claims of a checked net at one point, as many as a budget of operations allows.

use super::super::{Checked, WITNESS_SAMPLES, WITNESS_SEED};
use super::{Claim, Confirmed, FACTORS, Interpreter, Point, claims, confirm};

/// The claims of a net, ready to be tried at many points.
#[derive(Debug)]
pub struct Trial<'a> {
    checked: &'a Checked,
    interpreter: Interpreter<'a>,
    claims: Vec<Claim>,
    affordable: usize,
    samples: usize,
}

impl<'a> Trial<'a> {
    /// The claims about the net as it is, in their order; one trial of all costs at most `budget` operations.
    pub fn new(checked: &'a Checked, budget: u64) -> Self {
        let (graph, scaling) = (checked.graph(), checked.exact());
        let claims = claims(graph, scaling);
        let total = checked.total();
        let evaluations = FACTORS.len() + 1;
        let within = |count: usize, samples: usize| {
            Point::affordable(&total, samples, count.saturating_mul(evaluations), budget)
        };
        let samples = if within(claims.len(), WITNESS_SAMPLES) { WITNESS_SAMPLES } else { 2 };
        let affordable = (1..=claims.len()).take_while(|count| within(*count, samples)).count();
        let interpreter = Interpreter::new(graph, checked.logits(), scaling.judgement);
        Self { checked, interpreter, claims, affordable, samples }
    }

    /// The net.
    pub fn checked(&self) -> &'a Checked {
        self.checked
    }

    /// How many claims there are.
    pub fn claimed(&self) -> usize {
        self.claims.len()
    }

    /// How many samples a point should have.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Tries the claims at a drawn point.
    pub fn drawn(&self) -> Vec<Confirmed> {
        let (graph, logits) = (self.checked.graph(), self.checked.logits());
        self.at(&Point::draw(graph, logits, self.samples, WITNESS_SEED))
    }

    /// Tries the claims at a point, as many as the budget allows.
    pub fn at(&self, point: &Point) -> Vec<Confirmed> {
        let claims = self.claims.iter().take(self.affordable);
        claims.filter_map(|claim| confirm(&self.interpreter, point, claim)).collect()
    }
}
