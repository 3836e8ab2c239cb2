//! `specc lsp`: the language server on stdin and stdout.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::environment;
use super::outcome::Outcome;
use crate::data::{self, DataSpec, Description};
use crate::diag::{Diagnostic, ToDiagnostic};
use crate::lsp::{self, Host, Server};
use crate::store;

/// Most specs of a folder that are looked through for uses of a name, and how deep.
const MAX_SPECS: usize = 2000;
const MAX_DEPTH: usize = 8;

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
        let mut found = vec![];
        let mut todo = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = todo.pop() {
            let Ok(entries) = folder.read_dir() else { continue };
            for entry in entries.flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let hidden = name.to_string_lossy().starts_with('.');
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && !hidden && depth < MAX_DEPTH && name != "node_modules" {
                    todo.push((path, depth + 1));
                } else if kind.is_file() && path.extension().is_some_and(|end| end == "net") {
                    found.push(path);
                }
                if found.len() >= MAX_SPECS {
                    return found;
                }
            }
        }
        found.sort();
        found
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
