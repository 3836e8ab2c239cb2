//! What the process is told by its environment.

#![expect(clippy::disallowed_methods, reason = "the environment is read here")]

use std::env;
use std::path::{Path, PathBuf};

use crate::data::Locations;

/// Where data is looked for, given `--data-dir` and the folder of the spec.
pub(crate) fn locations(data_dir: Option<&Path>, spec_dir: Option<&Path>) -> Locations {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    Locations {
        // The folder of `a.net` is the empty path, which the system cannot look into.
        spec_dir: spec_dir
            .map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.to_owned()),
        data_dir: data_dir.map(Path::to_owned),
        env_dir: folder("SPECC_DATA"),
        cache_dir: cache.map(|cache| cache.join("specc")),
    }
}

/// Whether the user asked for no colours anywhere (`NO_COLOR`), or has a terminal that knows none.
pub(crate) fn no_color() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// Whether the command line has this argument, also where the rest of it makes no sense.
pub(crate) fn has_argument(name: &str) -> bool {
    env::args_os().any(|argument| argument == name)
}

/// Columns of the screen where the environment tells them.
pub(crate) fn columns() -> Option<usize> {
    env::var("COLUMNS").ok()?.parse().ok()
}

/// Tells the tensor library and rayon how many threads to use; they read it once.
///
/// Must be called before any thread is started.
#[expect(unsafe_code, reason = "the libraries offer no other way")]
pub(crate) fn set_threads(threads: Option<usize>) {
    let Some(threads) = threads else { return };
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: `main` calls this before it starts any thread, so nobody reads the environment meanwhile.
        unsafe { env::set_var(name, threads.to_string()) };
    }
}

/// The path from the root, where the working directory is known.
#[cfg(feature = "exec")]
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
