//! `specc lsp`: the language server on stdin and stdout.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::data::{self, DataSpec, Description};
use crate::diag::{Diagnostic, ToDiagnostic};
use crate::lsp::{self, Host, Server};
use crate::store;
use crate::terminal::{Outcome, environment};

/// Serve an editor: diagnostics, completion, hover and the rest, over stdin and stdout.
#[derive(Args, Clone, Debug)]
pub(crate) struct LspArgs {
    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Accepted, because editors give it: stdin and stdout are all there is.
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Files and data as they are on this machine.
struct Machine {
    data_dir: Option<PathBuf>,
}

impl Host for Machine {
    fn import(&self, folder: &Path, path: &str) -> Result<String, String> {
        store::read_import(folder, path)
    }

    fn describe(&self, folder: &Path, spec: &DataSpec) -> Result<Description, Box<Diagnostic>> {
        let locations = environment::locations(self.data_dir.as_deref()).beside(Some(folder));
        data::describe(spec, &locations).map_err(|error| Box::new(error.to_diagnostic()))
    }

    fn specs_below(&self, folder: &Path) -> Vec<PathBuf> {
        store::specs_below(folder)
    }
}

/// Serves until the editor ends it: 0, or 1 where it did so without `shutdown`.
///
/// # Errors
/// The streams cannot be read or written.
pub(crate) fn run(args: &LspArgs) -> anyhow::Result<Outcome> {
    let server = Server::new(Box::new(Machine { data_dir: args.data_dir.clone() }));
    let announced = lsp::serve(server, io::BufReader::new(io::stdin()), io::stdout().lock())?;
    Ok(if announced { Outcome::Ok } else { Outcome::Failed })
}
