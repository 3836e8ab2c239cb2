//! The arguments of every command, and what `specc` says without any.

#[cfg(feature = "exec")]
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::completions::CompletionsArgs;
use super::environment;
use super::outcome::Outcome;
use super::terminal::{ColorChoice, Terminal};
#[cfg(feature = "exec")]
use crate::kernels::isa::{Isa, IsaKind};
#[cfg(feature = "exec")]
use crate::lower::{DType, Target};

/// Compiles, trains and measures the networks of `.net` files.
#[derive(Debug, Parser)]
#[command(name = "specc", version, max_term_width = 100, arg_required_else_help = false)]
pub(crate) struct Cli {
    /// When to use colours.
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    pub(crate) color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and measure it.
    #[cfg(feature = "exec")]
    Train(TrainArgs),
    /// Evaluate a trained run again.
    #[cfg(feature = "exec")]
    Eval(super::eval::EvalArgs),
    /// Show where the time of a step goes: each layer, forward and backward, against the peak.
    #[cfg(feature = "exec")]
    Time(super::time::TimeArgs),
    /// Check a spec: shapes, costs, and how the logits scale.
    Check(super::check::CheckArgs),
    /// Draw the network of a spec.
    Graph(super::graph::GraphArgs),
    /// Take measures of stored logits.
    Analyze(super::analyze::AnalyzeArgs),
    /// Bring specs into the canonical layout.
    Fmt(super::fmt::FmtArgs),
    /// Write a spec to start from.
    New(super::new::NewArgs),
    /// Explain the code of a message, or a word of the language.
    Explain(super::explain::ExplainArgs),
    /// List, fetch and verify data sets.
    Data(super::data::DataArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

impl Cli {
    /// `--threads`, where the command has it.
    pub(crate) fn threads(&self) -> Option<usize> {
        match &self.command {
            #[cfg(feature = "exec")]
            Some(Command::Train(args)) => Some(args.machine.threads()),
            #[cfg(feature = "exec")]
            Some(Command::Eval(args)) => Some(args.machine.threads()),
            #[cfg(feature = "exec")]
            Some(Command::Time(args)) => Some(args.machine.threads()),
            Some(
                Command::Check(_)
                | Command::Graph(_)
                | Command::Analyze(_)
                | Command::Fmt(_)
                | Command::New(_)
                | Command::Explain(_)
                | Command::Data(_)
                | Command::Completions(_),
            )
            | None => None,
        }
    }
}

/// Which machine a run uses.
#[cfg(feature = "exec")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MachineArgs {
    /// `auto`, `cpu`, `cuda` or `cuda:1`.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    pub(crate) device: String,

    /// Threads to use [default: all processors].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Precision.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) dtype: DTypeArg,

    /// Use the reference executor, operation by operation.
    #[arg(long)]
    pub(crate) no_fuse: bool,

    /// Instruction set of fused kernels; `avx512` and `avx2` give the same bits.
    #[arg(long, value_enum, default_value_t)]
    isa: IsaArg,
}

#[cfg(feature = "exec")]
impl MachineArgs {
    /// Precision asked for.
    pub(crate) fn dtype(&self) -> DType {
        match self.dtype {
            DTypeArg::F32 => DType::F32,
            DTypeArg::F64 => DType::F64,
        }
    }

    /// The executor: fused kernels, but the reference where they are turned off or know no such precision.
    pub(crate) fn target(&self, dtype: DType) -> Target {
        match dtype {
            DType::F32 if !self.no_fuse => Target::Cpu,
            DType::F32 | DType::F64 => Target::Reference,
        }
    }

    /// The instruction set asked for, if this processor has it.
    pub(crate) fn isa(&self) -> Option<Isa> {
        match self.isa {
            IsaArg::Auto => Some(Isa::detect()),
            IsaArg::Avx512 => Isa::new(IsaKind::Avx512),
            IsaArg::Avx2 => Isa::new(IsaKind::Avx2),
            IsaArg::Portable => Some(Isa::portable()),
        }
    }

    /// Threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            usize::from,
        )
    }
}

/// `--isa`.
#[cfg(feature = "exec")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum IsaArg {
    /// The fastest of this processor.
    #[default]
    Auto,
    /// 16 lanes in a register.
    Avx512,
    /// 8 lanes in a register, fused multiply-add.
    Avx2,
    /// No vector instructions beyond the baseline; other bits.
    Portable,
}

/// `--dtype`.
#[cfg(feature = "exec")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DTypeArg {
    /// 32-bit floating point.
    #[default]
    F32,
    /// 64-bit floating point, slow, for checks.
    F64,
}

/// Where data comes from.
#[cfg(feature = "exec")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataPlace {
    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Never fetch anything.
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Arguments of `specc train`.
#[cfg(feature = "exec")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TrainArgs {
    /// The spec; may be left out with `--resume DIR`.
    pub(crate) spec: Option<PathBuf>,

    /// Changes to the spec: `train.epochs=2 loss.delta=0.1`.
    #[arg(value_name = "key=value")]
    pub(crate) overrides: Vec<String>,

    /// The run directory; with several seeds, the folder of their directories.
    #[arg(short, long = "output", value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Run this seed only.
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,

    /// Run these seeds, half-open: `0..10`.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub(crate) seeds: Option<(u64, u64)>,

    #[command(flatten)]
    pub(crate) machine: MachineArgs,

    /// Start from the tensors of this safetensors file.
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,

    /// Stop after so many steps; nothing else changes.
    #[arg(long, value_name = "N")]
    pub(crate) max_steps: Option<u64>,

    /// Steps between lines of metrics.jsonl.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) log_every: u64,

    /// Try the scaling claims in f64 at every checkpoint and log the worst error.
    #[arg(long)]
    pub(crate) numeric: bool,

    #[command(flatten)]
    pub(crate) data: DataPlace,

    /// Insist on continuing a run: that of the spec, or the one in DIR.
    #[expect(clippy::option_option, reason = "no option, an option without and with a value")]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(crate) resume: Option<Option<PathBuf>>,

    /// Move an existing run aside and start again.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) force: bool,

    /// Say what would be done and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// More on what is done.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[cfg(feature = "exec")]
fn parse_device(text: &str) -> Result<String, String> {
    let index = text.strip_prefix("cuda:");
    match (text, index) {
        ("auto" | "cpu" | "cuda", _) => Ok(text.to_owned()),
        (_, Some(index)) if index.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected auto, cpu, cuda or cuda:1".to_owned()),
    }
}

#[cfg(feature = "exec")]
fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let range = text.split_once("..").ok_or("expected a range such as 0..10")?;
    let bound = |text: &str| text.trim().parse::<u64>().map_err(|e| format!("`{text}`: {e}"));
    let (first, end) = (bound(range.0)?, bound(range.1)?);
    match end.checked_sub(first) {
        None | Some(0) => Err(format!("`{text}` is empty; ranges are half-open")),
        Some(1..=10_000) => Ok((first, end)),
        Some(_) => Err("at most 10,000 seeds".to_owned()),
    }
}

/// Prints what clap has to say; usage errors exit with 2, with a document where `--json` asks for one.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing is left to do when even this cannot be printed.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::from(Outcome::Ok.code());
    }
    if environment::has_argument("--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let mut terminal = Terminal::new(ColorChoice::Never);
        terminal.print(format!("{:#}", usage_document(message)));
        terminal.flush();
    }
    ExitCode::from(Outcome::Usage.code())
}

/// What `--json` shows of a command line that cannot be understood.
pub(crate) fn usage_document(message: &str) -> serde_json::Value {
    serde_json::json!({
        "schema": "specc.usage/1",
        "ok": false,
        "diagnostics": [usage_problem(message)],
    })
}

/// A command line that cannot be understood, as one entry of `diagnostics`.
pub(crate) fn usage_problem(message: &str) -> serde_json::Value {
    serde_json::json!({
        "code": null,
        "severity": "error",
        "message": message,
        "file": null,
        "line": null,
        "column": null,
        "help": "`specc help` lists the commands, `specc help COMMAND` the options of one",
        "labels": [],
        "notes": [],
    })
}

/// `specc` alone: the way to a first run.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn print_first_steps(terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    terminal.print(
        "specc compiles, trains and measures the networks of .net files.\n\
         \n\
         A first run, which needs no data:\n\
         \x20 specc new quickstart\n\
         \x20 specc check quickstart.net\n\
         \x20 specc train quickstart.net\n\
         \n\
         `specc help` lists all commands, `specc help train` the options of one.",
    );
    Ok(Outcome::Ok)
}
