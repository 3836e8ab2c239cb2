//! Fetching published sets.
//!
//! In: a [`Package`] (what was published, and where it can be had), the folder for it, and someone to tell about progress. Out:
//! the set in a folder of its own, every file of the published length and SHA-256, or a coded error and nothing half-written:
//! only a `.part` file stays, which the next call continues.

mod catalog;
mod download;
mod store;
mod unpack;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use catalog::{Content, Package, RemoteFile};

use super::error::DataError;
use super::failure::Attempt;
use super::files;
use super::locations::Locations;
use super::named::NamedSet;
use super::sums::sha256_of;

/// What a fetch says while it works.
#[derive(Clone, Copy, Debug)]
pub enum FetchEvent<'a> {
    /// A file is asked for; so many bytes of it are here already.
    Started {
        /// The file as published.
        file: &'a str,
        /// Its length.
        bytes: u64,
        /// Bytes that are here.
        have: u64,
    },
    /// So many bytes of the file are here.
    Position(u64),
    /// A connection failed or broke and is taken up again.
    Retry {
        /// The address.
        url: &'a str,
        /// What the network said.
        reason: &'a str,
    },
    /// A mirror did not deliver; the next one is asked.
    MirrorFailed(&'a Attempt),
    /// A file is here and is the published one.
    Served {
        /// The file as published.
        file: &'a str,
        /// The mirror that served the last part of it.
        url: &'a str,
    },
    /// An archive is being unpacked.
    Unpacking(&'a str),
    /// What was in the way and is not the published data has been renamed.
    MovedAside {
        /// Its old name.
        from: &'a Path,
        /// Its new name.
        to: &'a Path,
    },
}

/// Someone who listens to a fetch.
pub trait FetchProgress {
    /// Called for each event, in order, on the thread of the fetch.
    fn event(&mut self, event: FetchEvent<'_>);
}

/// Nobody listens.
impl FetchProgress for () {
    fn event(&mut self, _: FetchEvent<'_>) {}
}

/// How patient a fetch is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Tries of one mirror without [`Patience::progress`] between them.
    pub tries: u32,
    /// Bytes that make a broken connection count as progress: the count of tries starts anew.
    pub progress: u64,
    /// Longest wait for a connection, an answer, or the next bytes.
    pub silence: Duration,
    /// Waits before a further try, given the number of tries so far.
    pub wait: fn(u32),
}

impl Default for Patience {
    /// Five tries, 1 MiB, 30 seconds of silence, waits of 1, 2, 4 and 8 seconds.
    fn default() -> Self {
        Self {
            tries: 5,
            progress: 1 << 20,
            silence: Duration::from_secs(30),
            wait: |tries| std::thread::sleep(Duration::from_secs(1 << (tries.clamp(1, 4) - 1))),
        }
    }
}

/// Fetches what is missing of `package` into `folder`; gives the folder of the set.
///
/// Files that are there and are the published ones are kept. Others of their names are renamed, not overwritten.
///
/// # Errors
/// [`DataError::Fetch`] with every attempt, [`DataError::Archive`], [`DataError::Write`].
pub fn fetch(
    package: &Package,
    folder: &Path,
    patience: Patience,
    progress: &mut dyn FetchProgress,
) -> Result<PathBuf, DataError> {
    let target = folder.join(&package.folder);
    match &package.content {
        Content::Files => {
            store::create_folder(&target)?;
            for file in &package.files {
                let place = target.join(&file.name);
                if files::exists(&place) {
                    if sha256_of(&place)? == file.sha256 {
                        continue;
                    }
                    move_aside(&place, progress)?;
                }
                let part = download::download(file, &target, patience, progress)?;
                store::rename(&part, &place)?;
            }
        }
        Content::Archive { members } => {
            store::create_folder(folder)?;
            for file in &package.files {
                let archive = download::download(file, folder, patience, progress)?;
                progress.event(FetchEvent::Unpacking(&file.name));
                let unpacked = match unpack::unpack(&archive, folder, &package.folder, members) {
                    Ok(unpacked) => unpacked,
                    Err(error) => {
                        if matches!(error, DataError::Archive { .. }) {
                            store::remove(&archive);
                        }
                        return Err(error);
                    }
                };
                if files::exists(&target) {
                    move_aside(&target, progress)?;
                }
                store::publish(unpacked, &target)?;
                store::remove(&archive);
            }
        }
    }
    store::sync_folder(folder);
    Ok(target)
}

fn move_aside(place: &Path, progress: &mut dyn FetchProgress) -> Result<(), DataError> {
    let to = store::free_name(place);
    store::rename(place, &to)?;
    progress.event(FetchEvent::MovedAside { from: place, to: &to });
    Ok(())
}

/// Fetches a published set into the first data folder; gives the folder of the set.
///
/// # Errors
/// [`DataError::Offline`] if `offline`, [`DataError::NoFolder`] where no data folder is known, and those of [`fetch`].
pub fn fetch_set(
    set: NamedSet,
    locations: &Locations,
    offline: bool,
    patience: Patience,
    progress: &mut dyn FetchProgress,
) -> Result<PathBuf, DataError> {
    let Some(package) = Package::published(set) else {
        return Err(DataError::NotFound { set, places: vec![] });
    };
    if offline {
        let places =
            locations.data_folders().iter().map(|root| root.join(&package.folder)).collect();
        return Err(DataError::Offline { set, places });
    }
    let folder = locations.fetch_folder().ok_or(DataError::NoFolder)?;
    fetch(&package, folder, patience, progress)
}
