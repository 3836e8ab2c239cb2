//! `specc eval`: the measures of a trained run, taken again from its checkpoint.

use std::path::PathBuf;

use super::environment;
use super::fetch::load_data;
use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::terminal::Terminal;
use super::trained::AtArgs;
use crate::experiment::Trained;
use crate::report;
use crate::store::Checkpoint;
use crate::train::Evaluated;

/// Arguments of `specc eval`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// A run directory.
    run: PathBuf,

    #[command(flatten)]
    at: AtArgs,

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
    let locations = environment::locations(args.data.data_dir.as_deref());
    let trained = match Trained::read(&args.run, args.at.at(), &locations) {
        Ok(trained) => trained,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error));
        }
    };
    let Trained { checkpoint, compiled, locations, .. } = &trained;
    let experiment = match trained.experiment(args.machine.machine(), environment::gpu_places()) {
        Ok(experiment) => experiment,
        Err(error) => return Ok(terminal.refuse(&error, &compiled.sources)),
    };
    let data = load_data(&experiment.spec().data, locations, args.data.offline, terminal);
    let dataset = match data {
        Ok(dataset) => dataset,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error));
        }
    };
    match experiment.evaluate(checkpoint, &dataset) {
        Ok(evaluated) => {
            show(args, checkpoint, &evaluated, terminal)?;
            Ok(Outcome::Ok)
        }
        Err(error) => Ok(terminal.refuse(&error, &compiled.sources)),
    }
}

fn show(
    args: &EvalArgs,
    checkpoint: &Checkpoint,
    evaluated: &Evaluated,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    if args.json {
        let mut document = serde_json::json!({
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
        if let Some(val) = &evaluated.val {
            document["val"] = serde_json::to_value(&val.summary)?;
        }
        terminal.print(serde_json::to_string_pretty(&document)?);
    } else {
        let width = Terminal::width() as u16;
        let Evaluated { train, val, test, .. } = evaluated;
        let val = val.as_ref().map(|val| &val.summary);
        let table = report::summary_table(&train.summary, val, &test.summary, width);
        terminal.print(format!(
            "{} after {} steps\n",
            args.run.display(),
            checkpoint.position.step
        ));
        terminal.print(table);
    }
    Ok(())
}
