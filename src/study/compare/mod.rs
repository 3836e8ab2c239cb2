//! Groups of runs compared: each measure of each group with its difference to the first one.
//!
//! In: groups of runs, or of logits of other programs. Out: a [`Comparison`], and where it is asked for what a temperature
//! explains ([`Matched`]) and how single samples moved ([`Moves`]). Members of both groups with the same seed make a pair;
//! without pairs, groups are compared as they are. Invariant: nothing is compared that was measured on other data.

mod comparison;
mod contrast;
mod deeper;
mod differing;
mod group;
mod member;
mod moved;
mod scale;
mod tables;
mod text;

pub use comparison::{Comparison, GroupEntry, MeasureEntry, Spread, compare, comparison_document};
pub use contrast::DifferenceEntry;
pub use deeper::{Deeper, USUAL_LEVEL, usual_measures};
pub use differing::Differing;
pub use group::{Incomparable, RunGroup};
pub use moved::{MovedSample, Moves, SeedMoves, moved};
pub use scale::{CurvePoint, Matched, MatchedCurve, MatchedMeasure, match_scale};
pub use tables::{
    MATCHED_COLUMNS, SEEDS_MEANING, brief_table, comparison_table, curves_title, matched_table,
    most_table, seeds_table, temperatures,
};
pub use text::{comparison_latex, comparison_text};
