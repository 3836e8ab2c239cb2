//! Groups of arguments that `train`, `eval` and `time` share.

use std::path::PathBuf;

use super::environment;
use crate::experiment::{Device, Machine};
use crate::kernels::isa::IsaKind;
use crate::lower::{DType, Precision};
use crate::study::{self, Share};

/// Which machine a run uses.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MachineArgs {
    /// `auto`, `cpu`, `cuda` or `cuda:1`.
    #[arg(long, default_value_t)]
    device: Device,

    /// Threads to use [default: all processors].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Precision.
    #[arg(long, value_enum, default_value_t)]
    dtype: DTypeArg,

    /// How a GPU takes matrix products; `tf32` is part of a run's identity.
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,

    /// Use the reference executor, operation by operation.
    #[arg(long)]
    no_fuse: bool,

    /// Instruction set of fused kernels; `avx512` and `avx2` give the same bits.
    #[arg(long, value_enum, default_value_t)]
    isa: IsaArg,
}

impl MachineArgs {
    /// The machine asked for.
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            device: self.device,
            threads: self.threads(),
            dtype: match self.dtype {
                DTypeArg::F32 => DType::F32,
                DTypeArg::F64 => DType::F64,
            },
            precision: match self.precision {
                PrecisionArg::F32 => Precision::F32,
                PrecisionArg::Tf32 => Precision::Tf32,
            },
            fused: !self.no_fuse,
            isa: match self.isa {
                IsaArg::Auto => None,
                IsaArg::Avx512 => Some(IsaKind::Avx512),
                IsaArg::Avx2 => Some(IsaKind::Avx2),
                IsaArg::Portable => Some(IsaKind::Portable),
            },
        }
    }

    /// The same with `auto` decided, for runs whose names depend on it before they are prepared.
    pub(crate) fn decided(&self) -> Machine {
        self.machine().decided(&environment::gpu_places().libraries).0
    }

    /// How many of `n_runs` runs are made at once, with how many threads each; `seconds` tells what a step takes.
    pub(crate) fn share(
        &self,
        n_runs: usize,
        jobs: Option<u16>,
        seconds: impl FnMut(usize) -> Option<f64>,
    ) -> Share {
        let processors = environment::processors();
        study::share(processors, n_runs, jobs.map(usize::from), self.given(), seconds)
    }

    /// Threads that are asked for.
    pub(crate) fn given(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// Threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(environment::processors, usize::from)
    }
}

/// `--isa`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum IsaArg {
    /// The fastest of this processor.
    #[default]
    Auto,
    /// 16 lanes in a register.
    Avx512,
    /// 8 lanes in a register, fused multiply-add.
    Avx2,
    /// No vector instructions beyond the baseline; other bits.
    Portable,
}

/// `--dtype`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DTypeArg {
    /// 32-bit floating point.
    #[default]
    F32,
    /// 64-bit floating point, slow, for checks.
    F64,
}

/// `--precision`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum PrecisionArg {
    /// By fused multiply-adds.
    #[default]
    F32,
    /// On tensor cores: factors with 10 bits of mantissa, sums in f32.
    Tf32,
}

/// Where data comes from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataPlace {
    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Never fetch anything.
    #[arg(long)]
    pub(crate) offline: bool,
}
