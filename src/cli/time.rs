//! `specc time`: where a step of a spec goes.
//!
//! In: a spec. Out: a table per phase with the time, operations and bytes of each layer, or one document `specc.time/1`. Steps
//! run on real batches where the data is there; the learning rate is 0, so that every step is the same work.

use std::path::PathBuf;

use super::groups::{DataPlace, MachineArgs};
use crate::check;
use crate::compile::Compiled;
use crate::compile::files::{self, Request};
use crate::data::{DataError, Dataset};
use crate::experiment::timing::{peak, time};
use crate::experiment::{Device, Experiment, Options};
use crate::report::{devices, timing};
use crate::terminal::{Outcome, Terminal, environment, load_data};

/// Arguments of `specc time`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TimeArgs {
    /// The spec.
    #[arg(required_unless_present = "devices")]
    spec: Option<PathBuf>,

    /// List the devices that `--device` knows, and stop.
    #[arg(long, conflicts_with_all = ["spec", "steps", "kernels"])]
    devices: bool,

    /// Changes to the spec: `train.batch=64`.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    #[command(flatten)]
    machine: MachineArgs,

    /// Steps to time after warming up [default: about two seconds of them].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: Option<u64>,

    /// Runs that step together, on a GPU.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    replicas: u16,

    /// List every call of a kernel as well.
    #[arg(long)]
    kernels: bool,

    #[command(flatten)]
    data: DataPlace,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `specc time`.
pub(crate) fn run(args: &TimeArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let Some(spec) = args.spec.as_deref() else {
        let (text, document) = devices();
        terminal.print(if args.json { serde_json::to_string_pretty(&document)? } else { text });
        return Ok(Outcome::Ok);
    };
    if args.replicas > 1 && args.machine.machine().device == Device::Cpu {
        anyhow::bail!(
            "`--replicas` is for a GPU: the processor takes runs one by one; add `--device cuda`"
        );
    }
    let locations = environment::locations(args.data.data_dir.as_deref()).beside(spec.parent());
    let request = Request {
        spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options::default(),
    };
    let compiled = files::compile(&request);
    terminal.report(&compiled.diagnostics, &compiled.sources);
    let outcome = match &compiled.model {
        Some(spec) if compiled.checked.is_some() => {
            let data = load_data(&spec.data, &locations, args.data.offline, terminal);
            show(args, &compiled, data, terminal)?
        }
        Some(_) | None => Outcome::from(&compiled),
    };
    if args.json && outcome != Outcome::Ok {
        let failed = timing::failed(terminal.reported());
        terminal.print(serde_json::to_string_pretty(&failed)?);
    }
    Ok(outcome)
}

fn show(
    args: &TimeArgs,
    compiled: &Compiled,
    data: Result<Dataset, DataError>,
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
    let machine = args.machine.machine();
    let options = Options { gpu: environment::gpu_places(), ..Options::on(machine) };
    let timed = Experiment::prepare(compiled, options, None).and_then(|experiment| {
        let timed = time(&experiment, dataset.as_ref(), args.steps, usize::from(args.replicas))?;
        Ok((experiment, timed))
    });
    let (experiment, timed) = match timed {
        Ok(timed) => timed,
        Err(error) => return Ok(terminal.refuse(&error, &compiled.sources)),
    };
    let report = timing::Report {
        spec: experiment.spec(),
        compiled,
        layers: &experiment.joint().eval.layers,
        timed,
        peak: peak(machine.threads),
        threads: machine.threads,
        dtype: machine.dtype,
        executor: experiment.options().machine.executor(),
        is_real: dataset.is_some(),
    };
    if args.json {
        terminal.print(serde_json::to_string_pretty(&timing::document(&report))?);
    } else {
        terminal.print(timing::text(&report, args.kernels));
    }
    Ok(Outcome::Ok)
}
