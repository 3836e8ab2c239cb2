//! `log.txt`: what a run said, in plain lines, also where nobody watched.
//!
//! It grows with every command that works on the run. Times and ends of commands stand in it, so it
//! is no part of what equal runs share.

use std::time::Duration;

use crate::diag::{Diagnostic, RenderStyle, SourceMap, render};
use crate::store::{LineFile, RunDir, StoreError};
use crate::train::{Beginning, EpochRecord, Means, Observer, Progress};

/// Messages in files of a run: no colours, and no screen to fit.
pub(super) const STYLE: RenderStyle = RenderStyle { color: false, width: 100 };

/// The file, open at its end.
#[derive(Debug)]
pub(super) struct RunLog {
    file: LineFile,
}

impl RunLog {
    /// Opens the log of a run to write on; a last line that is not whole is dropped.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn open(dir: &RunDir) -> Result<Self, StoreError> {
        Ok(Self { file: LineFile::open_while(&dir.path().join("log.txt"), |_| true)? })
    }

    /// Writes a line.
    pub(super) fn line(&mut self, text: &str) {
        // A log that cannot be written must not end a run: what matters is written elsewhere, and checked there.
        let _ = self.file.push(text);
    }

    /// Writes a message as the screen shows it, without colours.
    pub(super) fn diagnostic(&mut self, diagnostic: &Diagnostic, sources: &SourceMap) {
        self.line(&render(diagnostic, sources, STYLE));
    }
}

/// Writes the logs of the runs of a session, and lets another listen.
pub(super) struct Logged<'a> {
    /// The files, one for each run.
    pub(super) logs: &'a mut [RunLog],
    /// Whose events come next.
    pub(super) run: usize,
    /// Positions of the runs among those that the other listens to.
    pub(super) numbers: &'a [usize],
    /// What the messages of each run point into.
    pub(super) sources: Vec<&'a SourceMap>,
    /// Who else listens.
    pub(super) next: &'a mut dyn Observer,
}

impl Observer for Logged<'_> {
    fn begins(&mut self, beginning: &Beginning<'_>) {
        let Beginning { hash, seed, from, steps, .. } = beginning;
        let (version, from) = (env!("CARGO_PKG_VERSION"), from.unwrap_or(0));
        let line = format!("specc {version}: {hash}, seed {seed}, steps {from}..{steps}");
        self.logs[self.run].line(&line);
        self.next.begins(beginning);
    }

    fn of_run(&mut self, run: usize) {
        self.run = run;
        self.next.of_run(self.numbers[run]);
    }

    fn step(&mut self, progress: &Progress) {
        self.next.step(progress);
    }

    fn epoch(&mut self, record: &EpochRecord, seconds: f64) {
        self.logs[self.run].line(&epoch_line(record, seconds));
        self.next.epoch(record, seconds);
    }

    fn note(&mut self, text: &str) {
        self.logs.iter_mut().for_each(|log| log.line(text));
        self.next.note(text);
    }

    fn warning(&mut self, warning: &Diagnostic) {
        self.logs[self.run].diagnostic(warning, self.sources[self.run]);
        self.next.warning(warning);
    }
}

/// An epoch in one line.
pub fn epoch_line(record: &EpochRecord, seconds: f64) -> String {
    let part = |name: &str, means: Means| {
        format!("{name} loss {:.4} acc {:.4} | ", means.loss, means.accuracy)
    };
    format!(
        "epoch {:>3}{} {}{}{}{}",
        record.epoch,
        if record.partial { " (part)" } else { "" },
        part("train", record.train),
        record.val.map(|val| part("val", val)).unwrap_or_default(),
        part("test", record.test),
        duration(seconds),
    )
}

/// `1.2s`, `3m12s`, `2h05m`.
pub fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    match whole {
        0..60 => format!("{seconds:.1}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}
