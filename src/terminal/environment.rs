//! What the process is told by its environment.

#![expect(clippy::disallowed_methods, reason = "the environment is read here")]

use std::env;
use std::path::{Path, PathBuf};

use crate::data::Locations;
#[cfg(feature = "exec")]
use crate::experiment::GpuPlaces;

/// Where data is looked for, given `--data-dir`.
pub(crate) fn locations(data_dir: Option<&Path>) -> Locations {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    Locations {
        spec_dir: None,
        data_dir: data_dir.map(Path::to_owned),
        env_dir: folder("SPECC_DATA"),
        cache_dir: cache.map(|cache| cache.join("specc")),
    }
}

/// Where NVRTC may lie beside the loader's path, and the folder of compiled kernels.
#[cfg(feature = "exec")]
pub(crate) fn gpu_places() -> GpuPlaces {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut libraries: Vec<PathBuf> = folder("SPECC_NVRTC").into_iter().collect();
    #[cfg(feature = "cuda")]
    {
        let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(folder);
        let of_environment = |path: PathBuf| crate::experiment::python_folders(&path);
        libraries.extend(environments.flat_map(of_environment));
        libraries.extend(crate::experiment::toolkit_folders());
    }
    let kernels = locations(None).cache_dir.map(|cache| cache.join("kernels"));
    GpuPlaces { libraries, kernels }
}

/// The Python that checks exported files.
#[cfg(feature = "exec")]
pub(crate) fn python() -> PathBuf {
    let named = env::var_os("SPECC_PYTHON").filter(|value| !value.is_empty());
    named.map_or_else(|| PathBuf::from("python3"), PathBuf::from)
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

/// The task of an array job that this process is, as `12_3`.
pub(crate) fn slurm_task() -> Option<String> {
    let of = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match (of("SLURM_ARRAY_JOB_ID"), of("SLURM_ARRAY_TASK_ID")) {
        (Some(job), Some(task)) => Some(format!("{job}_{task}")),
        _ => of("SLURM_JOB_ID"),
    }
}

/// Processors that this process may use: those of the machine, or what a batch system gave it.
pub(crate) fn processors() -> usize {
    let here = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let given = ["SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"]
        .iter()
        .find_map(|name| env::var(name).ok()?.parse::<usize>().ok());
    given.map_or(here, |given| given.clamp(1, here))
}

/// This program with the arguments that it was given, but for those that send its work to Slurm and those that say
/// what is shown.
#[cfg(feature = "exec")]
pub(crate) fn without_slurm() -> Vec<String> {
    const FLAGS: [&str; 5] = ["--wait", "--json", "--dry-run", "--quiet", "-q"];
    let program = env::current_exe().map_or_else(|_| "specc".to_owned(), |p| text(p.as_os_str()));
    let mut command = vec![program];
    let mut arguments = env::args_os().skip(1).map(|argument| text(&argument)).peekable();
    while let Some(argument) = arguments.next() {
        match argument.split('=').next().unwrap_or_default() {
            "--slurm" => while arguments.next_if(|next| !next.starts_with('-')).is_some() {},
            "--tasks" if !argument.contains('=') => {
                arguments.next();
            }
            "--tasks" => {}
            flag if FLAGS.contains(&flag) => {}
            _ => command.push(argument),
        }
    }
    command.push("--quiet".to_owned());
    command
}

#[cfg(feature = "exec")]
fn text(argument: &std::ffi::OsStr) -> String {
    argument.to_string_lossy().into_owned()
}
