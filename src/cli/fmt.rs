//! `specc fmt`: the canonical layout of `.net` files, in place, as a check, or from stdin to stdout.
//!
//! A file is replaced whole or not at all: the new text goes to a file beside it that is then
//! renamed over it. A file that does not parse stays as it is.
#![expect(clippy::disallowed_methods, reason = "the command reads the files it is asked to format")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::diag::{Diagnostics, RenderStyle, SourceMap, render};
use crate::syntax::limits::MAX_BYTES;
use crate::syntax::{decode, format};

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
        let bytes = if from_stdin { read_bounded(input) } else { read_file(path) };
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

/// The text and its formatted form, or the text and what is wrong with it.
fn format_bytes(bytes: Vec<u8>) -> Result<(String, String), (String, Diagnostics)> {
    let text = decode(bytes).map_err(|diagnostic| (String::new(), vec![diagnostic]))?;
    match format(&text) {
        Ok(formatted) => Ok((text, formatted)),
        // The text of a message is kept short: its labels point at the first byte alone.
        Err(diagnostics) if text.len() > MAX_BYTES => Err((String::new(), diagnostics)),
        Err(diagnostics) => Err((text, diagnostics)),
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    read_bounded(&mut { file })
}

/// At most one byte more than a spec may have.
fn read_bounded(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    input.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts `text` in place of the file, which keeps its permissions; a link keeps pointing to it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
