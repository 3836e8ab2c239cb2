//! Where the golden numbers lie, which are not part of the repository.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder of golden numbers: `../shared/golden` beside the package, else `$SPECC_GOLDEN`.
///
/// Without one the caller skips its test, which is said on standard error; with `CI=true` that is
/// a failure.
pub(crate) fn golden_dir() -> Option<PathBuf> {
    let beside = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/golden")).to_path_buf();
    let named = env("SPECC_GOLDEN").map(PathBuf::from);
    let found = [Some(beside), named].into_iter().flatten().find(|dir| dir.is_dir());
    if found.is_none() {
        assert!(env("CI").as_deref() != Some("true"), "the golden numbers are missing");
        report("skipped: no golden numbers in ../shared/golden or $SPECC_GOLDEN");
    }
    found
}

/// A JSON file of the golden folder.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&bytes(path)).expect("golden JSON parses")
}

/// A file of the golden folder.
#[expect(clippy::disallowed_methods, reason = "tests read golden files")]
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An F64 tensor.
pub(crate) fn f64s(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), Dtype::F64, "{name}");
    tensor.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// An I64 tensor.
pub(crate) fn i64s(file: &SafeTensors<'_>, name: &str) -> Vec<i64> {
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), Dtype::I64, "{name}");
    tensor.data().as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests look for golden files by the environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn report(line: &str) {
    eprintln!("{line}");
}
