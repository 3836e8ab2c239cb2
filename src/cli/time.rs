//! `specc time`: where a step of a spec goes.
//!
//! In: a spec. Out: a table per phase with the time, operations and bytes of each layer, or one document `specc.time/1`. Steps
//! run on real batches where the data is there; the learning rate is 0, so that every step is the same work.

mod document;
mod measure;
mod peak;
mod random;
mod rows;
mod table;
mod timer;

use std::path::PathBuf;

use super::args::{DataPlace, MachineArgs};
use super::compile::{self, Request};
use super::environment;
use super::fetch::load_data;
use super::outcome::Outcome;
use super::terminal::Terminal;
use super::train::check_device;
use crate::check::{self, Checked};
use crate::compile::Compiled;
use crate::data::DataError;
use crate::diag::ToDiagnostic;
use crate::exec;
use crate::grad;
use crate::lower::{DType, ExecError, Samples};
use crate::model;
use crate::train::SplitSamples;

use measure::{Batches, Timed};
use random::RandomSamples;

/// Arguments of `specc time`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TimeArgs {
    /// The spec.
    spec: PathBuf,

    /// Changes to the spec: `train.batch=64`.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    #[command(flatten)]
    pub(crate) machine: MachineArgs,

    /// Steps to time after warming up [default: about two seconds of them].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: Option<u64>,

    /// List every call of a kernel as well.
    #[arg(long)]
    kernels: bool,

    #[command(flatten)]
    data: DataPlace,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Everything there is to show.
pub(super) struct Report<'a> {
    spec: &'a model::Spec,
    compiled: &'a Compiled,
    layers: &'a [crate::ir::Layer],
    timed: Timed,
    peak: peak::Peak,
    threads: usize,
    dtype: DType,
    executor: &'static str,
    /// Whether samples are those of the data set.
    is_real: bool,
}

/// Runs `specc time`.
pub(crate) fn run(args: &TimeArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let locations = environment::locations(args.data.data_dir.as_deref(), args.spec.parent());
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options::default(),
    };
    let compiled = compile::compile(&request);
    terminal.report(&compiled.diagnostics, &compiled.sources);
    let outcome = match (&compiled.model, &compiled.checked) {
        (Some(spec), Some(checked)) => {
            let data = load_data(&spec.data, &locations, args.data.offline, terminal);
            time(args, &compiled, spec, checked, data, terminal)?
        }
        _ => compile::outcome(&compiled),
    };
    if args.json && outcome != Outcome::Ok {
        let failed = document::failed(terminal.reported());
        terminal.print(serde_json::to_string_pretty(&failed)?);
    }
    Ok(outcome)
}

fn time(
    args: &TimeArgs,
    compiled: &Compiled,
    spec: &model::Spec,
    checked: &Checked,
    data: Result<crate::data::Dataset, DataError>,
    terminal: &mut Terminal,
) -> anyhow::Result<Outcome> {
    let dataset = match data {
        Ok(dataset) => Some(dataset),
        Err(DataError::NotFound { .. } | DataError::Offline { .. } | DataError::Fetch { .. }) => {
            None
        }
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error));
        }
    };
    let planned = check_device(&args.machine).and_then(|isa| {
        let joint = grad::joint(checked.graph(), &spec.loss, checked.normalizer(), &spec.train)?;
        Ok((isa, joint))
    });
    let (isa, joint) = match planned {
        Ok(planned) => planned,
        Err(diagnostics) => {
            terminal.report(&diagnostics, &compiled.sources);
            return Ok(Outcome::of(&diagnostics));
        }
    };
    let seed = spec.train.seeds.first().copied().unwrap_or(0);
    let dtype = args.machine.dtype();
    let threads = args.machine.threads();
    let start = match exec::initial_state(&joint, &spec.loss, seed, dtype, None) {
        Ok(start) => start,
        Err(error) => {
            terminal.report(&[error.to_diagnostic()], &compiled.sources);
            return Ok(Outcome::Failed);
        }
    };
    let batch = spec.train.batch;
    let random = RandomSamples::new(checked.graph(), batch, seed);
    let (samples, n): (Box<dyn Samples + '_>, usize) = match &dataset {
        Some(dataset) => (Box::new(SplitSamples::train(dataset, seed)), dataset.train.len()),
        None => (Box::new(&random), batch),
    };
    let batches = Batches::new(&*samples, n, batch, seed);
    let target = args.machine.target(dtype);
    let options = exec::Options { dtype, seed, threads, batch, isa };
    let timed = timer::timer(&joint, target, &start.state, options)
        .and_then(|mut timer| measure::measure(&mut *timer, &batches, args.steps));
    let timed = match timed {
        Ok(timed) => timed,
        Err(error) => {
            let outcome = match error {
                ExecError::NotFinite { .. } => Outcome::Diverged,
                ExecError::Device { .. } | ExecError::Shape { .. } => Outcome::Failed,
            };
            terminal.report(&[error.to_diagnostic()], &compiled.sources);
            return Ok(outcome);
        }
    };
    let report = Report {
        spec,
        compiled,
        layers: &joint.eval.layers,
        timed,
        peak: peak::measure(threads),
        threads,
        dtype,
        executor: target.name(),
        is_real: dataset.is_some(),
    };
    if args.json {
        terminal.print(serde_json::to_string_pretty(&document::document(&report))?);
    } else {
        terminal.print(table::text(&report, args.kernels));
    }
    Ok(Outcome::Ok)
}
