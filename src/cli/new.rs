//! `specc new`: a first spec from a template, written beside nothing that exists.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::diag::nearest;
use crate::store;
use crate::templates::{TEMPLATES, Template};
use crate::terminal::{Outcome, Terminal};

/// Write a spec to start from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The template; see `--list`.
    #[arg(default_value = "quickstart")]
    template: String,

    /// The file to write; `-` writes to stdout. Default: the name of the template in this folder.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// List the templates with their purpose.
    #[arg(long)]
    list: bool,
}

/// Runs `specc new`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &NewArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.list {
        for template in TEMPLATES {
            terminal.print(format!("{:<24}{}", template.name, template.purpose()));
        }
        return Ok(Outcome::Ok);
    }
    let Some(Template { name, text }) = Template::named(&args.template) else {
        let help = match nearest(&args.template, TEMPLATES.iter().map(|template| template.name)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`specc new --list` lists the templates".to_owned(),
        };
        let name = &args.template;
        terminal.note(format!("error: there is no template `{name}`\n  = help: {help}"));
        return Ok(Outcome::Usage);
    };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.net")));
    if path.as_os_str() == "-" {
        terminal.print(text);
        return Ok(Outcome::Ok);
    }
    let shown = path.display();
    if let Err(error) = store::create(&path, text) {
        terminal.note(format!("error: cannot write `{shown}`: {error}"));
        if error.kind() == ErrorKind::AlreadyExists {
            terminal.note("  = help: give another file by `-o FILE`");
        }
        return Ok(Outcome::Usage);
    }
    terminal.print(format!("wrote {shown}; next: specc train {shown}"));
    Ok(Outcome::Ok)
}
