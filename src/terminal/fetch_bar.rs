//! A fetch on the screen: a bar on a terminal, plain lines elsewhere.

use indicatif::ProgressBar;

use super::streams::{bar, beside, say};
use crate::data::fetch::{FetchEvent, FetchProgress};
use crate::report::fetching::{Said, said};

/// Draws a fetch on stderr.
#[derive(Debug)]
pub(crate) struct FetchBar {
    watched: bool,
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl FetchBar {
    /// With a bar if someone watches; `quiet` keeps problems only.
    pub(crate) fn new(watched: bool, quiet: bool) -> Self {
        Self { watched, quiet, bar: None }
    }

    fn note(&self, line: &str) {
        beside(self.bar.as_ref(), || say(line));
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl FetchProgress for FetchBar {
    fn event(&mut self, event: FetchEvent<'_>) {
        match event {
            FetchEvent::Started { file, bytes, have } => {
                self.clear();
                if self.watched && !self.quiet {
                    let template = "{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
                    let bar = bar(bytes, template);
                    bar.set_message(file.to_owned());
                    bar.set_position(have);
                    self.bar = Some(bar);
                    return;
                }
            }
            FetchEvent::Position(bytes) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(bytes);
                }
            }
            FetchEvent::Served { .. } => self.clear(),
            FetchEvent::Retry { .. }
            | FetchEvent::MirrorFailed(_)
            | FetchEvent::Unpacking(_)
            | FetchEvent::MovedAside { .. } => {}
        }
        match said(&event) {
            Some(Said::Problem(line)) => self.note(&line),
            Some(Said::Progress(line)) if !self.quiet => say(&line),
            Some(Said::Progress(_)) | None => {}
        }
    }
}

impl Drop for FetchBar {
    fn drop(&mut self) {
        self.clear();
    }
}
