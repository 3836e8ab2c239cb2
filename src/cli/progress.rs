//! A run on the screen: a bar on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::{Terminal, say};
use crate::train::{EpochRecord, Observer, Progress, Stopwatch};

/// Seconds between plain lines.
const LINE_SECONDS: f64 = 10.0;

/// Draws a run.
#[derive(Debug)]
pub(crate) struct RunProgress {
    bar: Option<ProgressBar>,
    quiet: bool,
    last_line: Stopwatch,
    rate: Rate,
}

#[derive(Debug)]
struct Rate {
    since: Stopwatch,
    samples: u64,
    steps: u64,
}

impl RunProgress {
    /// For a run of `steps` steps of which `done` are behind it.
    pub(crate) fn new(steps: u64, done: u64, quiet: bool) -> Self {
        let bar = (Terminal::is_watched() && !quiet).then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")
                .expect("the template is valid")
                .progress_chars("=> ");
            bar.set_style(style);
            bar.set_position(done);
            bar
        });
        Self {
            bar,
            quiet,
            last_line: Stopwatch::start(),
            rate: Rate { since: Stopwatch::start(), samples: 0, steps: 0 },
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, terminal_line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(terminal_line)),
            None => say(terminal_line),
        }
    }
}

impl Observer for RunProgress {
    fn step(&mut self, progress: &Progress) {
        self.rate.samples += progress.samples;
        self.rate.steps += 1;
        if self.quiet {
            return;
        }
        let due = self.last_line.seconds() >= LINE_SECONDS;
        if self.bar.is_none() && !due {
            return;
        }
        let seconds = self.rate.since.seconds().max(1e-9);
        let left = (progress.steps - progress.step) as f64 * seconds / self.rate.steps as f64;
        let text = format!(
            "epoch {} loss {:.4} acc {:.3} {:.0}/s eta {}",
            progress.epoch,
            progress.loss,
            progress.accuracy,
            self.rate.samples as f64 / seconds,
            duration(left),
        );
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
        if self.quiet {
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
}

/// An epoch in one line.
pub(crate) fn epoch_line(record: &EpochRecord, seconds: f64) -> String {
    format!(
        "epoch {:>3}{} train loss {:.4} acc {:.4} | test loss {:.4} acc {:.4} | {}",
        record.epoch,
        if record.partial { " (part)" } else { "" },
        record.train.loss,
        record.train.accuracy,
        record.test.loss,
        record.test.accuracy,
        duration(seconds),
    )
}

/// `1.2s`, `3m12s`, `2h05m`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    match whole {
        0..60 => format!("{seconds:.1}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}
