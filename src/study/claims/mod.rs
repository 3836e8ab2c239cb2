//! Claims judged by the runs that are there.
//!
//! In: claims, and the runs of a study. Out: a verdict for each claim with the numbers of each line. A claim holds when all of
//! its lines do.

mod evidence;
mod family;
mod judge;
mod looks;
mod text;
mod wanted;

use crate::model::sweep::Claim;
use crate::store::StoreError;
use crate::study::{Made, Study};

pub use judge::{Judged, JudgedLine, Verdict};
pub use text::verdicts_text;
pub use wanted::Wanted;

/// Judges claims by the finished runs of a study, and keeps what is said beside them.
///
/// # Errors
/// [`StoreError`] when a run cannot be read, or `verdicts.json` cannot be written.
pub fn verdicts(claims: &[Claim], study: &Study, made: &[Made]) -> Result<Vec<Judged>, StoreError> {
    let mut judged = judge::judge(claims, study, made)?;
    looks::look(&mut judged, &study.root)?;
    Ok(judged)
}
