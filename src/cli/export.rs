//! `specc export`: a trained net as a file for other programs.

use std::path::PathBuf;

use super::choice::{Words, choice};
use super::groups::{AtArgs, DataPlace};
use crate::diag::ToDiagnostic;
use crate::experiment::{Machine, Trained};
use crate::export::{About, Compared, Format, Source, compare};
use crate::terminal::{Outcome, Terminal, environment, load_data};

/// The form of the arguments.
const FORM: &str = "specc export RUN --format onnx|pytorch|safetensors [-o FILE] [--verify]";

/// Arguments of `specc export`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// A run directory.
    run: PathBuf,

    /// What is written [default: what the name of the file says].
    #[arg(long, value_parser = choice(FORMATS))]
    format: Option<Format>,

    /// The file [default: the name of the net in this folder].
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    at: AtArgs,

    /// Run the file on test samples by Python (`$SPECC_PYTHON`) and compare the logits.
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    data: DataPlace,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// `--format`.
const FORMATS: Words<Format> = &[
    ("onnx", "A model for inference in f32, `.onnx`", Format::Onnx),
    (
        "pytorch",
        "A module with loss and optimiser, `.py`, and its tensors beside it",
        Format::Pytorch,
    ),
    ("safetensors", "Parameters and running statistics", Format::Safetensors),
];

/// What was written and found.
struct Written {
    format: Format,
    files: Vec<PathBuf>,
    compared: Option<Compared>,
}

/// Why nothing, or not everything, was done.
struct Refused {
    outcome: Outcome,
    written: Option<Written>,
}

impl From<Outcome> for Refused {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, written: None }
    }
}

/// Runs `specc export`.
pub(crate) fn run(args: &ExportArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let (outcome, written) = match export(args, terminal) {
        Ok(written) => (Outcome::Ok, Some(written)),
        Err(Refused { outcome, written }) => (outcome, written),
    };
    if args.json {
        let document = document(outcome, written.as_ref(), terminal.reported());
        terminal.print(serde_json::to_string_pretty(&document)?);
    } else if let Some(written) = &written {
        for file in &written.files {
            terminal.print(format!("wrote {}", file.display()));
        }
        if let Some(compared) = &written.compared {
            terminal.print(compared.sentence());
        }
    }
    Ok(outcome)
}

fn document(
    outcome: Outcome,
    written: Option<&Written>,
    diagnostics: &[serde_json::Value],
) -> serde_json::Value {
    let files = written.map(|written| {
        let files = written.files.iter().map(|file| file.display().to_string());
        files.collect::<Vec<_>>()
    });
    serde_json::json!({
        "schema": "specc.export/1",
        "ok": outcome == Outcome::Ok,
        "diagnostics": diagnostics,
        "format": written.map(|written| written.format.ending()),
        "files": files.unwrap_or_default(),
        "verified": written.and_then(|written| written.compared.as_ref()).map(Compared::document),
    })
}

fn export(args: &ExportArgs, terminal: &mut Terminal) -> Result<Written, Refused> {
    let format = args.format.or_else(|| Format::of(args.output.as_deref()?));
    let Some(format) = format else {
        terminal.report_usage("no format given, and no file whose name says it", FORM);
        return Err(Outcome::Usage.into());
    };
    let is_tensors = |path: &PathBuf| Format::of(path) == Some(Format::Safetensors);
    if format == Format::Pytorch && args.output.as_ref().is_some_and(is_tensors) {
        let message = "the tensors beside the module would have its name; `-o` takes the module";
        terminal.report_usage(message, FORM);
        return Err(Outcome::Usage.into());
    }
    let locations = environment::locations(args.data.data_dir.as_deref());
    let trained = match Trained::read(&args.run, args.at.at, &locations) {
        Ok(trained) => trained,
        Err(error) => return Err(told(&error, terminal)),
    };
    let Trained { checkpoint, compiled, locations, .. } = &trained;
    let machine = Machine { threads: environment::processors(), ..Machine::default() };
    let experiment = trained.experiment(machine, environment::gpu_places());
    let experiment = experiment.map_err(|error| terminal.refuse(&error, &compiled.sources))?;
    let data = load_data(&experiment.spec().data, locations, args.data.offline, terminal);
    let dataset = data.map_err(|error| told(&error, terminal))?;
    let about = About::of_run(&trained, &experiment, &dataset);
    let (checked, spec) = (experiment.checked(), experiment.spec());
    // What evaluation saw is what others get.
    let state = checkpoint.state.clone().measured();
    let source = Source { checked, spec, state: &state, about: &about };
    let usual = || PathBuf::from(format!("{}.{}", spec.net.name.value, format.ending()));
    let path = args.output.clone().unwrap_or_else(usual);
    let files = format.write(&source, &path).map_err(|error| told(&error, terminal))?;
    let written = Written { format, files, compared: None };
    if !args.verify {
        return Ok(written);
    }
    let python = environment::python();
    let compared = compare(format, &source, &path, &python, &experiment, checkpoint, &dataset);
    match compared {
        Ok(compared) => {
            let differs = compared.to_diagnostic();
            let written = Written { compared: Some(compared), ..written };
            match differs {
                None => Ok(written),
                Some(differs) => {
                    terminal.report(&[differs], &compiled.sources);
                    Err(Refused { outcome: Outcome::Failed, written: Some(written) })
                }
            }
        }
        Err(error) => {
            terminal.report(&error.diagnostics(), &compiled.sources);
            Err(Refused { outcome: Outcome::Failed, written: Some(written) })
        }
    }
}

/// Says what is wrong.
fn told(error: &dyn ToDiagnostic, terminal: &mut Terminal) -> Refused {
    terminal.report_error(error);
    Outcome::of_error(error).into()
}
