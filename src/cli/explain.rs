//! `specc explain`: the page of a code or of a word of the language, or the list of all codes.

use std::io::{self, Write};

use clap::Args;

use crate::diag::{Code, nearest};
use crate::model::table;

/// Explain a code such as E0304, or a word of the language such as conv.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// The code or the word.
    #[arg(required_unless_present = "list", conflicts_with = "list", value_name = "CODE")]
    pub code: Option<String>,

    /// List all codes with one line each.
    #[arg(long)]
    pub list: bool,
}

/// Prints what is asked for and returns the exit code: 0, or 2 for an unknown code.
///
/// # Errors
/// `out` or `err` cannot be written to.
pub fn run(args: &ExplainArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let Some(text) = args.code.as_deref().filter(|_| !args.list) else {
        for code in Code::ALL {
            writeln!(out, "{}  {}", code.id(), code.summary())?;
        }
        out.flush()?;
        return Ok(0);
    };
    if let Some(page) = table::page(text) {
        writeln!(out, "{}", page.trim_end())?;
        out.flush()?;
        return Ok(0);
    }
    match text.parse::<Code>() {
        Ok(code) => {
            writeln!(out, "# {code}: {}\n\n{}", code.summary(), code.explanation().trim_end())?;
            out.flush()?;
            Ok(0)
        }
        Err(unknown) => {
            writeln!(err, "error: {unknown}")?;
            let known = Code::ALL.iter().map(|code| code.id());
            match nearest(&text.to_uppercase(), known) {
                Some(code) => writeln!(err, "  = help: the nearest code is `{code}`")?,
                None => writeln!(err, "  = help: `specc explain --list` lists all codes")?,
            }
            Ok(2)
        }
    }
}
