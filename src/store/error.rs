//! What can go wrong with run directories and their files.

use std::io;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::measure::StoredError;

/// A file or directory of a run cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// `write`, `read`, `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The directory is not empty and no run.
    #[error("`{}` holds something else", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the entries found.
        found: String,
    },
    /// The directory holds a run of another spec, seed or precision.
    #[error("`{}` holds another run", path.display())]
    OtherRun {
        /// The directory.
        path: PathBuf,
        /// What differs: `spec_hash`, `seed`, `data`, `edition`.
        what: &'static str,
        /// The value in the directory.
        found: String,
        /// The value asked for.
        expected: String,
    },
    /// Another process works there.
    #[error("`{}` is in use", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The path is no run directory.
    #[error("`{}` is not a run directory", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
    },
    /// The run keeps no weights of a best epoch.
    #[error("`{}` keeps no weights of a best epoch", path.display())]
    NoBest {
        /// The run.
        path: PathBuf,
    },
    /// A file does not hold logits.
    #[error("{}: {error}", path.display())]
    Logits {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<StoredError>,
    },
    /// A file does not hold what it should.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The weights of the best epoch are missing or changed.
    #[error("`{}` is damaged: {reason}", path.display())]
    DamagedBest {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A file that only repeats a checkpoint does not.
    #[error("`{}` is damaged: {reason}", path.display())]
    DamagedCopy {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}

impl ToDiagnostic for StoreError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Io { action, path, source } => {
                let diagnostic =
                    Diagnostic::new(Code::E0704, format!("cannot {action} a file of the run"))
                        .note(format!("file: {}", path.display()))
                        .note(format!("found: {source}"));
                let kind = source.kind();
                let full =
                    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                let refused = io::ErrorKind::PermissionDenied;
                if full {
                    diagnostic.help(
                        "free some space and start the same command again; the last checkpoint is kept",
                    )
                } else if kind == refused || kind == io::ErrorKind::ReadOnlyFilesystem {
                    diagnostic.help("give the run another directory with `-o DIR`")
                } else {
                    diagnostic
                }
            }
            Self::Foreign { path, found } => {
                Diagnostic::new(Code::E0701, "the output directory holds something else")
                    .note(format!("directory: {}", path.display()))
                    .note(format!("found: `{found}`"))
                    .expected("an empty or new directory, or one that holds a run")
                    .help("name another directory with `-o DIR`")
            }
            Self::OtherRun { path, what, found, expected } => Diagnostic::new(
                Code::E0702,
                "the output directory holds another run",
            )
            .note(format!("directory: {}", path.display()))
            .note(format!("found: {what} {found}"))
            .expected(format!("{what} {expected}"))
            .help(if *what == "edition" {
                format!(
                    "an earlier version made it; `specc runs {} --rename` gives it today's identity",
                    path.display()
                )
            } else {
                "name another directory with `-o DIR`, or add `--force` to move the old run aside"
                    .to_owned()
            }),
            Self::Locked { path } => {
                Diagnostic::new(Code::E0703, "the run is in use by another process")
                    .note(format!("directory: {}", path.display()))
                    .help("wait for the other process, or name another directory with `-o DIR`")
            }
            Self::NotARun { path } => Diagnostic::new(Code::E0706, "not a run directory")
                .note(format!("path: {}", path.display()))
                .expected("a directory written by `specc train`")
                .help("runs are stored under `runs/<spec>/` unless `-o` named another place"),
            Self::NoBest { path } => {
                Diagnostic::new(Code::E0721, "the run keeps no weights of a best epoch")
                    .note(format!("run: {}", path.display()))
                    .expected("a run with `keep = best(…)` and a whole epoch behind it")
                    .help("leave `--at best` out, or train with `keep = best(val.accuracy)`")
            }
            Self::Logits { path, error } => {
                error.to_diagnostic().note(format!("in: {}", path.display()))
            }
            Self::DamagedCopy { path, reason } => {
                Diagnostic::new(Code::E0705, "a file of the run is damaged")
                    .note(format!("file: {}", path.display()))
                    .note(format!("found: {reason}"))
                    .help(
                        "remove this file: `specc train` writes it again from `resume.safetensors`",
                    )
            }
            Self::DamagedBest { path, reason } => {
                Diagnostic::new(Code::E0705, "a file of the run is damaged")
                    .note(format!("file: {}", path.display()))
                    .note(format!("found: {reason}"))
                    .help("leave `--at best` out: the weights of the end are whole")
            }
            Self::Damaged { path, reason } => {
                Diagnostic::new(Code::E0705, "a file of the run is damaged")
                    .note(format!("file: {}", path.display()))
                    .note(format!("found: {reason}"))
                    .help(
                        "start again with `--force`; the old directory is moved aside, not deleted",
                    )
            }
        }
    }
}
