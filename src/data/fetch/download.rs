//! One published file from the first mirror that has it.
//!
//! In: name, length, SHA-256 and mirrors. Out: a `.part` file with exactly the published bytes. A connection that breaks is
//! taken up again where it broke; a server that cannot do that, or says so falsely, costs a fresh start, never a wrong file.

use std::io::Read;
use std::path::{Path, PathBuf};

use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode, header};

use super::store::PartFile;
use super::{FetchEvent, FetchProgress, Patience, RemoteFile};
use crate::data::error::DataError;
use crate::data::failure::{Attempt, Failure};
use crate::data::sums::sha256_of;

/// Bytes taken from the network at a time.
const BLOCK: usize = 1 << 16;

/// Most redirections of one request.
const REDIRECTS: u32 = 5;

/// Downloads `file` into `folder`; gives the path of the complete part file.
pub(super) fn download(
    file: &RemoteFile,
    folder: &Path,
    patience: Patience,
    progress: &mut dyn FetchProgress,
) -> Result<PathBuf, DataError> {
    let mut part = PartFile::open(folder, &file.name)?;
    if part.bytes > file.bytes {
        part.clear()?;
    }
    progress.event(FetchEvent::Started { file: &file.name, bytes: file.bytes, have: part.bytes });
    let agent = agent(patience);
    let mut attempts: Vec<Attempt> = vec![];
    for url in &file.urls {
        let mut mirror = Mirror { url, file, patience, agent: &agent };
        match mirror.fetch(&mut part, progress)? {
            Ok(()) => {
                part.sync()?;
                progress.event(FetchEvent::Served { file: &file.name, url });
                return Ok(part.path().to_path_buf());
            }
            Err(failure) => {
                let attempt = Attempt { url: url.clone(), failure };
                progress.event(FetchEvent::MirrorFailed(&attempt));
                attempts.push(attempt);
            }
        }
    }
    if part.bytes == 0 {
        super::store::remove(part.path());
    }
    Err(DataError::Fetch { file: file.name.clone(), attempts })
}

fn agent(patience: Patience) -> Agent {
    let silence = Some(patience.silence);
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(REDIRECTS)
        .timeout_connect(silence)
        .timeout_recv_response(silence)
        .timeout_per_read(silence)
        // The published bytes are compressed as they are; a second coding would only hide their length.
        .accept_encoding("identity")
        .user_agent(concat!("specc/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

struct Mirror<'a> {
    url: &'a str,
    file: &'a RemoteFile,
    patience: Patience,
    agent: &'a Agent,
}

/// How one request ended.
enum End {
    /// All bytes are there.
    Whole,
    /// The connection failed or broke.
    Broken(String),
    /// This server will not deliver.
    Failed(Failure),
}

impl Mirror<'_> {
    /// Completes `part` from this mirror. The outer error ends the fetch, the inner one the mirror.
    fn fetch(
        &mut self,
        part: &mut PartFile,
        progress: &mut dyn FetchProgress,
    ) -> Result<Result<(), Failure>, DataError> {
        // Bytes that came from somewhere else may be what is wrong: then this mirror gets a fresh start.
        let mut foreign = part.bytes > 0;
        loop {
            if let Err(failure) = self.complete(part, progress)? {
                return Ok(Err(failure));
            }
            let found = sha256_of(part.path())?;
            if found == self.file.sha256 {
                return Ok(Ok(()));
            }
            part.clear()?;
            progress.event(FetchEvent::Position(0));
            if !foreign {
                return Ok(Err(Failure::Hash { found, expected: self.file.sha256.clone() }));
            }
            foreign = false;
        }
    }

    fn complete(
        &self,
        part: &mut PartFile,
        progress: &mut dyn FetchProgress,
    ) -> Result<Result<(), Failure>, DataError> {
        let mut tries = 0;
        let mut mark = part.bytes;
        while part.bytes < self.file.bytes {
            let reason = match self.request(part, progress)? {
                End::Whole => break,
                End::Failed(failure) => return Ok(Err(failure)),
                End::Broken(reason) => reason,
            };
            // Only what goes beyond the farthest point counts, or a server that starts over each time would never end.
            if part.bytes >= mark.saturating_add(self.patience.progress) {
                tries = 0;
                mark = part.bytes;
            }
            tries += 1;
            if tries >= self.patience.tries {
                return Ok(Err(Failure::Connection { tries, reason }));
            }
            progress.event(FetchEvent::Retry { url: self.url, reason: &reason });
            (self.patience.wait)(tries);
        }
        Ok(Ok(()))
    }

    /// One request: for the rest if something is there, for all otherwise.
    fn request(
        &self,
        part: &mut PartFile,
        progress: &mut dyn FetchProgress,
    ) -> Result<End, DataError> {
        let mut request = self.agent.get(self.url);
        if part.bytes > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.bytes));
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(End::Broken(error.to_string())),
        };
        let expected = self.file.bytes;
        let length = number(response.headers(), &header::CONTENT_LENGTH);
        match response.status() {
            StatusCode::OK => {
                if let Some(found) = length.filter(|&found| found != expected) {
                    return Ok(End::Failed(Failure::Length { found, expected }));
                }
                // The server ignores ranges: what it sends starts at the first byte.
                part.clear()?;
            }
            StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
                Some((_, Some(found))) if found != expected => {
                    return Ok(End::Failed(Failure::Length { found, expected }));
                }
                Some((start, _)) if start == part.bytes => {}
                _ => {
                    part.clear()?;
                    return Ok(End::Broken("the server sent another range".to_owned()));
                }
            },
            StatusCode::RANGE_NOT_SATISFIABLE => {
                part.clear()?;
                return Ok(End::Broken("the server refused the range".to_owned()));
            }
            status if retriable(status) => {
                return Ok(End::Broken(format!("status {}", status.as_u16())));
            }
            status => return Ok(End::Failed(Failure::Status(status.as_u16()))),
        }
        let mut body = response.into_body().into_reader();
        let mut block = vec![0; BLOCK];
        loop {
            match body.read(&mut block) {
                Ok(0) if part.bytes == expected => return Ok(End::Whole),
                Ok(0) => return Ok(End::Broken("the connection ended early".to_owned())),
                Ok(n) if part.bytes + n as u64 > expected => {
                    let found = part.bytes + n as u64;
                    part.clear()?;
                    return Ok(End::Failed(Failure::Length { found, expected }));
                }
                Ok(n) => {
                    part.append(&block[..n])?;
                    progress.event(FetchEvent::Position(part.bytes));
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // What counts is the bytes: a server that announced too many has still sent all of them.
                Err(_) if part.bytes == expected => return Ok(End::Whole),
                Err(error) => return Ok(End::Broken(error.to_string())),
            }
        }
    }
}

/// Whether the same request may succeed later.
fn retriable(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_MANY_REQUESTS
}

fn number(headers: &HeaderMap, name: &header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// First byte and, if known, length of the whole, from `bytes 100-999/1000`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}
