//! `specc report`: runs, sweeps, comparisons and files of logits as a page, as text, or as figures for a paper.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::comparing::DeeperArgs;
use crate::report::page::{Page, files, html, text};
use crate::report::runs::{Asked, page_of};
use crate::store::{write_atomic, write_files};
use crate::study::QueryError;
use crate::terminal::{Outcome, Terminal, environment};

/// The file where none is named.
const FILE: &str = "report.html";

/// Arguments of `specc report`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// A run, several runs, the folder of a sweep, groups as `specc compare` takes them (`ROOT:label`), or files of logits.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,

    /// The page [default: report.html, unless `--text` or `--figures` is given].
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    /// Tables and curves for the terminal.
    #[arg(long)]
    text: bool,

    /// Write every figure as SVG, CSV and source for pgfplots into this folder.
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,

    #[command(flatten)]
    deeper: DeeperArgs,

    /// Open the page.
    #[arg(long)]
    open: bool,

    /// Folder with data sets, for pictures of samples [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs `specc report`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &ReportArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let made = page(args).and_then(|page| write(args, &page, terminal));
    let form = "specc report PATH … [-o FILE] [--text] [--figures DIR] [--open]";
    Ok(made.unwrap_or_else(|error| terminal.unanswered(&error, form)))
}

fn page(args: &ReportArgs) -> Result<Page, QueryError> {
    let deeper = args.deeper.deeper();
    if args.paths.len() == 1 && deeper.is_asked() {
        let problem =
            "`--match-scale` and `--samples` compare groups: name two, such as ROOT:label";
        return Err(QueryError::Usage(problem.to_owned()));
    }
    let locations = environment::locations(args.data_dir.as_deref());
    page_of(&Asked { paths: &args.paths, deeper, locations: &locations })
}

/// Writes what is asked for.
fn write(args: &ReportArgs, page: &Page, terminal: &mut Terminal) -> Result<Outcome, QueryError> {
    if args.text {
        let width = u16::try_from(Terminal::width()).unwrap_or(100);
        terminal.print(text(page, width));
    }
    if let Some(folder) = &args.figures {
        let files = files(page);
        write_files(folder, &files)?;
        terminal.note(format!("{} files in {}", files.len(), folder.display()));
    }
    let is_page = args.output.is_some() || args.open || !(args.text || args.figures.is_some());
    if !is_page {
        return Ok(Outcome::Ok);
    }
    let file = args.output.clone().unwrap_or_else(|| PathBuf::from(FILE));
    write_atomic(&file, html(page).as_bytes())?;
    terminal.note(format!("report: {}", file.display()));
    if args.open && !open(&file) {
        terminal.note(format!("error: no program opens {}; open it by hand", file.display()));
        return Ok(Outcome::Failed);
    }
    Ok(Outcome::Ok)
}

/// Asks the system to open a file; whether it did.
fn open(file: &Path) -> bool {
    let (program, before): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(target_os = "windows") {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(before).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
