//! What can be known about a graph before it runs: costs, how the logits scale with the parameters, and the size R that follows.
//!
//! In: a graph from the input to the logits. Out: [`Checked`], the graph with its facts in side tables.
//! Afterwards every degree and exponent stated is a theorem (see the reference, "Scaling analysis").

mod assertion;
mod blame;
mod channels;
mod checked;
mod conserved;
mod cost;
mod degrees;
mod edit;
mod exponents;
mod judge;
mod layerwise;
mod linear;
mod normalizer;
mod number;
pub mod numeric;
mod rules;
mod scaling;
mod simplex;
mod single;
mod size;
mod symmetry;
mod system;
mod views;
mod witness;
mod zeros;

pub use crate::ir::Mode;
pub use assertion::{AssertError, STATEMENTS};
pub use blame::{Conflict, Question, conflict, describe};
pub use channels::{Degree, Range, Seam};
pub use checked::{Checked, EpsBound, LayerFacts, Options, facts};
pub use conserved::{Conserved, conserved};
pub use cost::{Cost, Memory};
pub use degrees::{Degrees, Equation};
pub use edit::{Edit, apply, suggest};
pub use exponents::Exponents;
pub use judge::{Verdict, judge};
pub use layerwise::{Failure, ancestors, failures};
pub use linear::{Linear, Unknown};
pub use normalizer::{Factor, FactorNorm, Normalizer};
pub use number::Number;
pub use rules::{DegreeRule, Demand, Judgement, Operand, ResultDegree, View, rule};
pub use scaling::Scaling;
pub use size::{IN_TRAINING, SizeError, normalizer};
pub use symmetry::{NoNormalizer, Symmetry};
pub use witness::{WITNESS_SAMPLES, WITNESS_SEED, samples_inside, tell_inside, tell_witness};
