//! `specc eval`: the measures of a trained run, taken again from its checkpoint.

use std::path::{Path, PathBuf};

use super::args::{DataPlace, MachineArgs};
use super::compile::{self, Request};
use super::environment;
use super::fetch::load_data;
use super::outcome::Outcome;
use super::terminal::Terminal;
use super::train::check_device;
use crate::check;
use crate::exec;
use crate::grad;
use crate::lower::Target;
use crate::report;
use crate::store::{Checkpoint, RunDir, StoreError};
use crate::train::{Evaluated, evaluate_splits};

/// Arguments of `specc eval`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// A run directory.
    run: PathBuf,

    #[command(flatten)]
    pub(crate) machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `specc eval`.
pub(crate) fn run(args: &EvalArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let outcome = evaluate(args, terminal)?;
    if args.json && outcome != Outcome::Ok {
        let diagnostics = terminal.reported();
        let document = serde_json::json!({ "schema": "specc.eval/1", "ok": false, "diagnostics": diagnostics });
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}

fn evaluate(args: &EvalArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let checkpoint = match checkpoint(&args.run) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            let usage = matches!(error, StoreError::NotARun { .. });
            terminal.report_error(&error);
            return Ok(if usage { Outcome::Usage } else { Outcome::Failed });
        }
    };
    let spec = args.run.join("resolved.net");
    let folder = environment::spec_folder(&args.run);
    let folder = folder.as_deref().unwrap_or(&args.run);
    let locations = environment::locations(args.data.data_dir.as_deref(), Some(folder));
    let check = check::Options::default();
    let compiled =
        compile::compile(&Request { spec: &spec, overrides: &[], locations: &locations, check });
    let (Some(spec), Some(checked)) = (&compiled.model, &compiled.checked) else {
        terminal.report(&compiled.diagnostics, &compiled.sources);
        return Ok(compile::outcome(&compiled));
    };
    let joint = match grad::joint(checked.graph(), &spec.loss, checked.normalizer(), &spec.train) {
        Ok(joint) => joint,
        Err(diagnostics) => {
            terminal.report(&diagnostics, &compiled.sources);
            return Ok(Outcome::Invalid);
        }
    };
    let dataset = match load_data(&spec.data, &locations, args.data.offline, terminal) {
        Ok(dataset) => dataset,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error));
        }
    };
    let dtype = checkpoint.dtype();
    let mut machine = args.machine.clone();
    // The same executor as in training gives the same bits.
    let recorded = RunDir::identity_in(&args.run).ok().flatten();
    machine.no_fuse |= recorded.is_some_and(|run| run.executor == Target::Reference.name());
    let target = machine.target(dtype);
    let isa = match check_device(&machine) {
        Ok(isa) => isa,
        Err(diagnostics) => {
            terminal.report(&diagnostics, &compiled.sources);
            return Ok(Outcome::Failed);
        }
    };
    let options = exec::Options {
        dtype,
        seed: checkpoint.position.seed,
        threads: args.machine.threads(),
        batch: spec.train.batch,
        isa,
    };
    let mut program = exec::instantiate(&joint, target, &checkpoint.state, options)?;
    let evaluated =
        evaluate_splits(&mut *program, &dataset, spec.train.batch, checkpoint.position.seed)?;
    show(args, &checkpoint, &evaluated, terminal)?;
    Ok(Outcome::Ok)
}

fn checkpoint(run: &Path) -> Result<Checkpoint, StoreError> {
    let missing = || StoreError::NotARun { path: run.to_owned() };
    if !RunDir::is_run(run) {
        return Err(missing());
    }
    Checkpoint::read(&run.join("ckpt"))?.ok_or_else(missing)
}

fn show(
    args: &EvalArgs,
    checkpoint: &Checkpoint,
    evaluated: &Evaluated,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    if args.json {
        let document = serde_json::json!({
            "schema": "specc.eval/1",
            "run": args.run.display().to_string(),
            "spec_hash": checkpoint.position.spec_hash,
            "seed": checkpoint.position.seed,
            "steps": checkpoint.position.step,
            "scales": evaluated.scales,
            "R": evaluated.scalars.size,
            "train": evaluated.train.summary,
            "test": evaluated.test.summary,
        });
        terminal.print(serde_json::to_string_pretty(&document)?);
    } else {
        let width = Terminal::width() as u16;
        let table =
            report::summary_table(Some(&evaluated.train.summary), &evaluated.test.summary, width);
        terminal.print(format!(
            "{} after {} steps\n",
            args.run.display(),
            checkpoint.position.step
        ));
        terminal.print(table);
    }
    Ok(())
}
