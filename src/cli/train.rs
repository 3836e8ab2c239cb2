//! `specc train`: compile, load the data, and run every seed.

mod log;
mod plan;
mod seed;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::TrainArgs;
use super::compile::{self, Request};
use super::environment;
use super::fetch::load_data;
use super::outcome::Outcome;
use super::signals::Signals;
use super::terminal::Terminal;
use crate::check;
use crate::report;
use crate::store::RunDir;
use crate::train::Summary;

use plan::Experiment;
pub(crate) use plan::check_device;
use seed::{SeedEnd, run_seed};

/// Runs `specc train`.
pub(crate) fn run(args: &TrainArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let report = experiment(args, terminal)?;
    if args.json {
        terminal.print(serde_json::to_string_pretty(&report.document(terminal.reported())?)?);
    } else {
        report.show(terminal);
    }
    Ok(report.outcome)
}

/// What there is to say at the end.
struct Report {
    outcome: Outcome,
    /// What `--dry-run` would do.
    planned: Option<(String, Value)>,
    /// Finished runs.
    finished: Vec<(PathBuf, Summary)>,
    /// A run that was asked to stop, and the step after which it did.
    stopped: Option<(PathBuf, u64)>,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, planned: None, finished: vec![], stopped: None }
    }
}

impl Report {
    /// The one document of `--json`: the summary of a single finished run, else `specc.train/1`.
    fn document(&self, diagnostics: &[Value]) -> serde_json::Result<Value> {
        if let Some((_, planned)) = &self.planned {
            return Ok(planned.clone());
        }
        let mut runs = vec![];
        for (dir, summary) in &self.finished {
            let mut run = serde_json::to_value(summary)?;
            run["run"] = dir.display().to_string().into();
            runs.push(run);
        }
        if self.outcome == Outcome::Ok && runs.len() == 1 {
            return Ok(runs.remove(0));
        }
        let stopped = self
            .stopped
            .as_ref()
            .map(|(dir, step)| json!({ "run": dir.display().to_string(), "step": step }));
        Ok(json!({
            "schema": "specc.train/1",
            "ok": self.outcome == Outcome::Ok,
            "diagnostics": diagnostics,
            "stopped": stopped,
            "runs": runs,
        }))
    }

    fn show(&self, terminal: &mut Terminal) {
        if let Some((planned, _)) = &self.planned {
            terminal.print(planned);
        }
        for (dir, summary) in &self.finished {
            if self.finished.len() > 1 {
                terminal.print(format!("seed {}", summary.seed));
            }
            let width = Terminal::width() as u16;
            terminal.print(report::summary_table(Some(&summary.train), &summary.test, width));
            terminal.print(format!("run: {}\n", dir.display()));
        }
    }
}

fn experiment(args: &TrainArgs, terminal: &mut Terminal) -> anyhow::Result<Report> {
    let mut args = args.clone();
    let spec = match spec_path(&mut args) {
        Ok(spec) => spec,
        Err(message) => {
            terminal.report_usage(&message, "specc train SPEC [key=value …]");
            return Ok(Outcome::Usage.into());
        }
    };
    let resumed = args.spec.is_none().then(|| spec.parent().map(Path::to_owned)).flatten();
    let folder = resumed.as_deref().and_then(environment::spec_folder);
    let folder = folder.as_deref().or(spec.parent());
    let locations = environment::locations(args.data.data_dir.as_deref(), folder);
    let recorded = match resumed.as_deref().map(RunDir::identity_in).transpose() {
        Ok(recorded) => recorded.flatten(),
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::Failed.into());
        }
    };
    let check = check::Options::default();
    let request = Request { spec: &spec, overrides: &args.overrides, locations: &locations, check };
    let compiled = compile::compile(&request);
    terminal.report(&compiled.diagnostics, &compiled.sources);
    let (Some(model), Some(checked)) = (&compiled.model, &compiled.checked) else {
        return Ok(compile::outcome(&compiled).into());
    };
    let experiment = match Experiment::prepare(&args, model, checked, recorded.as_ref()) {
        Ok(experiment) => experiment,
        Err((outcome, diagnostics)) => {
            terminal.report(&diagnostics, &compiled.sources);
            return Ok(outcome.unwrap_or_else(|| Outcome::of(&diagnostics)).into());
        }
    };
    if args.dry_run {
        let planned = Some((experiment.describe(), experiment.describe_json()));
        return Ok(Report { planned, ..Outcome::Ok.into() });
    }
    let dataset = match load_data(&experiment.spec.data, &locations, args.data.offline, terminal) {
        Ok(dataset) => dataset,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error).into());
        }
    };
    let signals = Signals::install()?;
    let folder = environment::absolute(folder.unwrap_or(Path::new("")));
    let mut report = Report::from(Outcome::Ok);
    for seed in experiment.seeds.clone() {
        match run_seed(&experiment, &dataset, seed, &compiled, &folder, &signals, terminal) {
            SeedEnd::Finished { dir, summary } => report.finished.push((dir, *summary)),
            SeedEnd::Stopped { outcome, dir, step } => {
                return Ok(Report { outcome, stopped: Some((dir, step)), ..report });
            }
            SeedEnd::Failed(outcome) => return Ok(Report { outcome, ..report }),
        }
    }
    Ok(report)
}

/// The spec to compile: as given, or that of the run to resume.
///
/// `--resume a.net` names a spec, not a directory.
fn spec_path(args: &mut TrainArgs) -> Result<PathBuf, String> {
    if let (None, Some(Some(named))) = (&args.spec, &args.resume)
        && named.is_file()
    {
        args.spec = Some(named.clone());
        args.resume = Some(None);
    }
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
