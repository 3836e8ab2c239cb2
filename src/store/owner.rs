//! Who works on a run: `owner.json`, since a lock of the operating system does not reach over every shared folder.
//!
//! Invariant: of all processes that see the folder, at most one holds the file, which is made exclusively. Whoever holds it
//! renews it; a file of another host that nobody renewed for ten minutes, or of a process of this host that is gone, is
//! taken over.

#![expect(clippy::disallowed_methods, reason = "run directories are owned here")]

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{StoreError, read_text, write_atomic};

/// The file.
pub(super) const OWNER: &str = "owner.json";

/// Held while what a dead owner left is removed.
const TAKING: &str = "owner.json.taking";

/// Between renewals.
const BEAT: Duration = Duration::from_mins(1);

/// Without a renewal for so long, an owner on another host counts as dead.
const DEAD_AFTER: Duration = Duration::from_mins(10);

/// How often a dead owner is pushed aside before the run counts as in use.
const TRIES: usize = 5;

/// A process that works on a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Name of its machine.
    pub host: String,
    /// Its number there.
    pub process: u32,
    /// Which start of the machine; empty where it cannot be known.
    pub boot: String,
    /// When the process began, in the machine's own count; tells it from a later one of the same number.
    pub started: String,
    /// Renewals so far.
    pub beats: u64,
    /// The task of a batch system that it is, as `12_3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

/// [`Owner::task`] of this process.
static TASK: OnceLock<String> = OnceLock::new();

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let process = std::process::id();
        Self {
            host: of_system("/proc/sys/kernel/hostname"),
            process,
            boot: of_system("/proc/sys/kernel/random/boot_id"),
            started: start_of(process).unwrap_or_default(),
            beats: 0,
            task: TASK.get().cloned(),
        }
    }

    /// Says once which task of a batch system this process is.
    pub fn is_task(task: String) {
        let _ = TASK.set(task);
    }

    /// Who works on the run in `path`, if the file says so and that process lives.
    pub fn of_run(path: &Path) -> Option<Self> {
        let file = path.join(OWNER);
        let owner = Self::read(&file)?;
        owner.lives(&file).then_some(owner)
    }

    /// Who worked on the run in `path` last, dead or alive, unless it left in order.
    pub fn last_of_run(path: &Path) -> Option<Self> {
        Self::read(&path.join(OWNER))
    }

    /// Whether who took the run in `path` last lives; `None` where nobody has it, or who had it left in order.
    pub fn lives_in(path: &Path) -> Option<bool> {
        let file = path.join(OWNER);
        Some(Self::read(&file)?.lives(&file))
    }

    fn read(file: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(file, 1 << 16).ok()?).ok()
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.host, self.process, &self.boot, &self.started)
            == (&other.host, other.process, &other.boot, &other.started)
    }

    /// Whether the process that wrote the file is at work, as far as can be seen from here.
    fn lives(&self, file: &Path) -> bool {
        let here = Self::this();
        if self.host == here.host && !self.boot.is_empty() {
            return self.boot == here.boot
                && start_of(self.process).is_some_and(|started| started == self.started);
        }
        let renewed = fs::metadata(file).and_then(|metadata| metadata.modified());
        // A clock that is behind the other one's sees a renewal in the future.
        let age = renewed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        age.is_ok_and(|age| age < DEAD_AFTER)
    }
}

/// The first line of a file of the operating system; empty where there is none.
fn of_system(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// When a process of this machine began; `None` where there is no such process, or nobody tells.
fn start_of(process: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything; the 20th word behind it is the start.
    text.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

/// The file, held by this process until it is dropped.
#[derive(Debug)]
pub(super) struct Owned {
    file: PathBuf,
    stop: Option<mpsc::Sender<()>>,
    beats: Option<JoinHandle<()>>,
}

impl Owned {
    /// Takes the run in `path`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process lives that has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        static TAKEN: AtomicU32 = AtomicU32::new(0);
        let file = path.join(OWNER);
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let own = Owner::this();
        let aside = path.join(format!("{OWNER}.{}-{}-{number}", own.host, own.process));
        let taking = path.join(TAKING);
        let io = |error| StoreError::io("create", &file, error);
        let mut taken = false;
        for _ in 0..TRIES {
            taken = create(&file, &aside, &own).map_err(io)?;
            let found = Owner::read(&file);
            if taken || found.as_ref().is_some_and(|found| found.lives(&file)) {
                break;
            }
            // One process alone may remove what a dead one left.
            if create(&taking, &aside, &own).map_err(io)? {
                if Owner::read(&file) == found {
                    let _ = fs::remove_file(&file);
                    taken = create(&file, &aside, &own).map_err(io)?;
                }
                let _ = fs::remove_file(&taking);
                if taken {
                    break;
                }
            } else if !Owner::read(&taking).is_some_and(|other| other.lives(&taking)) {
                let _ = fs::remove_file(&taking);
            }
        }
        if !taken {
            return Err(StoreError::Locked { path: path.to_owned() });
        }
        let (stop, stopped) = mpsc::channel();
        let beats = {
            let file = file.clone();
            let beat = move || renew(&file, own, &stopped);
            std::thread::Builder::new().name("owner".to_owned()).spawn(beat)
        };
        // Without a thread to renew it the file still tells the processes of this host.
        Ok(Self { file, stop: Some(stop), beats: beats.ok() })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beats) = self.beats.take() {
            let _ = beats.join();
        }
        if Owner::read(&self.file).is_some_and(|found| found.is_same(&Owner::this())) {
            // What stays behind is taken over by whoever comes next.
            let _ = fs::remove_file(&self.file);
        }
        for aside in asides(&self.file) {
            if !Owner::read(&aside).is_some_and(|owner| owner.lives(&aside)) {
                let _ = fs::remove_file(&aside);
            }
        }
    }
}

/// Files beside the one of the owner by which processes took it, or were about to when they died.
fn asides(file: &Path) -> Vec<PathBuf> {
    let Some(Ok(entries)) = file.parent().map(fs::read_dir) else { return vec![] };
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| {
            name.starts_with(&format!("{OWNER}.")) || name == format!(".{OWNER}.tmp")
        })
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_aside).collect()
}

/// Makes the file with its content; `false` where there is one.
fn create(file: &Path, aside: &Path, own: &Owner) -> io::Result<bool> {
    let text = format!("{}\n", serde_json::to_string(own).expect("plain strings"));
    fs::write(aside, &text)?;
    let linked = fs::hard_link(aside, file);
    let _ = fs::remove_file(aside);
    let made = match linked {
        // Whoever gave the run back took it for the rest of a dead process: to be tried again.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // A folder without hard links.
            let made = OpenOptions::new().write(true).create_new(true).open(file);
            made.and_then(|mut made| made.write_all(text.as_bytes()))
        }
        done => done,
    };
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Renews the file until it is given back, or belongs to another process.
fn renew(file: &Path, mut own: Owner, stopped: &mpsc::Receiver<()>) {
    while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
        if !Owner::read(file).is_some_and(|found| found.is_same(&own)) {
            return;
        }
        own.beats += 1;
        let text = format!("{}\n", serde_json::to_string(&own).expect("plain strings"));
        // A beat that cannot be written is made up for by the next one.
        let _ = write_atomic(file, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, owner: &Owner) {
        fs::write(folder.join(OWNER), serde_json::to_string(owner).unwrap()).unwrap();
    }

    #[test]
    fn a_run_belongs_to_one_process_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let owned = Owned::take(folder.path()).unwrap();
        assert!(Owner::of_run(folder.path()).unwrap().is_same(&Owner::this()));
        assert!(matches!(Owned::take(folder.path()), Err(StoreError::Locked { .. })));
        drop(owned);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(Owned::take(folder.path()).unwrap());
    }

    #[test]
    fn the_dead_are_taken_over_and_the_living_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(OWNER);
        let this = Owner::this();
        let gone = Owner { started: "1".to_owned(), ..this.clone() };
        let before_start = Owner { boot: "another".to_owned(), ..this.clone() };
        let elsewhere = Owner { host: "elsewhere".to_owned(), ..this };
        for dead in [&gone, &before_start] {
            put(folder.path(), dead);
            assert_eq!(Owner::of_run(folder.path()), None);
            drop(Owned::take(folder.path()).unwrap());
        }
        put(folder.path(), &elsewhere);
        assert!(matches!(Owned::take(folder.path()), Err(StoreError::Locked { .. })));
        let old = SystemTime::now() - DEAD_AFTER - Duration::from_secs(1);
        fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        drop(Owned::take(folder.path()).unwrap());
        fs::write(&file, "cut o").unwrap();
        drop(Owned::take(folder.path()).unwrap());
        assert!(!file.exists());
    }

    #[test]
    fn of_many_that_want_a_dead_run_one_gets_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            put(folder.path(), &Owner { started: "1".to_owned(), ..Owner::this() });
            let path = folder.path();
            let taken: Vec<Result<Owned, StoreError>> = std::thread::scope(|scope| {
                let take = || scope.spawn(|| Owned::take(path));
                let all: Vec<_> = (0..8).map(|_| take()).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
        }
    }
}
