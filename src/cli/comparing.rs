//! `--match-scale` and `--samples`, which `compare` and `report` share.

use crate::study::Deeper;

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
    /// What is asked for.
    pub(super) fn deeper(&self) -> Deeper {
        Deeper { match_scale: self.match_scale, samples: self.samples.then_some(self.mu) }
    }
}

fn parse_mu(text: &str) -> Result<f64, String> {
    let mu = text.parse::<f64>().ok().filter(|mu| *mu >= 0.0 && mu.is_finite());
    mu.ok_or_else(|| format!("`{text}` is no threshold; expected a number from 0 on"))
}
