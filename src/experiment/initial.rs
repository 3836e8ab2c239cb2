//! The file that runs start from, with the names that its tensors have there.
//!
//! In: a safetensors file, and a map of names: lines `ours = theirs`, with `#` before comments. Out: its tensors under our names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ExperimentError;
use crate::diag::{Code, Diagnostic, ToDiagnostic, nearest};
use crate::ir;
use crate::lower::StateEntry;
use crate::store::{self, StoreError};

/// The largest map that is read, 1 MiB.
const MAX_MAP_BYTES: u64 = 1 << 20;

/// Tensors to start from.
#[derive(Clone, Debug)]
pub(super) struct Initial {
    /// Under our names.
    pub(super) tensors: Vec<StateEntry>,
    /// SHA-256, in hex, of the file and what the map changes.
    pub(super) hash: String,
}

impl Initial {
    /// Reads the file, and the map where there is one.
    pub(super) fn read(file: &Path, map: Option<&Path>) -> Result<Self, ExperimentError> {
        let file = store::read_tensors(file).map_err(ExperimentError::Init)?;
        let hash = ir::hex(&file.sha256);
        let Some(map) = map else { return Ok(Self { tensors: file.tensors, hash }) };
        let text = store::read_text(map, MAX_MAP_BYTES).map_err(ExperimentError::InitMap)?;
        let names = names(map, &text)?;
        let by_theirs: BTreeMap<&str, &str> =
            names.iter().map(|name| (name.theirs, name.ours)).collect();
        let known: Vec<&str> = file.tensors.iter().map(|entry| entry.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.theirs)) {
            let nearest = nearest(name.theirs, known.iter().copied()).map(str::to_owned);
            let problem = Problem::Unknown { name: name.theirs.to_owned(), nearest };
            return Err(NameMapError { path: map.to_owned(), line: name.line, problem }.into());
        }
        let taken: Vec<&str> = by_theirs.values().copied().collect();
        let mut tensors = vec![];
        for mut entry in file.tensors.iter().cloned() {
            match by_theirs.get(entry.name.as_str()) {
                Some(ours) => (*ours).clone_into(&mut entry.name),
                // Another tensor has this name now.
                None if taken.contains(&entry.name.as_str()) => continue,
                None => {}
            }
            tensors.push(entry);
        }
        let mut hasher = Sha256::new();
        hasher.update(&hash);
        for (theirs, ours) in &by_theirs {
            hasher.update(format!("\n{ours} = {theirs}"));
        }
        Ok(Self { tensors, hash: ir::hex(&hasher.finalize()) })
    }
}

/// A line of a map.
struct Name<'a> {
    line: usize,
    ours: &'a str,
    theirs: &'a str,
}

fn names<'a>(path: &Path, text: &'a str) -> Result<Vec<Name<'a>>, NameMapError> {
    let mut names: Vec<Name<'a>> = vec![];
    for (line, content) in (1..).zip(text.lines()) {
        let written = content.split('#').next().unwrap_or_default().trim();
        if written.is_empty() {
            continue;
        }
        let fail = |problem| NameMapError { path: path.to_owned(), line, problem };
        let pair = written.split_once('=').map(|(ours, theirs)| (ours.trim(), theirs.trim()));
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        let (ours, theirs) = pair
            .filter(|(ours, theirs)| is_name(ours) && is_name(theirs))
            .ok_or_else(|| fail(Problem::Form(written.to_owned())))?;
        let twice = names.iter().find_map(|known| {
            (known.ours == ours).then_some(ours).or((known.theirs == theirs).then_some(theirs))
        });
        if let Some(name) = twice {
            return Err(fail(Problem::Twice(name.to_owned())));
        }
        names.push(Name { line, ours, theirs });
    }
    Ok(names)
}

/// A map of names that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: the map of names cannot be used", path.display())]
pub struct NameMapError {
    /// The map.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not `ours = theirs`.
    Form(String),
    /// A name stands on a line before.
    Twice(String),
    /// The file of weights has no tensor of that name.
    Unknown {
        /// The name.
        name: String,
        /// The nearest one that it has.
        nearest: Option<String>,
    },
}

impl ToDiagnostic for NameMapError {
    fn to_diagnostic(&self) -> Diagnostic {
        let Self { path, line, problem } = self;
        let place = format!("{}:{line}", path.display());
        let diagnostic = Diagnostic::new(Code::E0720, "the file of `--init-map` cannot be used");
        match problem {
            Problem::Form(found) => diagnostic
                .note(format!("found: `{found}` ({place})"))
                .expected("lines `conv1.weight = features.0.weight`, ours first"),
            Problem::Twice(name) => diagnostic
                .note(format!("found: `{name}` for the second time ({place})"))
                .expected("each name once"),
            Problem::Unknown { name, nearest } => {
                let diagnostic = diagnostic
                    .note(format!("found: `{name}` ({place})"))
                    .expected("behind `=`, the name of a tensor in the file of `--init`");
                match nearest {
                    Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
                    None => diagnostic,
                }
            }
        }
    }
}

/// A map that cannot be read.
pub(super) fn unreadable(error: &StoreError) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Code::E0720, "the file of `--init-map` cannot be used");
    diagnostic.notes = error.to_diagnostic().notes;
    diagnostic.expected("lines `conv1.weight = features.0.weight`, ours first")
}
