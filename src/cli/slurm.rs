//! `specc sweep --slurm`: how a sweep is sent to Slurm.

use crate::terminal::SlurmOrders;

/// Arguments that send a sweep to Slurm.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SlurmArgs {
    /// Submit to Slurm, with options of sbatch such as `time=1:00:00 partition=long`; stands behind all overrides.
    #[arg(long, num_args = 0.., value_name = "OPTION=VALUE", value_parser = parse_option)]
    slurm: Option<Vec<(String, String)>>,

    /// Tasks of the array [default: one a run, at most 16].
    #[arg(long, value_name = "N", requires = "slurm", value_parser = clap::value_parser!(u16).range(1..))]
    tasks: Option<u16>,

    /// Wait until the job is over, then show what it made.
    #[arg(long, requires = "slurm")]
    wait: bool,
}

impl SlurmArgs {
    /// What is asked for, if anything.
    pub(super) fn orders(&self) -> Option<SlurmOrders> {
        let options = self.slurm.clone()?;
        Some(SlurmOrders { options, tasks: self.tasks.map(usize::from), wait: self.wait })
    }
}

fn parse_option(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("expected OPTION=VALUE of sbatch, such as time=1:00:00")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    if name.is_empty() || !name.chars().all(is_name) || value.contains(['\n', '"']) {
        return Err(format!("`{text}` is no option of sbatch"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
