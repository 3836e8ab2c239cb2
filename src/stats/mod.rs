//! Statistics over a few runs: what a difference is, how sure it is, and how a family of differences is judged.
//!
//! In: numbers of runs, one a seed. Out: intervals and p-values. Nothing here knows what was measured.
//! Every function is compared with SciPy, statsmodels or MNE by `tests/it/stats.rs`.

mod binomial;
mod crossed;
mod difference;
mod flips;
mod holm;
mod joint;
mod sample;
mod sign_flip;
mod student;

pub use binomial::mcnemar;
pub use crossed::Crossed;
pub use difference::{Difference, Groups};
pub use flips::{DRAWS, EXACT_UP_TO};
pub use holm::{holm, holm_of_sets};
pub use joint::joint;
pub use sample::{Sample, correlation};
pub use sign_flip::{SignFlip, sign_flip};
pub use student::{Interval, quantile, two_sided};
