//! What keeps an experiment from running, or from going on.

use std::path::PathBuf;

use super::{Device, NameMapError, initial};
use crate::diag::{Code, Diagnostic, Diagnostics, Fault, ToDiagnostic};
use crate::exec::StartError;
#[cfg(feature = "cuda")]
use crate::exec::cuda::gpu::GpuError;
use crate::kernels::isa::{Isa, IsaKind};
use crate::lower::ExecError;
use crate::store::StoreError;
use crate::train::RunError;

/// An experiment that cannot run, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The spec has errors, or its loss does not fit its net.
    #[error("the spec has errors")]
    Spec(Diagnostics),
    /// There is no such device.
    #[error("the device {0} is not available")]
    Device(Device),
    /// The executor of this name has no tensor cores.
    #[error("the executor {0} has no tensor cores")]
    Precision(&'static str),
    /// The GPU cannot be used.
    #[cfg(feature = "cuda")]
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The processor lacks the instruction set.
    #[error("the processor has no {}", .0.name())]
    Isa(IsaKind),
    /// The file of initial weights cannot be used.
    #[error("the file of initial weights: {0}")]
    Init(StoreError),
    /// The map of names in that file cannot be read.
    #[error("the map of names: {0}")]
    InitMap(StoreError),
    /// The map of names in that file cannot be used.
    #[error(transparent)]
    NameMap(#[from] NameMapError),
    /// There is nothing to go on from.
    #[error("`{}` holds no run to resume", .0.display())]
    NothingToResume(PathBuf),
    /// The run directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session that the run is part of cannot start.
    #[error("the runs cannot start together")]
    Together(Diagnostics),
    /// The run cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The run cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<ExecError> for ExperimentError {
    fn from(error: ExecError) -> Self {
        Self::Run(error.into())
    }
}

impl ExperimentError {
    /// What a user reads.
    pub fn diagnostics(&self) -> Diagnostics {
        match self {
            Self::Spec(diagnostics) | Self::Together(diagnostics) => diagnostics.clone(),
            Self::Device(device) => {
                let found = unavailable(&format!("`--device {device}`"));
                vec![if cfg!(feature = "candle-cuda") {
                    found
                        .expected("`auto` or `cpu` with `--dtype f64`")
                        .help("leave `--device` out, or compute in f32")
                } else if cfg!(feature = "cuda") {
                    found
                        .expected("`auto` or `cpu` with `--no-fuse` or `--dtype f64`")
                        .help("leave `--device` out, or use fused kernels in f32")
                        .note("`--no-fuse` on a GPU takes a build with `--features candle-cuda`")
                } else {
                    found
                        .expected("`auto` or `cpu`; this program was built without `cuda`")
                        .help("leave `--device` out, or build with `--features cuda`")
                }]
            }
            Self::Precision(executor) => vec![
                unavailable(&format!("`--precision tf32` for the executor `{executor}`"))
                    .expected("fused kernels in f32 on a GPU")
                    .help("leave `--precision` out, or add `--device cuda`"),
            ],
            #[cfg(feature = "cuda")]
            Self::Gpu(error) => vec![error.to_diagnostic()],
            Self::Isa(_) => {
                let known: Vec<_> = Isa::available().iter().map(|isa| isa.kind().name()).collect();
                vec![
                    unavailable("an `--isa` that this processor does not have")
                        .expected(format!("one of {}", known.join(", ")))
                        .help("leave `--isa` out to use the fastest one"),
                ]
            }
            Self::Init(error) => {
                let title = "the file of `--init` cannot be used";
                let mut diagnostic = Diagnostic::new(Code::E0708, title);
                diagnostic.notes = error.to_diagnostic().notes;
                vec![diagnostic.expected("a safetensors file with the parameters of the net")]
            }
            Self::InitMap(error) => vec![initial::unreadable(error)],
            Self::NameMap(error) => vec![error.to_diagnostic()],
            Self::NothingToResume(path) => vec![
                Diagnostic::new(Code::E0709, "there is no run to resume")
                    .note(format!("directory: {}", path.display()))
                    .expected("a run with a checkpoint")
                    .help("leave `--resume` out to start the run"),
            ],
            Self::Store(error) => vec![error.to_diagnostic()],
            Self::Start(error) => vec![error.to_diagnostic()],
            Self::Run(error) => vec![error.to_diagnostic()],
        }
    }

    /// Who can mend it.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            // The argument names a file that cannot be read.
            Self::Init(StoreError::Io { .. }) | Self::InitMap(StoreError::Io { .. }) => {
                Some(Fault::Usage)
            }
            #[cfg(feature = "cuda")]
            Self::Gpu(_) => Fault::of(&self.diagnostics()),
            Self::Spec(_)
            | Self::Device(_)
            | Self::Precision(_)
            | Self::Isa(_)
            | Self::Init(_)
            | Self::InitMap(_)
            | Self::NameMap(_)
            | Self::NothingToResume(_)
            | Self::Together(_)
            | Self::Store(_)
            | Self::Start(_)
            | Self::Run(_) => Fault::of(&self.diagnostics()),
        }
    }
}

fn unavailable(found: &str) -> Diagnostic {
    Diagnostic::new(Code::E0707, "the device is not available").note(format!("found: {found}"))
}
