//! What keeps a GPU from being used.

use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::lower::ExecError;

/// A GPU cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// CUDA's driver library is not on this machine.
    #[error("no CUDA driver")]
    NoDriver,
    /// The driver is older than the calls that are made.
    #[error("the driver knows CUDA {found}, not {needed}")]
    OldDriver {
        /// The newest CUDA that it knows.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// There is no GPU of this number.
    #[error("GPU {number} of {count}")]
    NoDevice {
        /// The number asked for.
        number: u16,
        /// How many there are.
        count: usize,
    },
    /// The library that compiles kernels is not on this machine.
    #[error("no NVRTC")]
    NoNvrtc,
    /// A library that candle's device opens is not on this machine.
    #[error("no `{name}`")]
    NoLibrary {
        /// The library.
        name: &'static str,
    },
    /// A kernel does not compile.
    #[error("a kernel does not compile: {log}")]
    Kernel {
        /// What the compiler said.
        log: String,
    },
    /// The memory does not suffice.
    #[error("{needed} bytes asked, {free} free")]
    Memory {
        /// Bytes asked for.
        needed: usize,
        /// Bytes free.
        free: usize,
    },
    /// A call failed.
    #[error("{what}: {message}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// What the driver said.
        message: String,
    },
}

impl From<GpuError> for ExecError {
    fn from(error: GpuError) -> Self {
        if let GpuError::Memory { needed, free } = error {
            return Self::Memory { needed, free, fits: None };
        }
        Self::Device { message: error.to_string() }
    }
}

impl ToDiagnostic for GpuError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoDriver => Diagnostic::new(Code::E0501, "there is no CUDA driver")
                .note("found: no `libcuda`")
                .expected("a driver of NVIDIA that the loader finds")
                .help("install the driver, or use `--device cpu`"),
            Self::OldDriver { found, needed } => {
                Diagnostic::new(Code::E0502, "the CUDA driver is too old")
                    .note(format!("found: a driver for CUDA {found}"))
                    .expected(format!("a driver for CUDA {needed} or later"))
                    .help("update the driver, or use `--device cpu`")
            }
            Self::NoDevice { number, count } => {
                Diagnostic::new(Code::E0503, "there is no such GPU")
                    .note(format!("found: {count} GPUs, asked for number {number}"))
                    .expected("a number that `specc time --devices` lists")
                    .help("choose another number, or use `--device cpu`")
            }
            Self::NoNvrtc => Diagnostic::new(Code::E0504, "there is no compiler for kernels")
                .note("found: no `libnvrtc`")
                .expected(
                    "NVRTC on the loader's path, in CUDA's folder or in the Python environment",
                )
                .help("run `pip install nvidia-cuda-nvrtc`, or use `--device cpu`"),
            Self::NoLibrary { name } => {
                Diagnostic::new(Code::E0507, "a library of CUDA is not there")
                    .note(format!("found: no `{name}`"))
                    .expected("cuBLAS and cuRAND, which operation by operation on a GPU needs")
                    .help("run `pip install nvidia-cublas nvidia-curand`, or leave `--no-fuse` out")
            }
            Self::Kernel { log } => Diagnostic::new(Code::E0505, "a kernel does not compile")
                .note(format!("it said: {log}"))
                .help("update NVRTC, or use `--device cpu`"),
            Self::Memory { .. } | Self::Failed { .. } => {
                ExecError::from(self.clone()).to_diagnostic()
            }
        }
    }
}
