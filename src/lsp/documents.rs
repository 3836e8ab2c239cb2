//! The open texts and what the editor does to them.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lsp_types::{TextDocumentContentChangeEvent, Uri};

use super::analysis::Analysis;
use super::lines::Lines;
use super::uri;

/// An open text.
#[derive(Debug)]
pub(super) struct Document {
    /// The address that the editor has for it.
    pub(super) uri: Uri,
    /// Where it lies, if it is a file.
    pub(super) path: Option<PathBuf>,
    /// Counted by the editor.
    pub(super) version: i32,
    /// The text.
    pub(super) text: Rc<str>,
    /// Its lines.
    pub(super) lines: Lines,
    /// What is known about this version, once it was asked for.
    pub(super) analysis: OnceCell<Rc<Analysis>>,
}

impl Document {
    /// A text as it was opened.
    pub(super) fn new(uri: Uri, version: i32, text: &str) -> Self {
        let path = uri::path(&uri);
        let lines = Lines::new(text);
        Self { uri, path, version, text: text.into(), lines, analysis: OnceCell::new() }
    }

    /// The folder that imports and data are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// Makes the changes one after the other; the text is then that of `version`.
    pub(super) fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        self.version = version;
        let mut text = self.text.to_string();
        for change in changes {
            let Some(range) = change.range else {
                text = change.text;
                self.lines = Lines::new(&text);
                continue;
            };
            let a = self.lines.offset(&text, range.start);
            let b = self.lines.offset(&text, range.end);
            text.replace_range(a.min(b)..a.max(b), &change.text);
            self.lines = Lines::new(&text);
        }
        self.text = text.into();
        self.forget();
    }

    /// Drops what is known, because something that it depends on has changed.
    pub(super) fn forget(&mut self) {
        self.analysis = OnceCell::new();
    }
}
