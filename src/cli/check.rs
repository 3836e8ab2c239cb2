//! `specc check`: what is known about a spec before it runs.
//!
//! In: a spec. Out: a table of layers and the verdict on scaling; with `--json` one document `specc.check/1`;
//! with `--emit` one stage of the compiler as text.

use std::path::PathBuf;

use super::choice::{Words, choice};
use crate::check::numeric::Trial;
use crate::check::{Mode, Options};
use crate::compile::files::{self, Looked, Request};
use crate::data;
use crate::lower::Target;
use crate::report::check::{Emitted, emitted, json, text};
use crate::terminal::{Outcome, Terminal, environment};

/// Operations that `--numeric` may cost.
const NUMERIC_BUDGET: u64 = 30_000_000_000;

/// Arguments of `specc check`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The spec.
    spec: PathBuf,

    /// Changes to the spec: `loss.delta=0.1`.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// One JSON document on stdout.
    #[arg(long, conflicts_with = "emit")]
    json: bool,

    /// Print one stage of the compiler instead.
    #[arg(long, value_parser = choice(STAGES), value_name = "STAGE")]
    emit: Option<Emitted>,

    /// With `--emit plan`: the steps of the reference executor.
    #[arg(long)]
    no_fuse: bool,

    /// With `--emit plan`: the launches on a GPU.
    #[arg(long, conflicts_with = "no_fuse")]
    cuda: bool,

    /// Statistics that batch norms are judged with.
    #[arg(long, value_parser = choice(MODES), default_value = "train", value_name = "MODE")]
    bn: Mode,

    /// Try every claim in f64 and report the worst relative error.
    #[arg(long)]
    numeric: bool,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// `--emit`.
const STAGES: Words<Emitted> = &[
    ("ast", "The spec as parsed, in canonical layout", Emitted::Ast),
    ("model", "The spec with every default stated", Emitted::Model),
    ("ir", "The operations from the input to the logits", Emitted::Ir),
    ("facts", "The operations with their degrees, and the costs of the layers", Emitted::Facts),
    ("joint", "Forward, backward and updates", Emitted::Joint),
    ("plan", "The steps that run", Emitted::Plan),
    ("kernels", "The CUDA C++ that runs on a GPU", Emitted::Kernels),
    ("dot", "The net as a Graphviz graph", Emitted::Dot),
];

/// `--bn`.
const MODES: Words<Mode> = &[
    ("train", "Those of the batch", Mode::Train),
    ("eval", "Running statistics, as constants", Mode::Eval),
];

/// Runs `specc check`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &CheckArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let locations = environment::locations(args.data_dir.as_deref()).beside(args.spec.parent());
    let budget = if args.numeric { NUMERIC_BUDGET } else { Options::default().budget };
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: Options { budget, ..Options::from(args.bn) },
    };
    let Looked { mut compiled, sweeps, is_first_cell } = files::with_cells(&request);
    for (name, n) in sweeps {
        terminal.tell(format!("sweep {name}: {n} cells are sound"));
    }
    if is_first_cell {
        terminal.tell("what follows is its first cell");
    }
    if !files::look_at_data(&mut compiled, &locations) {
        let bound = data::GLANCE_BYTES >> 20;
        terminal.tell(format!("`specc train` looks at the composition of data above {bound} MiB"));
    }
    // A refused net has facts, too: they say why.
    let facts = compiled.checked.as_ref().or(compiled.refused.as_ref());
    let tried = match facts {
        Some(checked) if args.numeric => {
            let trial = Trial::new(checked, NUMERIC_BUDGET);
            Some((trial.drawn(), trial.claimed()))
        }
        Some(_) | None => None,
    };
    if args.json {
        let document = json::document(
            facts,
            &compiled.diagnostics,
            &compiled.sources,
            tried.as_ref().map(|(tried, _)| tried.as_slice()),
        );
        terminal.print(format!("{document:#}"));
        return Ok(Outcome::from(&compiled));
    }
    if let Some(stage) = args.emit {
        let target = match (args.no_fuse, args.cuda) {
            (true, _) => Target::Reference,
            (false, true) => Target::Cuda,
            (false, false) => Target::Cpu,
        };
        match emitted(&compiled, stage, target) {
            Ok(Some(text)) => terminal.print(text),
            Ok(None) => {}
            Err(errors) => terminal.report(&errors, &compiled.sources),
        }
        terminal.report(&compiled.diagnostics, &compiled.sources);
    } else {
        if let Some(checked) = &compiled.checked {
            let width = Terminal::width().min(text::WIDEST);
            terminal.print(text::report(checked, &compiled.sources, width));
            if let Some((tried, claimed)) = &tried {
                terminal.print(text::numeric(tried, *claimed, width));
            }
        }
        terminal.report(&compiled.diagnostics, &compiled.sources);
    }
    Ok(Outcome::from(&compiled))
}
