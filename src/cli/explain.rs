//! `specc explain`: the page of a code or of a word of the language, or the list of all codes.

use crate::diag::{Code, nearest};
use crate::model::table;
use crate::terminal::{Outcome, Terminal};

/// Explain a code such as E0304, or a word of the language such as conv.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The code or the word.
    #[arg(required_unless_present = "list", conflicts_with = "list", value_name = "CODE")]
    code: Option<String>,

    /// List all codes with one line each.
    #[arg(long)]
    list: bool,
}

/// Runs `specc explain`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &ExplainArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let Some(text) = args.code.as_deref().filter(|_| !args.list) else {
        for code in Code::ALL {
            terminal.print(format!("{}  {}", code.id(), code.summary()));
        }
        return Ok(Outcome::Ok);
    };
    if let Some(page) = table::page(text) {
        terminal.print(page.trim_end());
        return Ok(Outcome::Ok);
    }
    match text.parse::<Code>() {
        Ok(code) => {
            let page = code.explanation().trim_end();
            terminal.print(format!("# {code}: {}\n\n{page}", code.summary()));
            Ok(Outcome::Ok)
        }
        Err(unknown) => {
            let help = match nearest(&text.to_uppercase(), Code::ALL.iter().map(|code| code.id())) {
                Some(code) => format!("the nearest code is `{code}`"),
                None => "`specc explain --list` lists all codes".to_owned(),
            };
            terminal.note(format!("error: {unknown}\n  = help: {help}"));
            Ok(Outcome::Usage)
        }
    }
}
