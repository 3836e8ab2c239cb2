//! The directory of one run: made, locked, recognised, moved aside.

#![expect(clippy::disallowed_methods, reason = "run directories are opened here")]

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::owner::{OWNER, Owned, Owner};
use super::{Checkpoint, StoreError, write_atomic};

/// How [`Identity::spec_hash`] is worked out.
///
/// In edition 1 it covered every value of the resolved spec, in edition 2 those that are not defaults.
pub const IDENTITY_EDITION: u32 = 2;

/// What makes two runs the same run: equal hash and seed. The rest says how to compile it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// SHA-256, in hex, of the resolved spec without seeds and defaults, the dtype, the executor and the `--init` file.
    pub spec_hash: String,
    /// How that is worked out: [`IDENTITY_EDITION`] when the run began, or was renamed.
    #[serde(default = "first_edition")]
    pub edition: u32,
    /// The seed.
    pub seed: u64,
    /// Precision: `f32`, `f64`.
    pub dtype: String,
    /// The executor, by the name of its target.
    pub executor: String,
    /// SHA-256, in hex, of the `--init` file.
    pub init: Option<String>,
    /// Fingerprint of its data; runs of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The version of the program that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

fn first_edition() -> u32 {
    1
}

impl Identity {
    /// `run.json`.
    pub(super) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain strings");
        text.push('\n');
        text
    }
}

/// A locked run directory.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _owned: Owned,
    _lock: File,
}

/// What was found in the directory.
#[derive(Debug)]
pub enum Opened {
    /// Nothing: a new run.
    Fresh(RunDir),
    /// A run that has a checkpoint, finished or not.
    Existing(RunDir, Box<Checkpoint>),
}

const LOCK: &str = ".lock";
pub(super) const IDENTITY: &str = "run.json";

impl RunDir {
    /// Opens `path` for the run `identity`, making it if needed.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when it holds something else, [`StoreError::OtherRun`] when it holds
    /// another run, [`StoreError::Locked`] when another process has it.
    pub fn open(path: &Path, identity: &Identity) -> Result<Opened, StoreError> {
        let io = |source| StoreError::io("create", path, source);
        fs::create_dir_all(path).map_err(io)?;
        if let Some(found) = foreign_entry(path)? {
            return Err(StoreError::Foreign { path: path.to_owned(), found });
        }
        let dir = Self::hold(path)?;
        if let Some(found) = Self::identity_in(path)? {
            let other = |what, found: String, expected: String| {
                Err(StoreError::OtherRun { path: path.to_owned(), what, found, expected })
            };
            if found.edition != identity.edition {
                let edition = |edition: u32| edition.to_string();
                return other("edition", edition(found.edition), edition(identity.edition));
            }
            if found.spec_hash != identity.spec_hash {
                let short = |hash: &str| hash.chars().take(12).collect();
                return other("spec_hash", short(&found.spec_hash), short(&identity.spec_hash));
            }
            if found.seed != identity.seed {
                return other("seed", found.seed.to_string(), identity.seed.to_string());
            }
            if let (Some(then), Some(now)) = (&found.data, &identity.data)
                && then != now
            {
                let short = |hash: &str| hash.chars().take(12).collect();
                return other("data", short(then), short(now));
            }
        } else {
            dir.write(IDENTITY, identity.text().as_bytes())?;
        }
        for folder in ["ckpt", "logits"] {
            fs::create_dir_all(path.join(folder)).map_err(io)?;
        }
        Ok(match Checkpoint::read(&path.join("ckpt"))? {
            Some(checkpoint) => {
                checkpoint.renew_copies(&path.join("ckpt"))?;
                Opened::Existing(dir, Box::new(checkpoint))
            }
            None => Opened::Fresh(dir),
        })
    }

    /// Takes a directory, whatever is in it.
    pub(super) fn hold(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), _owned: Owned::take(path)?, _lock: lock })
    }

    /// Removes what a process left that died between the end of the run in `path` and giving it back.
    pub fn give_back(path: &Path) {
        if Owner::lives_in(path) == Some(false) {
            // Where others' runs may only be read, it stays: the dead hold nothing.
            drop(Self::hold(path));
        }
    }

    /// Moves an existing run aside, to `<path>.old-1` or the next free number.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the directory is no run: it is not ours to move.
    pub fn move_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        if let Some(found) = foreign_entry(path)? {
            return Err(StoreError::Foreign { path: path.to_owned(), found });
        }
        let _lock = lock(path)?;
        if Owner::of_run(path).is_some() {
            return Err(StoreError::Locked { path: path.to_owned() });
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let target = (1..=u32::MAX)
            .map(|i| path.with_file_name(format!("{name}.old-{i}")))
            .find(|target| !target.exists())
            .expect("there is a free number");
        fs::rename(path, &target).map_err(|e| StoreError::io("move", path, e))?;
        Ok(Some(target))
    }

    /// Whether `path` looks like a run.
    pub fn is_run(path: &Path) -> bool {
        path.join(IDENTITY).is_file()
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the run.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write_atomic(&self.path.join(name), bytes)
    }

    /// Removes a file of the run if it is there.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(StoreError::io("remove", &path, e)),
        }
    }

    /// Whether the run holds a file.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    /// The identity of the run in `path`; `None` when it holds none.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or holds something else.
    pub fn identity_in(path: &Path) -> Result<Option<Identity>, StoreError> {
        let path = path.join(IDENTITY);
        if !path.is_file() {
            return Ok(None);
        }
        let text = super::read_text(&path, 1 << 16)?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| StoreError::damaged(&path, format!("an unreadable identity ({e})")))
    }
}

/// An entry that shows that a non-empty directory is no run of ours.
fn foreign_entry(path: &Path) -> Result<Option<String>, StoreError> {
    let io = |source| StoreError::io("read", path, source);
    if path.join(IDENTITY).is_file() {
        return Ok(None);
    }
    for entry in fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        let ours = [LOCK, OWNER, &format!(".{IDENTITY}"), &format!(".{OWNER}")];
        if !ours.iter().any(|ours| name.starts_with(ours)) {
            // Another process may have made a run of it meanwhile.
            let is_run = path.join(IDENTITY).is_file();
            return Ok((!is_run).then_some(name));
        }
    }
    Ok(None)
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = path.join(LOCK);
    let lock = File::create(&file).map_err(|e| StoreError::io("create", &file, e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(e)) => Err(StoreError::io("lock", &file, e)),
    }
}
