//! `specc sweep`: every cell of the sweeps of a file, by workers in one process.

use std::path::PathBuf;

use super::events::EventArgs;
use super::groups::{DataPlace, MachineArgs};
use super::slurm::SlurmArgs;
use crate::experiment::LOG_EVERY;
use crate::study::SweepResult;
use crate::terminal::{Outcome, SweepOrders, Terminal, sweep};

/// Arguments of `specc sweep`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SweepArgs {
    /// The spec, with one `sweep` or several.
    spec: PathBuf,

    /// Changes to the spec, in every cell.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// The folder of the runs [default: runs/SPEC].
    #[arg(short, long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    /// Only cells with this label: `loss=two`.
    #[arg(long, value_name = "AXIS=LABEL", value_parser = parse_choice)]
    only: Vec<(String, String)>,

    #[command(flatten)]
    machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// Only one part of n: `2/8`. Parts share nothing, and together are all.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<(usize, usize)>,

    /// Runs at once, or on a GPU groups of runs that step together [default: by a short measurement; 4 groups].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Steps between lines of metrics.jsonl.
    #[arg(long, value_name = "N", default_value_t = LOG_EVERY, value_parser = clap::value_parser!(u64).range(1..))]
    log_every: u64,

    /// Stop at the first run that fails.
    #[arg(long)]
    fail_fast: bool,

    /// Let claims pass that are neither held nor refuted yet.
    #[arg(long)]
    allow_open: bool,

    #[command(flatten)]
    events: EventArgs,

    #[command(flatten)]
    slurm: SlurmArgs,

    /// Say what would be done and stop; with `--slurm`, print the script.
    #[arg(long)]
    dry_run: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,

    /// No progress.
    #[arg(short, long)]
    quiet: bool,
}

fn parse_choice(text: &str) -> Result<(String, String), String> {
    let (axis, label) = text.split_once('=').ok_or("expected AXIS=LABEL, such as loss=two")?;
    Ok((axis.trim().to_owned(), label.trim().to_owned()))
}

fn parse_shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((part, of)) if (1..=of).contains(&part) => Ok((part, of)),
        Some(_) | None => Err("expected I/N with I from 1 to N, such as 2/8".to_owned()),
    }
}

impl SweepArgs {
    fn orders(&self) -> SweepOrders {
        let args = self.clone();
        SweepOrders {
            spec: args.spec,
            overrides: args.overrides,
            output: args.output,
            only: args.only,
            shard: args.shard,
            machine: args.machine.decided(),
            threads: args.machine.given(),
            jobs: args.jobs.map(usize::from),
            log_every: args.log_every,
            fail_fast: args.fail_fast,
            allow_open: args.allow_open,
            tensorboard: args.events.tensorboard,
            slurm: args.slurm.orders(),
            data_dir: args.data.data_dir,
            offline: args.data.offline,
            dry_run: args.dry_run,
        }
    }
}

/// Runs `specc sweep`.
pub(crate) fn run(args: &SweepArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let (outcome, told) = sweep(&args.orders(), !args.json, terminal)?;
    if args.json {
        let study = told.study.as_ref();
        let mut document = SweepResult::of(study, &told.made, terminal.reported());
        document.ok = outcome == Outcome::Ok;
        document.claims = &told.judged;
        document.estimate = told.estimated.as_ref();
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}
