//! `specc graph`: the net as a picture with shapes and degrees, SVG or Graphviz text.

use std::path::PathBuf;

use crate::compile::files;
use crate::report::picture;
use crate::store::write_atomic;
use crate::terminal::{Outcome, Terminal, environment};

/// Arguments of `specc graph`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GraphArgs {
    /// The spec.
    spec: PathBuf,

    /// Changes to the spec.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// The picture: a file that ends in `.svg` or `.dot`; without it, Graphviz text on stdout.
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    /// Every use of a block by itself; without it, equal ones behind each other are one frame with their count.
    #[arg(long)]
    expand: bool,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs `specc graph`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &GraphArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let ending = args.output.as_ref().map(|path| path.extension().and_then(|e| e.to_str()));
    let draw = match ending {
        None | Some(Some("dot" | "gv")) => picture::dot,
        Some(Some("svg")) => picture::svg,
        Some(_) => {
            terminal.note("error: `-o` takes a file that ends in `.svg` or `.dot`");
            return Ok(Outcome::Usage);
        }
    };
    let locations = environment::locations(args.data_dir.as_deref()).beside(args.spec.parent());
    let compiled = files::facts(&args.spec, &args.overrides, &locations);
    terminal.report(&compiled.diagnostics, &compiled.sources);
    let Some(checked) = &compiled.checked else { return Ok(Outcome::from(&compiled)) };
    let text = draw(&picture::picture(checked, args.expand));
    match &args.output {
        None => terminal.print(text),
        Some(path) => {
            if let Err(error) = write_atomic(path, text.as_bytes()) {
                terminal.report_error(&error);
                return Ok(Outcome::Failed);
            }
        }
    }
    Ok(Outcome::from(&compiled))
}
