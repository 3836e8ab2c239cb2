//! The paper's figures made again: its sweeps, its numbers laid over ours, the gaps, and what holds of its statements.
//!
//! In: the runs of a figure by loss. Out: [`Chart`](crate::chart::Chart)s with the values read off the paper as points, a table of
//! gaps, and a page of both with the verdicts on the claims.

mod draw;
mod figures;
mod gaps;
mod page;

use crate::train::StoredRun;

pub use draw::charts;
pub use figures::{FIGURES, Figure, Made, Scale, Shown};
pub use gaps::{Gap, Gaps, gaps};
pub use page::{Reproduced, document, page};

/// The finished runs of one loss.
#[derive(Clone, Debug)]
pub struct Losses {
    /// Its label in the spec.
    pub label: String,
    /// Its runs, by seed.
    pub runs: Vec<StoredRun>,
}
