//! What stands behind a name on the command line: runs, or files of logits.

use std::path::{Path, PathBuf};

use super::member::Member;
use crate::store::StoreError;
use crate::study::{Row, RunState, find};

/// Members under one name.
#[derive(Clone, Debug)]
pub struct RunGroup {
    /// As the user says it.
    pub name: String,
    /// Its finished runs, or its files.
    pub(crate) members: Vec<Member>,
}

/// Why groups cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Incomparable {
    /// Less than two groups.
    #[error("a comparison takes two groups or more")]
    One,
    /// A group without a finished run.
    #[error("`{0}` has no finished run")]
    Empty(String),
    /// Other data, or other numbers of samples or classes.
    #[error("`{0}` and `{1}` were measured on other data: {2}")]
    Data(String, String, String),
    /// A group or a measure that cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// A run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RunGroup {
    /// The finished runs of a directory, of a folder, of a pattern such as `runs/fig3/*-s0`, or below a folder those with
    /// some labels (`ROOT:two`, `ROOT:loss=two,net=small`); else files of logits, one or by a pattern.
    ///
    /// # Errors
    /// [`Incomparable`] where there is nothing of that name, or it cannot be read.
    pub fn named(name: &str) -> Result<Self, Incomparable> {
        let (root, labels) = match name.rsplit_once(':') {
            Some((root, labels)) if !Path::new(name).exists() => (root, Some(labels)),
            Some(_) | None => (name, None),
        };
        let paths = paths(root)?;
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.into_iter().partition(|path| path.is_dir());
        let wanted: Vec<&str> =
            labels.map_or(vec![], |labels| labels.split(',').map(str::trim).collect());
        let fits = |row: &Row| {
            wanted.iter().all(|wanted| match wanted.split_once('=') {
                Some((axis, label)) => row.labels.get(axis).is_some_and(|own| own == label),
                None => row.labels.values().any(|own| own == wanted),
            })
        };
        let rows = find(&folders)?;
        let is_wanted = |row: &Row| row.state == RunState::Done && fits(row);
        let mut members: Vec<Member> =
            rows.into_iter().filter(is_wanted).map(Member::of_run).collect();
        if labels.is_none() {
            for (place, file) in files.iter().enumerate() {
                members.push(Member::of_file(file, place)?);
            }
        }
        Ok(Self { name: labels.unwrap_or(root).to_owned(), members })
    }

    /// Its runs; none for files of logits.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.members.iter().filter_map(Member::run)
    }

    /// Its files of logits.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.members.iter().filter(|member| member.run().is_none()).map(Member::path)
    }
}

/// The paths of a pattern in their order, or the one path.
fn paths(pattern: &str) -> Result<Vec<PathBuf>, Incomparable> {
    let none = || Incomparable::Usage(format!("there is no folder or file `{pattern}`"));
    if Path::new(pattern).exists() {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(none());
    }
    let found = glob::glob(pattern).map_err(|error| Incomparable::Usage(error.to_string()))?;
    let paths: Vec<PathBuf> = found.filter_map(Result::ok).collect();
    if paths.is_empty() { Err(none()) } else { Ok(paths) }
}
