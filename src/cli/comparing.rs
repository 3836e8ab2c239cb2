//! What `compare` and `report` share: the measures of a comparison, and what is looked at beyond its table.

use crate::model::Measure;
use crate::study::{Comparison, Incomparable, RunGroup, compare, match_scale, moved};

/// Measures that are compared where none are asked for.
const MEASURES: [&str; 3] = ["test.accuracy", "test.close_enough(0.05)", "train.accuracy"];

/// Level of intervals where none is asked for.
pub(super) const LEVEL: f64 = 0.95;

/// Measures that are compared where none are asked for.
pub(super) fn measures() -> Vec<Measure> {
    MEASURES.map(|name| name.parse().expect("the usual measures are measures")).into()
}

/// What is looked at beyond the table of a comparison.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeeperArgs {
    /// Take probability measures again at fitted temperatures: what is left of a difference is one of the direction.
    #[arg(long)]
    match_scale: bool,

    /// How single test samples moved.
    #[arg(long)]
    samples: bool,

    /// Normalised margin above which a sample counts as well classified, and below whose negative as poorly.
    #[arg(long, default_value_t = 0.01, requires = "samples", value_parser = parse_mu)]
    mu: f64,
}

impl DeeperArgs {
    /// Whether anything of it is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.match_scale || self.samples
    }

    /// The comparison with what is asked for.
    pub(super) fn compare(
        &self,
        groups: &[RunGroup],
        measures: &[Measure],
        level: f64,
    ) -> Result<Comparison, Incomparable> {
        let mut found = compare(groups, measures, level)?;
        if self.match_scale {
            found.matched = Some(match_scale(groups, measures, level)?);
        }
        if self.samples {
            found.samples = Some(moved(groups, self.mu)?);
        }
        Ok(found)
    }
}

fn parse_mu(text: &str) -> Result<f64, String> {
    let mu = text.parse::<f64>().ok().filter(|mu| *mu >= 0.0 && mu.is_finite());
    mu.ok_or_else(|| format!("`{text}` is no threshold; expected a number from 0 on"))
}
