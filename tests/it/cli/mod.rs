//! The `specc` program from outside: arguments in; exit codes, output and files out.

mod claims;
mod codes;
mod compare;
mod composition;
mod conserved;
mod damage;
mod diff;
mod diverge;
mod export;
mod failures;
mod identity;
mod initial;
mod interrupt;
mod keep;
mod last_batch;
mod learning;
mod metrics;
mod new;
mod report;
mod report_tables;
mod reports;
mod reproduce;
mod run_dir;
mod runs;
mod slurm;
mod streams;
mod sweep;
mod time;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tempfile::TempDir;

use crate::close::single;

/// A small net on a few digits: 6 steps an epoch, three epochs.
pub(crate) const TINY: &str = "\
data digits(subset=48, test_subset=24)
net tiny { conv(4, kernel=3) -> relu -> max_pool(2)  flatten  linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 8  epochs = 3 }
";

/// Files that may differ between equal runs.
const UNEQUAL: [&str; 4] = ["env.json", "timing.jsonl", "log.txt", ".lock"];

/// A folder of its own, without data, cache or settings of the user.
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A folder with `spec.net`.
    pub(crate) fn with(spec: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("spec.net", spec.as_bytes());
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "tests write what the program reads")]
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// A symbolic link `name` to `target`.
    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "tests read what the program writes")]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// The objects of a file of lines.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        self.text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The program with these arguments, to be started here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.at_home(env!("CARGO_BIN_EXE_specc"));
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A line for the shell, in which `$SPECC` is the program.
    pub(crate) fn shell(&self, line: &str) -> Done {
        let mut command = self.at_home("bash");
        command.args(["-c", line]).env("SPECC", env!("CARGO_BIN_EXE_specc")).stdin(Stdio::null());
        Done::of(&command.output().unwrap(), line)
    }

    fn at_home(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env("HOME", self.path("home"));
        for name in ["SPECC_DATA", "XDG_CACHE_HOME", "NO_COLOR", "COLUMNS", "RAYON_NUM_THREADS"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn specc(&self, arguments: &[&str]) -> Done {
        Done::of(&self.command(arguments).output().unwrap(), &arguments.join(" "))
    }

    /// `specc train spec.net -o DIR …`, which must succeed.
    pub(crate) fn train(&self, dir: &str, more: &[&str]) -> Done {
        self.specc(&[&["train", "spec.net", "-o", dir], more].concat()).exits(0)
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Every file below `dir` that equal runs share, by its path.
    pub(crate) fn tree(&self, dir: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for name in self.names(dir) {
            if !UNEQUAL.contains(&name.as_str()) {
                let bytes = self.read(&format!("{dir}/{name}"));
                files.insert(name, bytes);
            }
        }
        files
    }

    /// The paths of all files below `dir`, in order.
    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        fn walk(folder: &Path, prefix: &str, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), &format!("{name}/"), names);
                } else {
                    names.push(name);
                }
            }
        }
        let mut names = vec![];
        walk(&self.path(dir), "", &mut names);
        names.sort();
        names
    }

    /// Two runs agree in every byte that equal runs share.
    #[track_caller]
    pub(crate) fn assert_equal(&self, left: &str, right: &str) {
        let (left, right) = (self.tree(left), self.tree(right));
        assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
        for (name, bytes) in &left {
            if *bytes != right[name] {
                let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                panic!("{name} differs:\n{}\n--- and ---\n{}", show(bytes), show(&right[name]));
            }
        }
    }

    /// Waits until a file has so many lines; `false` if the process ended before.
    pub(crate) fn wait_for_lines(&self, name: &str, lines: usize, process: &mut Child) -> bool {
        let path = self.path(name);
        loop {
            let found = if path.exists() { self.text(name).lines().count() } else { 0 };
            if found >= lines {
                return true;
            }
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Sends a signal by its short name.
pub(crate) fn signal(process: &Child, name: &str) {
    let status =
        Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// A command that ended.
pub(crate) struct Done {
    what: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// No command ever panics.
    #[track_caller]
    pub(crate) fn of(output: &Output, what: &str) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let done = Self {
            what: what.to_owned(),
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!done.err.contains("panicked"), "{what}: {}", done.err);
        done
    }

    /// The end of a process that was started.
    #[track_caller]
    pub(crate) fn wait(process: Child) -> Self {
        Self::of(&process.wait_with_output().unwrap(), "a started process")
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let Self { what, out, err, .. } = &self;
        assert_eq!(self.code, Some(code), "{what}\nstdout: {out}\nstderr: {err}");
        self
    }

    /// Stdout has all of these parts.
    #[track_caller]
    pub(crate) fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "`{part}` is not in:\n{}", self.out);
        }
        self
    }

    /// Standard error holds each of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{}: no `{part}` in\n{}", self.what, self.err);
        }
        self
    }

    /// Standard output is exactly one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| {
            panic!("{}: {error}\nstdout: {}\nstderr: {}", self.what, self.out, self.err)
        })
    }
}

/// Tensors to write: name, dtype, shape, values.
pub(crate) fn tensors(list: &[(&str, Dtype, &[usize], &[f64])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = list
        .iter()
        .map(|(_, dtype, _, values)| {
            let each = values.iter();
            match dtype {
                Dtype::F32 => each.flat_map(|v| (*v as f32).to_le_bytes()).collect(),
                Dtype::F64 => each.flat_map(|v| v.to_le_bytes()).collect(),
                Dtype::I64 => each.flat_map(|v| (*v as i64).to_le_bytes()).collect(),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let views = list.iter().zip(&bytes).map(|((name, dtype, shape, _), bytes)| {
        let view = safetensors::tensor::TensorView::new(*dtype, shape.to_vec(), bytes);
        (*name, view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// The values of a floating-point or integer tensor.
pub(crate) fn values(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => {
            data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()
        }
        Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
        other => panic!("{other:?}"),
    }
}

/// Euclidean norm.
pub(crate) fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Equal up to single precision.
#[track_caller]
pub(crate) fn assert_close(left: f64, right: f64) {
    assert!((left - right).abs() <= single::SUM * (1.0 + right.abs()), "{left} and {right}");
}

/// Every number of a document, found recursively, is finite; JSON has no other, but `null` may stand in for one.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
