//! What is looked at of groups beyond the table of their comparison, and what is compared where nothing is said.

use super::{Comparison, Incomparable, RunGroup, compare, match_scale, moved};
use crate::model::Measure;

/// Measures that are compared where none are asked for.
const MEASURES: [&str; 3] = ["test.accuracy", "test.close_enough(0.05)", "train.accuracy"];

/// Level of intervals where none is asked for.
pub const USUAL_LEVEL: f64 = 0.95;

/// Measures that are compared where none are asked for.
pub fn usual_measures() -> Vec<Measure> {
    MEASURES.map(|name| name.parse().expect("the usual measures are measures")).into()
}

/// What is looked at beyond the table of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deeper {
    /// Whether measures of probabilities are taken again at fitted temperatures.
    pub match_scale: bool,
    /// Whether single test samples are followed: the normalised margin, ≥ 0, above which one counts as well classified, and
    /// below whose negative as poorly.
    pub samples: Option<f64>,
}

impl Deeper {
    /// Whether anything of it is asked for.
    pub fn is_asked(self) -> bool {
        self.match_scale || self.samples.is_some()
    }

    /// The comparison with what is asked for.
    ///
    /// # Errors
    /// [`Incomparable`].
    pub fn compare(
        self,
        groups: &[RunGroup],
        measures: &[Measure],
        level: f64,
    ) -> Result<Comparison, Incomparable> {
        let mut found = compare(groups, measures, level)?;
        if self.match_scale {
            found.matched = Some(match_scale(groups, measures, level)?);
        }
        if let Some(mu) = self.samples {
            found.samples = Some(moved(groups, mu)?);
        }
        Ok(found)
    }
}
