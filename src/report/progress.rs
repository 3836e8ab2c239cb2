//! What is said of runs while they are made, in lines; who shows them, and when, is left to others.

use std::collections::{BTreeMap, BTreeSet};

use crate::experiment::{ExperimentError, duration};
use crate::study::{Event, RunEnd, Task};
use crate::train::{Progress, Stopwatch};

/// Runs that are told of one by one.
const SHOWN: usize = 3;

/// How fast a run goes.
#[derive(Debug)]
pub struct Pace {
    since: Stopwatch,
    samples: u64,
    steps: u64,
}

impl Pace {
    /// From now on.
    pub fn start() -> Self {
        Self { since: Stopwatch::start(), samples: 0, steps: 0 }
    }

    /// Counts a step.
    pub fn step(&mut self, progress: &Progress) {
        self.samples += progress.samples;
        self.steps += 1;
    }

    /// How the run stands, samples a second, and how long it will take.
    pub fn text(&self, progress: &Progress) -> String {
        let seconds = self.since.seconds().max(1e-9);
        let left = (progress.steps - progress.step) as f64 * seconds / self.steps as f64;
        format!(
            "epoch {} loss {:.4} acc {:.3} {:.0}/s eta {}",
            progress.epoch,
            progress.loss,
            progress.accuracy,
            self.samples as f64 / seconds,
            duration(left),
        )
    }
}

/// Several runs that are made at once.
#[derive(Debug)]
pub struct Crew<'a> {
    tasks: &'a [Task],
    jobs: usize,
    running: BTreeMap<usize, Option<Progress>>,
    begun: BTreeSet<usize>,
    /// Runs that are over.
    pub ended: usize,
    /// Runs that were made here to their end, and how long they took together.
    made: (usize, f64),
}

impl<'a> Crew<'a> {
    /// For tasks, so many of them at once.
    pub fn new(tasks: &'a [Task], jobs: usize) -> Self {
        let (running, begun) = (BTreeMap::new(), BTreeSet::new());
        Self { tasks, jobs, running, begun, ended: 0, made: (0, 0.0) }
    }

    /// Takes note of an event of a task; what is to be said of it, line by line. Of warnings and failures that is a line that
    /// stands beside the message.
    pub fn hear(&mut self, task: usize, event: &Event) -> Vec<String> {
        match event {
            Event::Begins { dir, from, moved, .. } => {
                self.begun.insert(task);
                self.running.insert(task, None);
                let moved =
                    moved.as_ref().map(|to| format!("moved the old run to {}", to.display()));
                let from =
                    from.map(|from| format!("continuing {} from step {from}", dir.display()));
                moved.into_iter().chain(from).collect()
            }
            Event::Step(progress) => {
                self.running.insert(task, Some(*progress));
                vec![]
            }
            Event::Warning(_) => vec![format!("{}:", self.tasks[task].name)],
            Event::Epoch(..) => vec![],
            Event::Ended(end, seconds) => self.ends(task, end, *seconds).into_iter().collect(),
        }
    }

    fn ends(&mut self, task: usize, end: &RunEnd, seconds: f64) -> Option<String> {
        self.ended += 1;
        self.running.remove(&task);
        let at = format!("{}/{} {}", self.ended, self.tasks.len(), self.tasks[task].name);
        match end {
            RunEnd::Done(_) if !self.begun.contains(&task) => None,
            RunEnd::Done(summary) => {
                self.made = (self.made.0 + 1, self.made.1 + seconds);
                let accuracy = summary.test.accuracy;
                let accuracy =
                    accuracy.map_or(String::new(), |a| format!(": test accuracy {a:.4}"));
                Some(format!("{at}{accuracy} ({})", duration(seconds)))
            }
            RunEnd::Stopped(_, step) => {
                Some(format!("{at}: stopped after step {step}; the same command goes on"))
            }
            RunEnd::Held => Some(format!("{at}: another process works on it")),
            RunEnd::Failed(failed) if matches!(failed.error, ExperimentError::Together(_)) => {
                Some(format!("{at} failed: its session could not go on"))
            }
            RunEnd::Failed(_) => {
                let dir = self.tasks[task].dir.display();
                Some(format!("{at} failed: {dir} (log.txt there says more)"))
            }
        }
    }

    /// What runs, and how long it will take.
    pub fn state(&self) -> String {
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
}
