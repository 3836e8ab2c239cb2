//! Many runs on the screen: one bar for all on a terminal, plain lines elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::outcome::Outcome;
use super::terminal::{Terminal, say};
use crate::experiment::{ExperimentError, duration};
use crate::study::{Event, Prepare, RunEnd, Team, work};
use crate::train::{Progress, StopSignal, Stopwatch};

/// Seconds between plain lines.
const LINE_SECONDS: f64 = 10.0;

/// Runs that are shown one by one beside the bar.
const SHOWN: usize = 3;

/// A run to be made.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// What it is called on the screen.
    pub(crate) name: String,
    /// Its directory.
    pub(crate) dir: PathBuf,
}

/// Tasks one by one.
pub(crate) fn singly(n_tasks: usize) -> Vec<Vec<usize>> {
    (0..n_tasks).map(|task| vec![task]).collect()
}

/// Works on tasks, those of a group together; the outcome of all, and how each ended, `None` where it was not begun.
pub(crate) fn make_all(
    tasks: &[Task],
    groups: &[Vec<usize>],
    team: Team,
    prepare: &Prepare<'_>,
    stop: &(dyn StopSignal + Sync),
    terminal: &mut Terminal,
) -> (Outcome, Vec<Option<RunEnd>>) {
    let mut board = Board::new(tasks, team.jobs, terminal);
    let mut ends: Vec<Option<RunEnd>> = tasks.iter().map(|_| None).collect();
    work(groups, team, prepare, stop, &mut |task, event| {
        if let Event::Ended(end, seconds) = event {
            board.ended(task, &end, seconds);
            ends[task] = Some(end);
        } else {
            board.show(task, event);
        }
    });
    let outcome = board.finish();
    let stopped =
        stop.reason().filter(|_| ends.iter().any(|end| !matches!(end, Some(RunEnd::Done(_)))));
    (stopped.map_or(outcome, Outcome::from), ends)
}

/// What is drawn.
struct Board<'a> {
    tasks: &'a [Task],
    jobs: usize,
    terminal: &'a mut Terminal,
    bar: Option<ProgressBar>,
    running: BTreeMap<usize, Option<Progress>>,
    begun: BTreeSet<usize>,
    ended: usize,
    /// Runs that were made here to their end, and how long they took together.
    made: (usize, f64),
    outcome: Outcome,
    last_line: Stopwatch,
}

impl<'a> Board<'a> {
    fn new(tasks: &'a [Task], jobs: usize, terminal: &'a mut Terminal) -> Self {
        let bar = (Terminal::is_watched() && !terminal.is_quiet()).then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(8);
            let bar = ProgressBar::with_draw_target(Some(tasks.len() as u64), target);
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} runs {msg}");
            bar.set_style(style.expect("the template is valid").progress_chars("=> "));
            bar
        });
        Self {
            tasks,
            jobs,
            terminal,
            bar,
            running: BTreeMap::new(),
            begun: BTreeSet::new(),
            ended: 0,
            made: (0, 0.0),
            outcome: Outcome::Ok,
            last_line: Stopwatch::start(),
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None if self.terminal.is_quiet() => {}
            None => say(text),
        }
    }

    fn show(&mut self, task: usize, event: Event) {
        match event {
            Event::Begins { dir, from, moved, .. } => {
                self.begun.insert(task);
                self.running.insert(task, None);
                if let Some(moved) = moved {
                    self.line(&format!("moved the old run to {}", moved.display()));
                }
                if let Some(from) = from {
                    self.line(&format!("continuing {} from step {from}", dir.display()));
                }
            }
            Event::Step(progress) => {
                self.running.insert(task, Some(progress));
                let due = self.last_line.seconds() >= LINE_SECONDS;
                match &self.bar {
                    Some(bar) => bar.set_message(self.state()),
                    None if due => {
                        self.line(&format!(
                            "{}/{} runs {}",
                            self.ended,
                            self.tasks.len(),
                            self.state()
                        ));
                        self.last_line = Stopwatch::start();
                    }
                    None => {}
                }
            }
            Event::Warning(warning) => {
                let (warning, sources) = *warning;
                self.line(&format!("{}:", self.tasks[task].name));
                let mut report = || self.terminal.report(std::slice::from_ref(&warning), &sources);
                match &self.bar {
                    Some(bar) => bar.suspend(report),
                    None => report(),
                }
            }
            Event::Epoch(..) | Event::Ended(..) => {}
        }
    }

    /// What runs, and how long it will take.
    fn state(&self) -> String {
        let mut parts: Vec<String> = vec![];
        for (task, progress) in self.running.iter().take(SHOWN) {
            let name = &self.tasks[*task].name;
            parts.push(match progress {
                Some(Progress { step, steps, epoch, loss, accuracy, .. }) => {
                    format!(
                        "{name} step {step}/{steps} epoch {epoch} loss {loss:.4} acc {accuracy:.3}"
                    )
                }
                None => name.clone(),
            });
        }
        if self.running.len() > SHOWN {
            parts.push(format!("and {} more", self.running.len() - SHOWN));
        }
        let (made, seconds) = self.made;
        if made > 0 {
            let left = self.tasks.len() - self.ended;
            let rounds = left as f64 / self.jobs.max(1) as f64;
            parts.push(format!("eta {}", duration(rounds * seconds / made as f64)));
        }
        parts.join(" | ")
    }

    fn ended(&mut self, task: usize, end: &RunEnd, seconds: f64) {
        self.ended += 1;
        self.running.remove(&task);
        let at = format!("{}/{} {}", self.ended, self.tasks.len(), self.tasks[task].name);
        match end {
            RunEnd::Done(summary) => {
                if self.begun.contains(&task) {
                    self.made = (self.made.0 + 1, self.made.1 + seconds);
                    let accuracy = summary
                        .test
                        .accuracy
                        .map_or(String::new(), |a| format!(": test accuracy {a:.4}"));
                    self.line(&format!("{at}{accuracy} ({})", duration(seconds)));
                }
            }
            RunEnd::Stopped(_, step) => {
                self.line(&format!("{at}: stopped after step {step}; the same command goes on"));
            }
            RunEnd::Held => self.line(&format!("{at}: another process works on it")),
            RunEnd::Failed(failed) if matches!(failed.error, ExperimentError::Together(_)) => {
                self.line(&format!("{at} failed: its session could not go on"));
            }
            RunEnd::Failed(failed) => {
                let terminal = &mut *self.terminal;
                let dir = self.tasks[task].dir.display();
                let mut refuse = || {
                    let outcome = terminal.refuse(&failed.error, &failed.sources);
                    say(&format!("{at} failed: {dir} (log.txt there says more)"));
                    outcome
                };
                self.outcome = match &self.bar {
                    Some(bar) => bar.suspend(refuse),
                    None => refuse(),
                };
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.ended as u64);
            bar.set_message(self.state());
        }
    }

    fn finish(self) -> Outcome {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.outcome
    }
}
