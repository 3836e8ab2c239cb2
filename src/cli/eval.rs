//! `specc eval`: the measures of a trained run, taken again from its checkpoint.

use std::path::PathBuf;

use super::groups::{AtArgs, DataPlace, MachineArgs};
use crate::experiment::Trained;
use crate::report::training::{evaluation_document, evaluation_text};
use crate::store::Checkpoint;
use crate::terminal::{Halt, Outcome, Terminal, environment, settled, sound_data};
use crate::train::Evaluated;

/// Arguments of `specc eval`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// A run directory.
    run: PathBuf,

    #[command(flatten)]
    at: AtArgs,

    #[command(flatten)]
    machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `specc eval`.
pub(crate) fn run(args: &EvalArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let ended = evaluate(args, terminal).and_then(|(trained, evaluated)| {
        show(args, &trained.checkpoint, &evaluated, terminal)?;
        Ok(Outcome::Ok)
    });
    let outcome = settled(ended)?.unwrap_or_else(|outcome| outcome);
    if args.json && outcome != Outcome::Ok {
        let diagnostics = terminal.reported();
        let document = serde_json::json!({ "schema": "specc.eval/1", "ok": false, "diagnostics": diagnostics });
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}

fn evaluate(args: &EvalArgs, terminal: &mut Terminal) -> Result<(Trained, Evaluated), Halt> {
    let locations = environment::locations(args.data.data_dir.as_deref());
    let trained = terminal.sound(Trained::read(&args.run, args.at.at, &locations))?;
    let Trained { checkpoint, compiled, locations, .. } = &trained;
    let refuse = |error, terminal: &mut Terminal| terminal.refuse(&error, &compiled.sources);
    let experiment = trained
        .experiment(args.machine.machine(), environment::gpu_places())
        .map_err(|error| refuse(error, terminal))?;
    let data = &experiment.spec().data;
    let dataset = sound_data(data, locations, args.data.offline, terminal)?;
    let evaluated = experiment.evaluate(checkpoint, &dataset);
    let evaluated = evaluated.map_err(|error| refuse(error, terminal))?;
    Ok((trained, evaluated))
}

fn show(
    args: &EvalArgs,
    checkpoint: &Checkpoint,
    evaluated: &Evaluated,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    if args.json {
        let document = evaluation_document(&args.run, checkpoint, evaluated);
        terminal.print(serde_json::to_string_pretty(&document)?);
    } else {
        let width = Terminal::width() as u16;
        terminal.print(evaluation_text(&args.run, checkpoint, evaluated, width));
    }
    Ok(())
}
