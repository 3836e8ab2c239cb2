//! A fetch on the screen: a bar on a terminal, plain lines elsewhere.

use indicatif::ProgressBar;

use super::terminal::{bar, say};
use crate::data::Failure;
use crate::data::fetch::{FetchEvent, FetchProgress};
use crate::report::data_sets::megabytes;

/// Draws a fetch on stderr.
#[derive(Debug)]
pub struct FetchBar {
    watched: bool,
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl FetchBar {
    /// With a bar if someone watches; `quiet` keeps problems only.
    pub fn new(watched: bool, quiet: bool) -> Self {
        Self { watched, quiet, bar: None }
    }

    fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
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
                if self.quiet {
                    return;
                }
                if !self.watched {
                    let resumed = match have {
                        0 => String::new(),
                        have => format!(", {} of it are here", megabytes(have)),
                    };
                    say(&format!("fetching {file} ({}{resumed})", megabytes(bytes)));
                    return;
                }
                let template = "{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
                let bar = bar(bytes, template);
                bar.set_message(file.to_owned());
                bar.set_position(have);
                self.bar = Some(bar);
            }
            FetchEvent::Position(bytes) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(bytes);
                }
            }
            FetchEvent::Retry { url, reason } => {
                self.note(&format!("{url}: {reason}; trying again"));
            }
            FetchEvent::MirrorFailed(attempt) => {
                let why = match &attempt.failure {
                    Failure::Status(status) => format!("status {status}"),
                    Failure::Connection { reason, .. } => reason.clone(),
                    Failure::Length { found, expected } => {
                        format!("{found} bytes instead of {expected}")
                    }
                    Failure::Hash { .. } => "wrong SHA-256".to_owned(),
                };
                self.note(&format!("{}: {why}; asking the next mirror", attempt.url));
            }
            FetchEvent::Served { file, url } => {
                self.clear();
                if !self.quiet {
                    say(&format!("{file}: served by {url}, SHA-256 as published"));
                }
            }
            FetchEvent::Unpacking(file) => {
                if !self.quiet {
                    say(&format!("unpacking {file}"));
                }
            }
            FetchEvent::MovedAside { from, to } => {
                self.note(&format!("moved {} to {}", from.display(), to.display()));
            }
        }
    }
}

impl Drop for FetchBar {
    fn drop(&mut self) {
        self.clear();
    }
}
