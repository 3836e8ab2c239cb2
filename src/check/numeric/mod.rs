//! Scaling claims checked by numbers: a small f64 interpreter, drawn parameters, and the comparison of z(T_c θ) with c^d z(θ).
//!
//! In: a graph and claims of the analysis. Out: worst relative errors, and witnesses where a claim is refused.
//! Nothing here decides anything: a proof stands without it, a refusal is only illustrated by it.

mod claim;
mod interpreter;
mod linear;
mod norm;
mod point;
mod trial;

pub use claim::{Claim, Confirmed, FACTORS, Witness, claims, confirm, refute, sample_at};
pub use interpreter::Interpreter;
pub use point::Point;
pub use trial::Trial;
