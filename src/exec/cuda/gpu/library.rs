//! Finds the libraries of CUDA before anything of theirs is called.

use std::path::{Path, PathBuf};

use cudarc::{driver, nvrtc};

use super::GpuError;

/// Versions of the library that are known, newest first.
const NVRTC_NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

/// Whether CUDA's driver is there.
#[expect(unsafe_code, reason = "a library is loaded")]
pub(super) fn find_driver() -> Result<(), GpuError> {
    // SAFETY: loading the driver runs its initialisers alone, as every program that uses it does.
    if unsafe { driver::sys::is_culib_present() } { Ok(()) } else { Err(GpuError::NoDriver) }
}

/// Whether NVRTC is there: where the loader looks, or in one of `folders`, from which it is loaded.
pub(super) fn find_nvrtc(folders: &[PathBuf]) -> Result<(), GpuError> {
    let is_there = find(nvrtc::sys::is_culib_present, NVRTC_NAMES, folders);
    if is_there { Ok(()) } else { Err(GpuError::NoNvrtc) }
}

/// As [`super::check`], where also the libraries can be used that candle's device opens.
///
/// # Errors
/// [`GpuError`].
#[cfg(feature = "candle-cuda")]
pub fn check_math(number: u16, folders: &[PathBuf]) -> Result<super::GpuInfo, GpuError> {
    let gpu = super::check(number, folders)?;
    find_math(folders)?;
    Ok(gpu)
}

/// Whether the libraries are there that candle's device opens: where the loader looks, or in one of `folders`.
#[cfg(feature = "candle-cuda")]
fn find_math(folders: &[PathBuf]) -> Result<(), GpuError> {
    use cudarc::{cublas, curand};
    const CUBLAS_NAMES: [&str; 3] = ["libcublas.so.13", "libcublas.so.12", "libcublas.so"];
    const CURAND_NAMES: [&str; 2] = ["libcurand.so.10", "libcurand.so"];
    if !find(cublas::sys::is_culib_present, CUBLAS_NAMES, folders) {
        return Err(GpuError::NoLibrary { name: "libcublas" });
    }
    if !find(curand::sys::is_culib_present, CURAND_NAMES, folders) {
        return Err(GpuError::NoLibrary { name: "libcurand" });
    }
    Ok(())
}

/// Whether a library is there, or can be loaded from one of `folders`.
#[expect(unsafe_code, reason = "a library is loaded")]
fn find<const N: usize>(
    is_present: unsafe fn() -> bool,
    names: [&str; N],
    folders: &[PathBuf],
) -> bool {
    // SAFETY: loading a library of CUDA runs its initialisers alone.
    if unsafe { is_present() } {
        return true;
    }
    let paths = folders.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    // SAFETY: as above.
    paths.filter(|path| path.is_file()).any(|path| load(&path) && unsafe { is_present() })
}

/// Loads a library for good: later the loader finds it by its name.
#[expect(unsafe_code, reason = "a library is loaded")]
fn load(path: &Path) -> bool {
    // SAFETY: loading a library of CUDA runs its initialisers alone.
    let Ok(library) = (unsafe { libloading::Library::new(path) }) else { return false };
    std::mem::forget(library);
    true
}

/// Folders of a Python environment that hold the libraries of its packages.
pub fn python_folders(environment: &Path) -> Vec<PathBuf> {
    let pythons = listed(&environment.join("lib")).into_iter();
    let packages = pythons.flat_map(|python| listed(&python.join("site-packages/nvidia")));
    packages.map(|package| package.join("lib")).filter(|path| path.is_dir()).collect()
}

/// Folders of toolkits that are installed where CUDA usually is.
pub fn toolkit_folders() -> Vec<PathBuf> {
    let is_toolkit = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cuda"))
    };
    let toolkits = listed(Path::new("/usr/local")).into_iter().filter(is_toolkit);
    toolkits.map(|path| path.join("lib64")).filter(|path| path.is_dir()).collect()
}

fn listed(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
