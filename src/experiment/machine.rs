//! Which machine a run uses, and how.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::kernels::isa::{Isa, IsaKind};
use crate::lower::{DType, Precision, Target};

use super::ExperimentError;

/// A device that computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The best one there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A graphics processor, by its number.
    Cuda(u16),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// The text names no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, cpu, cuda or cuda:1")]
pub struct UnknownDevice;

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match (text, text.strip_prefix("cuda:")) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda(0)),
            (_, Some(number)) => number.parse().map(Self::Cuda).map_err(|_| UnknownDevice),
            (_, None) => Err(UnknownDevice),
        }
    }
}

/// How a run is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Where.
    pub device: Device,
    /// Threads, at least 1. Results do not depend on it.
    pub threads: usize,
    /// Precision.
    pub dtype: DType,
    /// How a GPU takes matrix products.
    pub precision: Precision,
    /// Fused kernels where they know the precision; else the reference, operation by operation.
    pub fused: bool,
    /// Instruction set of fused kernels; the fastest one where `None`.
    pub isa: Option<IsaKind>,
}

impl Default for Machine {
    /// Fused kernels in single precision on one thread of the best device.
    fn default() -> Self {
        let (dtype, precision) = (DType::F32, Precision::F32);
        Self { device: Device::Auto, threads: 1, dtype, precision, fused: true, isa: None }
    }
}

impl Machine {
    /// The executor: fused kernels, but the reference where they are turned off or know no such precision.
    pub fn target(&self) -> Target {
        match (self.dtype, self.device) {
            (DType::F32, Device::Cuda(_)) if self.fused => Target::Cuda,
            (DType::F32, Device::Auto | Device::Cpu) if self.fused => Target::Cpu,
            (DType::F32 | DType::F64, _) => Target::Reference,
        }
    }

    /// `auto` decided: the first GPU that works for fused kernels, else the processor; with what it is called.
    #[must_use]
    pub fn decided(mut self, folders: &[PathBuf]) -> (Self, Option<String>) {
        if self.device != Device::Auto {
            return (self, None);
        }
        let gpu = if self.fused && self.dtype == DType::F32 { working_gpu(folders) } else { None };
        self.device = if gpu.is_some() { Device::Cuda(0) } else { Device::Cpu };
        (self, gpu)
    }

    /// Whether this program was built to compute so on a GPU.
    fn is_built(self) -> bool {
        match self.target() {
            Target::Cuda => cfg!(feature = "cuda"),
            Target::Reference => cfg!(feature = "candle-cuda") && self.dtype == DType::F32,
            Target::Cpu => false,
        }
    }

    /// Whether runs can be computed so; `folders` may have NVRTC.
    ///
    /// # Errors
    /// [`ExperimentError`] where the device, its libraries or the instruction set are not there.
    pub fn is_there(&self, folders: &[PathBuf]) -> Result<(), ExperimentError> {
        self.find(folders).map(|_| ())
    }

    /// The instruction set, where device and instruction set are there.
    ///
    /// # Errors
    /// [`ExperimentError`] where one of them is not.
    pub(super) fn find(&self, folders: &[PathBuf]) -> Result<Isa, ExperimentError> {
        if let Device::Cuda(_) = self.device
            && !self.is_built()
        {
            return Err(ExperimentError::Device(self.device));
        }
        if self.precision == Precision::Tf32 && self.target() != Target::Cuda {
            return Err(ExperimentError::Precision(self.executor()));
        }
        #[cfg(feature = "cuda")]
        if let Device::Cuda(number) = self.device {
            crate::exec::cuda::gpu::check(number, folders)?;
            #[cfg(feature = "candle-cuda")]
            if self.target() == Target::Reference {
                crate::exec::cuda::gpu::check_math(number, folders)?;
            }
        }
        #[cfg(not(feature = "cuda"))]
        let _ = folders;
        match self.isa {
            None => Ok(Isa::detect()),
            Some(kind) => Isa::new(kind).ok_or(ExperimentError::Isa(kind)),
        }
    }
}

/// The first GPU of this machine in words, where it and NVRTC work.
#[cfg(feature = "cuda")]
fn working_gpu(folders: &[PathBuf]) -> Option<String> {
    let first = crate::exec::cuda::gpu::check(0, folders).ok()?;
    Some(format!("{} ({})", first.name, first.architecture))
}

#[cfg(not(feature = "cuda"))]
fn working_gpu(_: &[PathBuf]) -> Option<String> {
    None
}
