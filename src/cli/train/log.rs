//! `log.txt`: what a run said, in plain lines, also where nobody watched.
//!
//! It grows with every command that works on the run. Times and ends of commands stand in it, so it
//! is no part of what equal runs share.

use super::super::progress::{RunProgress, epoch_line};
use crate::diag::{Diagnostic, RenderStyle, SourceMap, render};
use crate::store::{LineFile, RunDir, StoreError};
use crate::train::{EpochRecord, Observer, Progress};

/// Columns of messages in the file.
const WIDTH: usize = 100;

/// The file, open at its end.
#[derive(Debug)]
pub(crate) struct RunLog {
    file: LineFile,
}

impl RunLog {
    /// Opens the log of a run to write on; a last line that is not whole is dropped.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) fn open(dir: &RunDir) -> Result<Self, StoreError> {
        Ok(Self { file: LineFile::open_while(&dir.path().join("log.txt"), |_| true)? })
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) {
        // A log that cannot be written must not end a run: what matters is written elsewhere, and checked there.
        let _ = self.file.push(text);
    }

    /// Writes a message as the screen shows it, without colours.
    pub(crate) fn diagnostic(&mut self, diagnostic: &Diagnostic, sources: &SourceMap) {
        self.line(&render(diagnostic, sources, RenderStyle { color: false, width: WIDTH }));
    }
}

/// Draws a run and writes its log.
#[derive(Debug)]
pub(crate) struct LoggedProgress<'a> {
    /// The screen.
    pub(crate) screen: RunProgress,
    /// The file.
    pub(crate) log: &'a mut RunLog,
}

impl Observer for LoggedProgress<'_> {
    fn step(&mut self, progress: &Progress) {
        self.screen.step(progress);
    }

    fn epoch(&mut self, record: &EpochRecord, seconds: f64) {
        self.log.line(&epoch_line(record, seconds));
        self.screen.epoch(record, seconds);
    }

    fn note(&mut self, text: &str) {
        self.log.line(text);
        self.screen.note(text);
    }
}
