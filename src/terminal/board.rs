//! Runs by the workers of a process on the screen: one bar for all of them on a terminal, plain lines elsewhere.

use indicatif::ProgressBar;

use super::outcome::Outcome;
use super::streams::{LINE_SECONDS, Terminal, bar, beside, say};
use crate::experiment::ExperimentError;
use crate::report::progress::Crew;
use crate::study::{Event, RunEnd, Task};
use crate::train::{StopSignal, Stopwatch};

/// What is drawn.
pub(crate) struct Board<'a> {
    tasks: &'a [Task],
    crew: Crew<'a>,
    terminal: &'a mut Terminal,
    bar: Option<ProgressBar>,
    outcome: Outcome,
    last_line: Stopwatch,
}

impl<'a> Board<'a> {
    /// For tasks, so many of them at once.
    pub(crate) fn new(tasks: &'a [Task], jobs: usize, terminal: &'a mut Terminal) -> Self {
        let is_drawn = Terminal::is_watched() && !terminal.is_quiet();
        let bar = is_drawn.then(|| bar(tasks.len() as u64, "{bar:24} {pos}/{len} runs {msg}"));
        let (crew, last_line) = (Crew::new(tasks, jobs), Stopwatch::start());
        Self { tasks, crew, terminal, bar, outcome: Outcome::Ok, last_line }
    }

    fn line(&self, text: &str) {
        if self.bar.is_some() || !self.terminal.is_quiet() {
            beside(self.bar.as_ref(), || say(text));
        }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, task: usize, event: &Event) {
        let lines = self.crew.hear(task, event);
        let failed = match event {
            Event::Ended(RunEnd::Failed(failed), _) => Some(failed),
            Event::Begins { .. }
            | Event::Step(_)
            | Event::Epoch(..)
            | Event::Warning(_)
            | Event::Ended(..) => None,
        };
        // The session of those that failed together is told of once.
        if let Some(failed) =
            failed.filter(|failed| !matches!(failed.error, ExperimentError::Together(_)))
        {
            let terminal = &mut *self.terminal;
            self.outcome = beside(self.bar.as_ref(), || {
                let outcome = terminal.refuse(&failed.error, &failed.sources);
                lines.iter().for_each(|line| say(line));
                outcome
            });
        } else {
            lines.iter().for_each(|line| self.line(line));
        }
        match (event, &self.bar) {
            (Event::Warning(warning), bar) => {
                let (warning, sources) = &**warning;
                let report = || self.terminal.report(std::slice::from_ref(warning), sources);
                beside(bar.as_ref(), report);
            }
            (Event::Step(_), Some(bar)) => bar.set_message(self.crew.state()),
            (Event::Step(_), None) if self.last_line.seconds() >= LINE_SECONDS => {
                let (ended, all) = (self.crew.ended, self.tasks.len());
                self.line(&format!("{ended}/{all} runs {}", self.crew.state()));
                self.last_line = Stopwatch::start();
            }
            (Event::Ended(..), Some(bar)) => {
                bar.set_position(self.crew.ended as u64);
                bar.set_message(self.crew.state());
            }
            (Event::Begins { .. } | Event::Step(_) | Event::Epoch(..) | Event::Ended(..), _) => {}
        }
    }

    /// Takes the bar away; the outcome of all, which is that of `stop` where it left something to be done.
    pub(crate) fn finish(self, all_done: bool, stop: &dyn StopSignal) -> Outcome {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let stopped = stop.reason().filter(|_| !all_done);
        stopped.map_or(self.outcome, Outcome::from)
    }
}
