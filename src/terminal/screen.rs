//! A run on the screen: a bar on a terminal, plain lines elsewhere.

use indicatif::ProgressBar;

use super::streams::{LINE_SECONDS, Terminal, bar, beside, say};
use crate::diag::{Diagnostic, SourceMap};
use crate::experiment::epoch_line;
use crate::report::progress::Pace;
use crate::train::{Beginning, EpochRecord, Observer, Progress, Stopwatch};

/// Draws a run.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    terminal: &'a mut Terminal,
    /// What messages point into.
    sources: &'a SourceMap,
    verbose: bool,
    bar: Option<ProgressBar>,
    last_line: Stopwatch,
    pace: Pace,
}

impl<'a> Screen<'a> {
    /// For a run whose messages point into `sources`.
    pub(crate) fn new(terminal: &'a mut Terminal, sources: &'a SourceMap, verbose: bool) -> Self {
        let (last_line, pace) = (Stopwatch::start(), Pace::start());
        Self { terminal, sources, verbose, bar: None, last_line, pace }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show_bar(&mut self, steps: u64, done: u64) {
        let bar = bar(steps, "{bar:24} {pos}/{len} {msg}");
        bar.set_position(done);
        self.bar = Some(bar);
    }

    fn line(&self, text: &str) {
        beside(self.bar.as_ref(), || say(text));
    }
}

impl Observer for Screen<'_> {
    fn begins(&mut self, beginning: &Beginning<'_>) {
        let Beginning { dir, hash, seed, from, steps, threads, moved } = beginning;
        if let Some(moved) = moved {
            self.terminal.tell(format!("moved the old run to {}", moved.display()));
        }
        if self.verbose {
            let dir = dir.display();
            self.terminal.tell(format!("run {dir} ({hash}, seed {seed}, {threads} threads)"));
        }
        if let Some(from) = from {
            self.terminal.tell(format!("continuing {} from step {from}", dir.display()));
        }
        if Terminal::is_watched() && !self.terminal.is_quiet() {
            self.show_bar(*steps, from.unwrap_or(0));
        }
        (self.last_line, self.pace) = (Stopwatch::start(), Pace::start());
    }

    fn step(&mut self, progress: &Progress) {
        self.pace.step(progress);
        if self.terminal.is_quiet() {
            return;
        }
        let due = self.last_line.seconds() >= LINE_SECONDS;
        if self.bar.is_none() && !due {
            return;
        }
        let text = self.pace.text(progress);
        match &self.bar {
            Some(bar) => {
                bar.set_position(progress.step);
                bar.set_message(text);
            }
            None => say(&format!("step {}/{} {text}", progress.step, progress.steps)),
        }
        if due {
            self.last_line = Stopwatch::start();
        }
    }

    fn epoch(&mut self, record: &EpochRecord, seconds: f64) {
        if self.terminal.is_quiet() {
            return;
        }
        self.line(&epoch_line(record, seconds));
        self.last_line = Stopwatch::start();
    }

    fn note(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    fn warning(&mut self, warning: &Diagnostic) {
        let report = || self.terminal.report(std::slice::from_ref(warning), self.sources);
        beside(self.bar.as_ref(), report);
    }
}
