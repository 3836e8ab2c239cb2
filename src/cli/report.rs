//! `specc report`: runs, sweeps, comparisons and files of logits as a page, as text, or as figures for a paper.

mod claims;
mod subject;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use subject::{Subject, subject};

use super::comparing::DeeperArgs;
use super::environment;
use super::outcome::Outcome;
use super::problem::Problem;
use super::terminal::Terminal;
use crate::compile::Compiled;
use crate::data::{self, Dataset, Locations};
use crate::experiment::compile_run;
use crate::report::page::{Page, files, html, text};
use crate::report::runs::{Detail, Known, Member, groups_page, run_page};
use crate::store::{StoreError, read_spec, read_text, write_atomic};
use crate::study::Row;

/// The file where none is named.
const FILE: &str = "report.html";

/// The largest `FAILED` that is read, 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

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
    Ok(made.unwrap_or_else(|problem| problem.tell(form, terminal)))
}

fn page(args: &ReportArgs) -> Result<Page, Problem> {
    match subject(args)? {
        Subject::Run(row) => one(*row, args.data_dir.as_deref()),
        Subject::File(path) => {
            let member = Member::of_file(&path, Detail::Samples)?;
            Ok(run_page(&member, Known::default())?)
        }
        Subject::Study(study) => Ok(groups_page(&study)),
    }
}

/// The page of one run with whatever is at hand of its net and its data.
fn one(row: Row, data_dir: Option<&Path>) -> Result<Page, Problem> {
    let dir = row.run.path().to_owned();
    let member = Member::of_run(row, Detail::Samples)?;
    let (compiled, locations) = compile_run(&dir, &environment::locations(data_dir));
    let (data, no_data) = match dataset(&compiled, &locations) {
        Ok(data) => (Some(data), None),
        Err(why) => (None, Some(why)),
    };
    let spec = read_spec(&dir.join("resolved.net")).ok();
    let failed = dir.join("FAILED");
    let failure = if failed.is_file() { Some(read_text(&failed, MAX_BYTES)?) } else { None };
    let checked = compiled.checked.as_ref().or(compiled.refused.as_ref());
    let known = Known {
        net: checked.map(|checked| (checked, &compiled.sources)),
        spec: spec.as_deref(),
        data: data.as_ref(),
        no_data: no_data.as_deref(),
        failure: failure.as_deref(),
    };
    Ok(run_page(&member, known)?)
}

/// The data of a run, or why it is not at hand; nothing is fetched for a report.
fn dataset(compiled: &Compiled, locations: &Locations) -> Result<Dataset, String> {
    let Some((spec, _)) = compiled.sound() else {
        return Err(
            "The data is not known, because the spec of the run cannot be read here.".to_owned()
        );
    };
    data::load(&spec.data, locations)
        .map_err(|error| format!("Without pictures: the data is not at hand ({error})."))
}

/// Writes what is asked for.
fn write(args: &ReportArgs, page: &Page, terminal: &mut Terminal) -> Result<Outcome, Problem> {
    if args.text {
        let width = u16::try_from(Terminal::width()).unwrap_or(100);
        terminal.print(text(page, width));
    }
    if let Some(folder) = &args.figures {
        let files = files(page);
        std::fs::create_dir_all(folder).map_err(|error| StoreError::io("create", folder, error))?;
        for (name, contents) in &files {
            write_atomic(&folder.join(name), contents.as_bytes())?;
        }
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
