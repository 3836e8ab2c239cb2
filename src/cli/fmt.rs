//! `specc fmt`: the canonical layout of `.net` files, in place, as a check, or from stdin to stdout.
//!
//! A file is replaced whole or not at all: the new text goes to a file beside it that is then
//! renamed over it. A file that does not parse stays as it is.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::Args;

use crate::diag::{RenderStyle, SourceMap, render};
use crate::store::{read_at_most, replace};
use crate::syntax::format_bytes;
use crate::syntax::limits::MAX_BYTES;

/// At most one byte more than a spec may have.
const READ_LIMIT: u64 = MAX_BYTES as u64 + 1;

/// Format specs.
#[derive(Args, Clone, Debug)]
pub struct FmtArgs {
    /// Spec files; `-` reads a spec from stdin and writes it to stdout.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Change nothing; list the files that are not formatted and exit with 1 if there are any.
    #[arg(long)]
    pub check: bool,
}

/// Formats all files and returns the exit code.
///
/// 0: all are formatted now · 1: `--check` found files that are not · 2: a file cannot be read or
/// written · 3: a spec does not parse. Every file is tried whatever happens to the others.
///
/// # Errors
/// `out` or `err` cannot be written to.
pub fn run(
    args: &FmtArgs,
    style: RenderStyle,
    input: &mut dyn Read,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let (mut unreadable, mut invalid, mut changed) = (false, false, false);
    for path in &args.files {
        let from_stdin = path.as_os_str() == "-";
        let name = if from_stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let mut bytes = vec![];
        let bytes = if from_stdin {
            input.take(READ_LIMIT).read_to_end(&mut bytes).map(|_| bytes)
        } else {
            read_at_most(path, READ_LIMIT)
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                writeln!(err, "error: cannot read `{name}`: {error}")?;
                unreadable = true;
                continue;
            }
        };
        let (text, formatted) = match format_bytes(bytes) {
            Ok(texts) => texts,
            Err((text, diagnostics)) => {
                let mut sources = SourceMap::new();
                sources.add(name, text);
                for diagnostic in &diagnostics {
                    writeln!(err, "{}\n", render(diagnostic, &sources, style))?;
                }
                invalid = true;
                continue;
            }
        };
        if from_stdin && !args.check {
            out.write_all(formatted.as_bytes())?;
        } else if text != formatted {
            if args.check {
                changed = true;
                writeln!(out, "{name}")?;
            } else if let Err(error) = replace(path, &formatted) {
                writeln!(err, "error: cannot write `{name}`: {error}")?;
                unreadable = true;
            }
        }
    }
    out.flush()?;
    Ok(match (unreadable, invalid, changed) {
        (true, _, _) => 2,
        (_, true, _) => 3,
        (_, _, true) => 1,
        (false, false, false) => 0,
    })
}
