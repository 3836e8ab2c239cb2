//! `specc train`: compile, load the data, and run every seed.

mod plan;
mod seed;

use std::path::{Path, PathBuf};

use super::args::TrainArgs;
use super::compile::{Request, compile, outcome_of};
use super::environment;
use super::fetch::load_data;
use super::outcome::Outcome;
use super::signals::Signals;
use super::terminal::Terminal;
use crate::check;
use crate::report;
use crate::train::Summary;

use plan::Experiment;
use seed::{SeedEnd, run_seed};

/// Runs `specc train`.
pub(crate) fn run(args: &TrainArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let spec = match spec_path(args) {
        Ok(spec) => spec,
        Err(message) => {
            terminal.note(format!("error: {message}\n\nusage: specc train SPEC [key=value …]"));
            return Ok(Outcome::Usage);
        }
    };
    let locations = environment::locations(args.data.data_dir.as_deref(), spec.parent());
    let check = check::Options::default();
    let request = Request { spec: &spec, overrides: &args.overrides, locations: &locations, check };
    let compiled = compile(&request);
    terminal.report(&compiled.diagnostics, &compiled.sources);
    let (Some(model), Some(checked)) = (&compiled.model, &compiled.checked) else {
        return Ok(compiled.outcome());
    };
    let experiment = match Experiment::prepare(args, model, checked) {
        Ok(experiment) => experiment,
        Err(diagnostics) => {
            terminal.report(&diagnostics, &compiled.sources);
            return Ok(outcome_of(&diagnostics));
        }
    };
    if args.dry_run {
        terminal.print(experiment.describe());
        return Ok(Outcome::Ok);
    }
    let dataset = match load_data(&experiment.spec.data, &locations, args.data.offline, terminal) {
        Ok(dataset) => dataset,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::Data);
        }
    };
    let signals = Signals::install()?;
    let mut summaries = vec![];
    for seed in experiment.seeds.clone() {
        match run_seed(&experiment, &dataset, seed, &compiled, &signals, terminal) {
            SeedEnd::Finished { dir, summary } => summaries.push((dir, *summary)),
            SeedEnd::Ended(outcome) => return Ok(outcome),
        }
    }
    show(args, &summaries, terminal)?;
    Ok(Outcome::Ok)
}

fn show(
    args: &TrainArgs,
    summaries: &[(PathBuf, Summary)],
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    if args.json {
        let mut documents = vec![];
        for (dir, summary) in summaries {
            let mut document = serde_json::to_value(summary)?;
            document["run"] = dir.display().to_string().into();
            documents.push(document);
        }
        let document = match <[_; 1]>::try_from(documents) {
            Ok([document]) => document,
            Err(runs) => serde_json::json!({ "schema": "specc.train/1", "runs": runs }),
        };
        terminal.print(serde_json::to_string_pretty(&document)?);
        return Ok(());
    }
    for (dir, summary) in summaries {
        if summaries.len() > 1 {
            terminal.print(format!("seed {}", summary.seed));
        }
        let width = Terminal::width();
        terminal.print(report::summary_table(Some(&summary.train), &summary.test, width as u16));
        terminal.print(format!("run: {}\n", dir.display()));
    }
    Ok(())
}

/// The spec to compile: as given, or that of the run to resume.
fn spec_path(args: &TrainArgs) -> Result<PathBuf, String> {
    match (&args.spec, &args.resume) {
        (Some(spec), _) => Ok(spec.clone()),
        (None, Some(Some(dir))) => Ok(dir.join("resolved.net")),
        (None, Some(None) | None) => Err("no spec given".to_owned()),
    }
}

/// The directory that a run of `seed` uses.
fn run_dir(args: &TrainArgs, name: &str, hash: &str, seed: u64, several: bool) -> PathBuf {
    let given = match (&args.resume, &args.output) {
        (Some(Some(dir)), _) | (_, Some(dir)) => Some(dir),
        _ => None,
    };
    match given {
        Some(dir) if several => dir.join(format!("s{seed}")),
        Some(dir) => dir.clone(),
        None => Path::new("runs").join(name).join(format!("{}-s{seed}", &hash[..12])),
    }
}
