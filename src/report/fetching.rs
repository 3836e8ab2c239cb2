//! What is said while a data set is fetched.

use super::data_sets::megabytes;
use crate::data::Failure;
use crate::data::fetch::FetchEvent;

/// What an event is for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Progress, which nobody needs to see.
    Progress(String),
    /// Something that did not go as it should.
    Problem(String),
}

/// An event in one line; none of bytes alone.
pub fn said(event: &FetchEvent<'_>) -> Option<Said> {
    Some(match event {
        FetchEvent::Started { file, bytes, have } => {
            let resumed = match have {
                0 => String::new(),
                have => format!(", {} of it are here", megabytes(*have)),
            };
            Said::Progress(format!("fetching {file} ({}{resumed})", megabytes(*bytes)))
        }
        FetchEvent::Position(_) => return None,
        FetchEvent::Retry { url, reason } => {
            Said::Problem(format!("{url}: {reason}; trying again"))
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
            Said::Problem(format!("{}: {why}; asking the next mirror", attempt.url))
        }
        FetchEvent::Served { file, url } => {
            Said::Progress(format!("{file}: served by {url}, SHA-256 as published"))
        }
        FetchEvent::Unpacking(file) => Said::Progress(format!("unpacking {file}")),
        FetchEvent::MovedAside { from, to } => {
            Said::Problem(format!("moved {} to {}", from.display(), to.display()))
        }
    })
}
